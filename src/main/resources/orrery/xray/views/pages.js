// Every page of every pool: who holds it, whether it is shared, cached, or free.

import { pagesOf } from "../books.js";
import { BETWEEN } from "./between.js";
import { colour, ink } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { leaves, points } from "./shell.js";
import { count, KINDS, namesOf, number, retentionOf, textOf, visible } from "./words.js";

const MOST = 3000; // cells of a pool that are drawn

/** Draws all pools into `root`. */
export function pagesView(root, ui) {
  const pools = el("div", { class: "pools" });
  const detail = el("p", { class: "detail", "data-detail": "page", "aria-live": "polite" });
  root.append(pools, detail, legend());
  const hint = "Point at a page, or move over them with the arrow keys, to see who holds it.";
  text(detail, hint);
  let now = null; // the state that is drawn
  let at = null; // [pool, page] that is told about
  const tell = () => {
    attr(detail, "data-page", at ? at[1] : null);
    text(detail, at ? describe(now, ...at) : hint);
  };
  const show = (pool, page) => {
    at = page ? [pool, page] : null;
    tell();
  };
  /** Tells about a page of a sequence, one that several hold if there is one; answers who they are. */
  ui.tellOf.pages = (sequence) => {
    const own = [...pools.querySelectorAll(`[data-page][data-holders~="${sequence}"]`)];
    const cell = own.find((page) => page.dataset.kind === "shared") ?? own[0];
    cell?.closest("[data-pool-box]").point(cell);
    return (cell?.dataset.rq ?? "").split(" ").filter(Boolean).map(Number);
  };
  return (state) => {
    if (now?.run !== state.run) {
      at = null;
    }
    now = state;
    keyed(
      pools,
      state.pools.map((pool, index) => ({ pool, index })),
      (item) => `${state.run}/${item.index}`,
      (item) => poolBox(item.index, show),
      (node, item) => node.draw(state, item.pool),
    );
    tell();
  };
}

function legend() {
  const item = (kind, label) =>
    el(
      "li",
      {},
      el("i", { class: "page", "data-kind": kind, style: "--c:var(--c0);--d:var(--c1)" }),
      label,
    );
  return el(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    item("held", "held by one request: its colour and number"),
    item("shared", "held by several"),
    el(
      "li",
      {},
      el("i", { class: "page", "data-kind": "held", "data-cached": true, style: "--c:var(--c0)" }),
      "folded corner: the prefix cache keeps it too",
    ),
    ...Object.entries(BETWEEN)
      .filter(([, { held }]) => held)
      .map(([apart, { side, sign, held }]) =>
        el(
          "li",
          { class: `on-${side}` },
          el(
            "i",
            { class: "page", "data-kind": "held", "data-apart": apart, style: "--c:var(--c0)" },
            el("em", {}, sign),
          ),
          held,
        ),
      ),
    el(
      "li",
      { class: "on-host" },
      el(
        "i",
        { class: "page", "data-kind": "held", "data-loaded": true, style: "--c:var(--c0);--i:var(--i0)" },
        el("em", {}, KINDS.hostHit.sign),
      ),
      "rows came from host memory in this step",
    ),
    item("cached", "only the prefix cache holds it"),
    item("free", "free"),
  );
}

