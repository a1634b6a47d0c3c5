// Requests as lanes over steps: what each of them did in each step.

import { BETWEEN } from "./between.js";
import { describe, laneCell, moverCell, rowsCell, stepCell, stopCell } from "./cells.js";
import { dress } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { leaves, points } from "./shell.js";
import { count, label, STOPS } from "./words.js";

const COLUMNS = [30, 18]; // pixels of a step: wide as long as all known steps fit
const MOST = 24; // lanes that are drawn

/** Draws the lanes into `root`. A click on a step puts the playhead there. */
export function lanesView(root, ui) {
  const head = lane("rows", "rows");
  const stops = lane("stops", "stop");
  const mover = lane("mover", "mover"); // shown if there is host memory
  const steps = lane("steps", "step");
  const list = el("div", { class: "lane-list" });
  const more = el("p", { class: "rest" });
  const box = el(
    "div",
    {
      class: "lanes",
      role: "group",
      tabindex: "0",
      "aria-label": "Lanes of requests over steps. Arrow keys move, Enter goes to the step.",
    },
    head,
    list,
    stops,
    steps,
  );
  const detail = el("p", { class: "detail", "data-detail": "lane", "aria-live": "polite" });
  const hint =
    "Point at a cell, or move over them with the arrow keys, to read what happened there. A click or Enter goes to its step; steps ahead of it are faint.";
  root.append(box, more, detail, legend(), stopLegend());
  text(detail, hint);

  let room = 600; // pixels for cells
  new ResizeObserver(([entry]) => {
    room = Math.max(120, entry.contentRect.width - 2);
    if (now) {
      draw(...now);
    }
  }).observe(head.cells);
  let now = null; // state and time that are drawn
  let at = null; // the cell that is told about
  const point = (cell) => {
    at?.classList.remove("current");
    at = cell;
    at?.classList.add("current");
    if (!cell) {
      text(detail, hint);
      return;
    }
    cell.lane = cell.closest("[data-lane]").dataset.lane; // to find it again if it is made anew
    const [state, { front }] = now;
    const known = Number(cell.dataset.step) <= state.step ? state : front;
    text(detail, describe(known, cell) || hint);
  };
  const pointed = (e) => e.target.closest("[data-step]");
  box.addEventListener("pointerover", (e) => points() && point(pointed(e)));
  box.addEventListener("pointerleave", (e) => leaves(e) && point(null));
  box.addEventListener("click", (e) => go(pointed(e)));
  const go = (cell) => cell && ui.act(() => ui.actions.seek(Number(cell.dataset.step)));
  box.addEventListener("keydown", (e) => {
    const next = beside(box, at, e.key);
    if (next) {
      e.preventDefault();
      e.stopPropagation();
      point(next);
    } else if (e.key === "Enter") {
      go(at);
    }
  });
  ui.tellOf.lanes = (sequence, step) => {
    point(box.querySelector(`.cell[data-sequence="${sequence}"][data-step="${step}"]`));
    return [];
  };

  let from = 0; // the first step that is drawn
  const draw = (state, time) => {
    if (now && now[0].run !== state.run) {
      point(null);
      from = 0;
    }
    now = [state, time];
    const ahead = time.front.steps.filter((s) => s.step > state.step);
    const gap = ahead.length > 0 && ahead[0].step > state.step + 1;
    const known = [...state.steps, ...(gap ? [] : ahead)];
    const fits = Math.max(time.front.steps.length, state.steps.length);
    const width = COLUMNS.find((w) => w * fits <= room) ?? COLUMNS.at(-1);
    attr(box, "style", `--column:${width}px`);
    const columns = Math.floor(room / width);
    from = firstStep(from, columns, known, state.step);
    const shown = known.filter((s) => s.step >= from).slice(0, columns);
    const all = lanesOf(state, shown[0]?.step ?? 0);
    const lanes = all.length > MOST ? pick(all, MOST) : all;
    const fill = (node, make, key = "") =>
      keyed(
        node.cells,
        shown,
        (s) => `${s.step} ${s.step > state.step} ${key}`,
        (s) => make(s, s.step > state.step),
      );
    keyed(
      list,
      lanes,
      (item) => `${state.run}/${item.key}`,
      (item) => lane(item.key, item.label, item),
      (node, item) => {
        attr(node, "data-state", item.state);
        const later = laterOf(item, time.front);
        fill(node, (step, isAhead) => laneCell(isAhead ? later : item, step, isAhead));
      },
    );
    const most = Math.max(
      1,
      ...shown.map((s) => s.prefillRows + s.decodeRows + s.draftRows + s.paddingRows),
    );
    fill(head, (step, isAhead) => rowsCell(step, most, isAhead), `${state.run} ${most}`);
    if (state.host.length > 0) {
      stops.before(mover);
      fill(mover, moverCell, `${state.run}`);
    } else {
      mover.remove();
    }
    fill(stops, stopCell, `${state.run}`);
    fill(steps, stepCell, `${state.run}`);
    if (at && !at.isConnected) {
      point(box.querySelector(`[data-lane="${at.lane}"] [data-step="${at.dataset.step}"]`));
    }
    text(
      more,
      all.length > lanes.length
        ? `… and ${count(all.length - lanes.length, "more lane")}, waiting or ended`
        : "",
    );
  };
  return draw;
}

