// Requests as lanes over steps: what each of them did in each step.

import { describe, laneCell, rowsCell, stepCell, stopCell } from "./cells.js";
import { dress } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { count, label, STOPS } from "./words.js";

const COLUMNS = [30, 18]; // pixels of a step: wide as long as all steps fit
const MOST = 24; // lanes that are drawn

/** Draws the lanes into `root`. A click on a step puts the playhead there. */
export function lanesView(root, ui) {
  const head = lane("rows", "rows");
  const stops = lane("stops", "stop");
  const steps = lane("steps", "step");
  const list = el("div", { class: "lane-list" });
  const more = el("p", { class: "rest" });
  const box = el(
    "div",
    { class: "lanes", role: "group", "aria-label": "Lanes of requests over steps" },
    head,
    list,
    stops,
    steps,
  );
  const detail = el("p", { class: "detail", "data-detail": "lane", "aria-live": "polite" });
  const hint = "Point at a cell to read what happened there; click to go to its step.";
  root.append(box, more, detail, legend(), stopLegend());
  text(detail, hint);

  let room = 600; // pixels for cells
  new ResizeObserver(([entry]) => {
    room = Math.max(120, entry.contentRect.width - 2);
    if (now) {
      draw(now);
    }
  }).observe(head.cells);
  let now = null;
  box.addEventListener("pointerover", (e) => {
    const cell = e.target.closest("[data-step]");
    text(detail, cell && now ? describe(now, cell) : hint);
  });
  box.addEventListener("click", (e) => {
    const cell = e.target.closest("[data-step]");
    if (cell) {
      ui.act(() => ui.actions.seek(Number(cell.dataset.step)));
    }
  });

  const draw = (state) => {
    now = state;
    const width = COLUMNS.find((w) => w * state.steps.length <= room) ?? COLUMNS.at(-1);
    attr(box, "style", `--column:${width}px`);
    const columns = Math.floor(room / width);
    const shown = state.steps.slice(-columns);
    const all = lanesOf(state, shown[0]?.step ?? 0);
    const lanes = all.length > MOST ? pick(all, MOST) : all;
    keyed(
      list,
      lanes,
      (item) => `${state.run}/${item.key}`,
      (item) => lane(item.key, item.label, item),
      (node, item) => {
        attr(node, "data-state", item.state);
        fill(node, shown, "", (step) => laneCell(item, step));
      },
    );
    const most = Math.max(
      1,
      ...shown.map((s) => s.prefillRows + s.decodeRows + s.draftRows + s.paddingRows),
    );
    fill(head, shown, `${state.run} ${most}`, (step) => rowsCell(step, most));
    fill(stops, shown, `${state.run}`, stopCell);
    fill(steps, shown, `${state.run}`, stepCell);
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
    item(look("prompt", sign("hit")), "prefix hit: begins behind cached pages"),
    item(look("decode"), "gives its next token"),
    item(look("decode", draft("accepted")), "draft accepted"),
    item(look("decode", draft("rejected")), "draft rejected"),
    item(look("waiting", sign("retracted")), "retracted: gave its pages back"),
    item(look("decode", sign("finished")), "ended"),
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
 * Makes the cells of a lane those of the steps that are shown. A step that is over never changes,
 * so cells only come and go at the ends. `look` says what all cells depend on beside their steps.
 */
function fill(node, shown, look, make) {
  const { cells } = node;
  const stepOf = (cell) => Number(cell.dataset.step);
  const first = shown[0]?.step ?? 0;
  const last = shown.at(-1)?.step ?? -1;
  const back = cells.lastChild && stepOf(cells.lastChild) > last;
  const wider = cells.firstChild && stepOf(cells.firstChild) > first;
  if (back || wider || node.look !== look) {
    cells.replaceChildren();
    node.look = look;
  }
  while (cells.firstChild && stepOf(cells.firstChild) < first) {
    cells.firstChild.remove();
  }
  const from = cells.lastChild ? stepOf(cells.lastChild) : -1;
  for (const step of shown) {
    if (step.step > from) {
      cells.append(make(step));
    }
  }
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
  const rank = { running: 0, retracted: 1, finished: 3 };
  const best = [...lanes]
    .sort((a, b) => (rank[a.state] ?? 2) - (rank[b.state] ?? 2))
    .slice(0, most);
  return lanes.filter((l) => best.includes(l));
}