/** One pool: a bar of its shares, and a grid of its pages. */
function poolBox(index, show) {
  const title = el("span");
  const keeps = el("small");
  const bar = el("div", { class: "bar shares", "aria-hidden": "true" });
  const shares = ["held", "cached", "free"].map((kind) => el("i", { "data-share": kind }));
  bar.append(...shares);
  const counts = el("p", { class: "counts" });
  const grid = el("div", {
    class: "grid",
    tabindex: "0",
    role: "group",
    "aria-label": "Pages. Arrow keys move.",
  });
  const rest = el("p", { class: "rest" });
  const box = el(
    "div",
    { class: "pool", "data-pool-box": index },
    el("h3", {}, title, keeps),
    bar,
    counts,
    grid,
    rest,
  );
  let highest = 0; // the highest page that was ever used
  let current = null; // the cell that keys moved to
  const cells = [];
  const drawn = []; // what each cell shows, to leave it alone while nothing changes

  const point = (cell) => {
    current?.classList.remove("current");
    current = cell;
    current?.classList.add("current");
    show(index, cell ? Number(cell.dataset.page) : null);
  };
  grid.addEventListener("pointerover", (e) => points() && point(e.target.closest("[data-page]")));
  grid.addEventListener("pointerleave", (e) => leaves(e) && point(null));
  grid.addEventListener("blur", () => point(null));
  box.point = point;
  grid.addEventListener("click", (e) => point(e.target.closest("[data-page]")));
  grid.addEventListener("focus", () => point(current ?? cells[0]));
  grid.addEventListener("keydown", (e) => {
    const across = Math.max(1, Math.floor(grid.clientWidth / (cells[0]?.offsetWidth + 2 || 1)));
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[e.key];
    if (by) {
      e.preventDefault();
      e.stopPropagation();
      const at = cells.indexOf(current) + by;
      point(cells[Math.min(cells.length - 1, Math.max(0, at))]);
    }
  });

  box.draw = (state, pool) => {
    const pages = pagesOf(state, index);
    for (let i = pages.length - 1; i >= highest; i--) {
      if (pages[i].kind !== "free") {
        highest = i + 1;
        break;
      }
    }
    const wanted = Math.min(MOST, pages.length, Math.max(highest, Math.min(32, pages.length)));
    while (cells.length < wanted) {
      const cell = el("i", {
        class: "page",
        "data-pool": pool.name,
        "data-page": pages[cells.length].page,
      });
      cells.push(cell);
      grid.append(cell);
    }
    for (let i = 0; i < cells.length; i++) {
      const look = lookOf(state, pages[i]);
      if (drawn[i] !== look.key) {
        paint(cells[i], look, drawn[i] !== undefined);
        drawn[i] = look.key;
      }
    }
    text(title, `Pool “${pool.name}”`);
    text(keeps, keepsWords(pool.name));
    const all = pool.free + pool.referenced + pool.idle || 1;
    [pool.referenced, pool.idle, pool.free].forEach((n, i) => {
      shares[i].style.width = `${(100 * n) / all}%`;
    });
    text(
      counts,
      `${count(pool.referenced, "page")} held, ${number(pool.idle)} cached only, ${number(pool.free)} free` +
        ` · a page has room for ${count(pool.span, "token")}` +
        (pool.passed ? ` · windows passed ${number(pool.passed)} in this step` : ""),
    );
    const hidden = pages.length - cells.length;
    text(
      rest,
      hidden === 0
        ? ""
        : highest > MOST
          ? `… and ${count(hidden, "page")} more`
          : `… and ${count(hidden, "more free page")}`,
    );
  };
  return box;
}

/** How long the rows of a pool are read, as its name says. */
function keepsWords(name) {
  const window = /^window (\d+)$/.exec(name);
  return window
    ? `rows that only the next ${window[1]} tokens read`
    : "rows that every later token of their request reads";
}

function lookOf(state, page) {
  const requests = [...new Set(page.holders.map((s) => state.sequences[s]?.request ?? s))].sort(
    (a, b) => a - b,
  );
  const cached = page.block >= 0 && page.kind !== "cached";
  const key = `${page.kind} ${cached} ${page.apart} ${page.loaded} ${page.holders.join(" ")}`;
  return { requests, cached, page, key };
}

function paint(cell, { requests, cached, page }, changed) {
  attr(cell, "data-kind", page.kind);
  attr(cell, "data-holders", page.holders.length ? page.holders.join(" ") : null);
  attr(cell, "data-rq", requests.length ? requests.join(" ") : null);
  attr(cell, "data-cached", cached ? "" : null);
  attr(cell, "data-apart", page.apart);
  attr(cell, "data-loaded", page.loaded ? "" : null);
  const many = page.holders.length > 2;
  attr(cell, "data-many", many ? "" : null);
  cell.replaceChildren(
    many ? el("b", {}, `×${page.holders.length}`) : page.kind === "held" ? String(requests[0]) : "",
  );
  if (page.apart || page.loaded) {
    cell.append(el("em", {}, page.apart ? BETWEEN[page.apart].sign : KINDS.hostHit.sign));
  }
  const tone = (i) => colour(requests[i % requests.length]);
  cell.style.cssText = requests.length
    ? `--c:${tone(0)};--i:${ink(requests[0])};--d:${tone(1)};--e:${tone(2)}`
    : "";
  if (changed) {
    const other = cell.classList.contains("fresh-a"); // another class starts the animation again
    cell.classList.toggle("fresh-a", !other);
    cell.classList.toggle("fresh-b", other);
  }
}

/** One page in words. */
function describe(state, pool, number_) {
  const page = pagesOf(state, pool)[number_ - 1];
  if (!page) {
    return "";
  }
  const where =
    `Page ${number_}` + (state.pools.length > 1 ? ` of pool “${state.pools[pool].name}”` : "");
  const block = state.blocks[page.block];
  const words = block ? `Its block says: “${visible(textOf(state, block.tokens))}”` : "";
  const who = namesOf(state, page.holders);
  const retention = block ? retentionOf([block]) : "";
  const rows = [
    retention ? `It is kept with ${retention}.` : "",
    page.apart ? BETWEEN[page.apart].page : "",
    page.loaded ? "Its rows came from host memory in this step." : "",
  ];
  switch (page.kind) {
    case "free":
      return `${where} is free.`;
    case "cached":
      return said(
        `${where} is held by no request. The prefix cache keeps it for requests that begin alike; it may be evicted.`,
        ...rows,
        words,
      );
    default:
      return said(
        `${where} is held by ${who}${block ? "; the prefix cache keeps it too." : "."}`,
        ...rows,
        words,
      );
  }
}

/** Sentences that have words, one behind the other. */
const said = (...sentences) => sentences.filter(Boolean).join(" ");