function legend() {
  const item = (cell, label) => el("li", {}, cell, label);
  const look = (kind, ...inner) =>
    el("i", { class: "cell", "data-cell": kind, style: "--c:var(--c0)" }, ...inner);
  const sign = (kind) => el("u", { class: "sign", "data-cell": kind });
  const draft = (kind) => el("b", { class: "draft", "data-cell": kind });
  return el(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    item(look("waiting"), "waits"),
    item(look("prompt"), "computes prompt rows"),
    item(look("prompt", sign("hit")), "prefix hit: begins after cached pages"),
    item(look("decode"), "gives its next token"),
    item(look("decode", draft("accepted")), "draft accepted"),
    item(look("decode", draft("rejected")), "draft rejected"),
    item(look("decode", draft("unjudged")), "draft behind a wrong one: not judged"),
    item(look("prompt", sign("forked")), "fork: starts on the pages of its sibling"),
    item(look("waiting", sign("retracted")), "retracted: gave its pages back"),
    item(look("decode", sign("finished")), "ended"),
    ...Object.entries(BETWEEN).map(([kind, { side, sign, title }]) =>
      el("li", { class: `on-${side}` }, look(kind, el("em", {}, sign)), title),
    ),
  );
}

/** What the letters below the lanes mean. */
function stopLegend() {
  const items = Object.values(STOPS).filter((stop) => stop.sign);
  return el(
    "ul",
    { class: "legend stops-legend", "aria-label": "What stopped admission" },
    el("li", {}, "stop: what kept the next request out"),
    ...items.map((stop) => el("li", { title: stop.means }, el("b", {}, stop.sign), stop.title)),
  );
}

/** An empty lane: its name, and room for cells. */
function lane(key, label, item) {
  const name = el("span", { class: "lane-name" }, label);
  const cells = el("div", { class: "lane-cells" });
  const node = el(
    "div",
    { class: `lane ${item ? "of-request" : key}`, "data-lane": key },
    name,
    cells,
  );
  node.cells = cells;
  if (item) {
    name.classList.add("chip");
    attr(node, "style", dress(item.request));
    attr(node, "data-rq", item.request);
    attr(node, "data-sequence", item.sequence);
    attr(name, "title", `request ${item.request}`);
  }
  return node;
}

/**
 * The first step to draw. It stays where it is while the playhead is in sight, so that nothing moves
 * under the pointer.
 */
function firstStep(from, columns, known, step) {
  const oldest = known[0]?.step ?? 0;
  const newest = known.at(-1)?.step ?? 0;
  if (step === newest) {
    return Math.max(oldest, newest - columns + 1); // all of the past that there is room for
  }
  const least = step - columns + 1;
  const wanted = step < from ? step - Math.floor(columns / 2) : Math.max(from, least);
  return Math.max(oldest, Math.min(wanted, Math.max(least, newest - columns + 1)));
}

/** A lane as it is in the newest state, where a request that waited may have become a sequence. */
function laterOf(item, front) {
  const sequence = item.sequence ?? front.requests[item.request]?.sequences[0];
  const s = front.sequences[sequence];
  return s ? { ...item, sequence, spans: s.spans } : item;
}

/** The cell beside another one, as an arrow key says; the newest step's if there is none. */
function beside(box, cell, key) {
  const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[key];
  if (!by) {
    return null;
  }
  const rows = [...box.querySelectorAll(".lane-cells")];
  if (!cell?.isConnected) {
    const all = [...(rows[1] ?? rows[0]).children];
    return all.findLast((c) => !("ahead" in c.dataset)) ?? null;
  }
  const row = Math.max(0, Math.min(rows.length - 1, rows.indexOf(cell.parentNode) + by[0]));
  const cells = [...rows[row].children];
  const column = [...cell.parentNode.children].indexOf(cell) + by[1];
  return cells[Math.max(0, Math.min(cells.length - 1, column))] ?? null;
}

/** The lanes of the steps that are shown: sequences, and requests that have none yet. */
function lanesOf(state, from) {
  const lanes = [];
  for (const r of Object.values(state.requests)) {
    if (r.sequences.length === 0) {
      lanes.push({
        key: `r${r.request}`,
        request: r.request,
        label: `${r.request}`,
        state: "waiting",
        since: r.submittedStep,
        spans: null,
      });
    }
  }
  for (const s of Object.values(state.sequences)) {
    if (s.state !== "finished" || s.endStep >= from) {
      lanes.push({
        key: `s${s.sequence}`,
        sequence: s.sequence,
        request: s.request,
        label: label(state, s.sequence),
        state: s.state,
        spans: s.spans,
      });
    }
  }
  return lanes.sort((a, b) => a.request - b.request || (a.sequence ?? 0) - (b.sequence ?? 0));
}

/** The lanes to draw if there are too many: those that run first, then the newest. */
function pick(lanes, most) {
  const rank = { running: 0, retracted: 1, transfer: 1, arrived: 1, inflight: 1, finished: 3 };
  const best = [...lanes]
    .sort((a, b) => (rank[a.state] ?? 2) - (rank[b.state] ?? 2))
    .slice(0, most);
  return lanes.filter((l) => best.includes(l));
}
