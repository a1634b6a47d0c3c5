// The prefix cache as a tree: which beginnings are kept, who holds them, and what is a tombstone.

import { holdersOf, isTombstone } from "../books.js";
import { dress } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { leaves, points } from "./shell.js";
import { count, label, nameOf, namesOf, number, oneLine, retentionOf, textOf } from "./words.js";

const MOST_ROWS = 48;
const MOST_BLOCKS = 28; // squares of a run

/** Draws the tree into `root`. */
export function treeView(root, ui) {
  const summary = el("p", { class: "counts" });
  const tree = el("div", {
    class: "tree",
    role: "tree",
    "aria-label": "The prefix cache",
    tabindex: "0",
  });
  const more = el("p", { class: "rest" });
  const flush = el(
    "button",
    {
      type: "button",
      class: "quiet live-only",
      "data-action": "flush",
      onclick: () => ui.act(() => ui.actions.flush()),
    },
    "Empty it",
  );
  const detail = el("p", { class: "detail", "data-detail": "branch", "aria-live": "polite" });
  root.append(legend(), el("div", { class: "summary" }, summary, flush), tree, more, detail);
  let at = null; // the row that is told about
  const point = (row) => {
    at?.classList.remove("current");
    at = row;
    at?.classList.add("current");
    text(detail, row?.words ?? "Point at a branch, or move over them with the arrow keys.");
  };
  point(null);
  tree.addEventListener("pointerover", (e) => points() && point(e.target.closest(".run")));
  tree.addEventListener("pointerleave", (e) => leaves(e) && point(null));
  tree.addEventListener("blur", () => point(null));
  tree.addEventListener("keydown", (e) => {
    const way = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[e.key];
    const row = at ? at[way] : tree.firstElementChild;
    if (way) {
      e.preventDefault();
      e.stopPropagation();
      if (row) {
        point(row);
        row.scrollIntoView({ block: "nearest" });
      }
    }
  });
  return (state) => {
    const holders = holdersOf(state);
    const runs = runsOf(state, holders);
    const shown = runs.length > MOST_ROWS ? shorten(runs) : runs;
    const blocks = Object.values(state.blocks);
    const dead = blocks.filter((b) => isTombstone(state, b)).length;
    text(
      summary,
      blocks.length
        ? `${count(blocks.length, "block")} of ${count(state.pageTokens, "token")}, ${number(Object.keys(holders).length)} of them held by requests` +
            (dead ? `, ${count(dead, "tombstone")}` : "")
        : "Nothing is kept yet. Pages enter as soon as they are full.",
    );
    keyed(
      tree,
      shown,
      (run) => `${state.run}/${run.blocks[0].block}`,
      runRow,
      (node, run) => node.draw(state, run, holders),
    );
    point(at?.isConnected ? at : null);
    text(
      more,
      runs.length > shown.length
        ? `… and ${count(runs.length - shown.length, "more branch", "more branches")} that no request holds`
        : "",
    );
  };
}

function legend() {
  const item = (kind, label) =>
    el("li", {}, el("i", { class: "block", "data-state": kind }), label);
  return el(
    "ul",
    { class: "legend", "aria-label": "Legend" },
    item("held", "a block that requests hold"),
    item("kept", "kept, held by no request"),
    item("tombstone", "a tombstone: pages that a hit needs are gone"),
  );
}

/**
 * The tree as runs: a run goes on while a block has one child with the same holders. Runs come in
 * the order of a walk, each with its depth.
 */
function runsOf(state, holders) {
  const children = new Map();
  for (const block of Object.values(state.blocks)) {
    const parent = state.blocks[block.parent] ? block.parent : -1;
    children.has(parent) ? children.get(parent).push(block) : children.set(parent, [block]);
  }
  const who = (block) => (holders[block.block] ?? []).join(" ");
  const runs = [];
  const stack = (children.get(-1) ?? []).map((block) => ({ block, depth: 0 })).reverse();
  while (stack.length) {
    const { block, depth } = stack.pop();
    const blocks = [block];
    let below = children.get(block.block) ?? [];
    while (below.length === 1 && who(below[0]) === who(block)) {
      blocks.push(below[0]);
      below = children.get(below[0].block) ?? [];
    }
    runs.push({ blocks, depth, holders: holders[block.block] ?? [] });
    for (const child of below.toReversed()) {
      stack.push({ block: child, depth: depth + 1 });
    }
  }
  return runs;
}

/** The runs to draw if there are too many: those that are held, and the newest. */
function shorten(runs) {
  const best = runs
    .toSorted(
      (a, b) => b.holders.length - a.holders.length || b.blocks[0].block - a.blocks[0].block,
    )
    .slice(0, MOST_ROWS);
  return runs.filter((run) => best.includes(run));
}

/** One run: squares, its text, and who holds it. */
function runRow() {
  const squares = el("span", { class: "blocks" });
  const words = el("span", { class: "run-text" });
  const chips = el("span", { class: "chips" });
  const row = el("div", { class: "run", role: "treeitem" }, squares, words, chips);
  let drawn = "";
  row.draw = (state, run, holders) => {
    const dead = run.blocks.map((b) => isTombstone(state, b));
    const key = `${run.depth} ${run.blocks.length} ${run.blocks.at(-1).block} ${run.holders.join(" ")} ${dead.join()} ${run.blocks.map((b) => b.priority)}`;
    if (key === drawn) {
      return;
    }
    drawn = key;
    attr(row, "style", `--depth:${Math.min(run.depth, 8)}`);
    attr(row, "aria-level", run.depth + 1);
    attr(row, "data-depth", run.depth);
    const requests = [...new Set(run.holders.map((s) => state.sequences[s].request))];
    attr(row, "data-rq", requests.length ? requests.join(" ") : null);
    squares.replaceChildren(
      ...run.blocks.slice(0, MOST_BLOCKS).map((b, i) => square(b, dead[i], holders[b.block] ?? [])),
      run.blocks.length > MOST_BLOCKS ? `+${run.blocks.length - MOST_BLOCKS}` : "",
    );
    const all = oneLine(
      textOf(
        state,
        run.blocks.flatMap((b) => b.tokens),
      ),
    ).trim();
    text(words, all);
    attr(words, "title", all);
    const who = run.holders.length ? `held by ${namesOf(state, run.holders)}` : "held by no request";
    const gone = dead.some(Boolean) ? `, ${count(dead.filter(Boolean).length, "tombstone")}` : "";
    const retention = retentionOf(run.blocks);
    const kept = retention ? `, ${retention}` : "";
    row.words = `${count(run.blocks.length, "block")}, ${who}${kept}${gone}: “${all}”`;
    chips.replaceChildren(...run.holders.map((s) => chip(state, s)));
  };
  return row;
}

function square(block, dead, holders) {
  const kind = dead ? "tombstone" : holders.length ? "held" : "kept";
  const retention = retentionOf([block]);
  return el("i", {
    class: "block",
    "data-block": block.block,
    "data-state": kind,
    "data-tombstone": dead,
    "data-holders": holders.join(" "),
    title: `block ${block.block}: ${kind}${retention ? `, ${retention}` : ""}`,
  });
}

function chip(state, sequence) {
  const { request } = state.sequences[sequence];
  return el(
    "span",
    { class: "chip", style: dress(request), "data-rq": request, title: nameOf(state, sequence) },
    label(state, sequence),
  );
}
