// The engine's switches: what they are now, others to try, and the same load beside the last run.

import { attr, el, keyed, text, wholeFlags } from "./dom.js";
import { duration, number, percent } from "./words.js";

/** Switches to try. Each is a change of the flags (null takes one away), and says what to watch. */
const TRIES = [
  ["no drafts", { "--speculative-algorithm": "off", "--speculative-num-steps": null }, "More steps for the same text."],
  [
    "no prefix cache",
    { "--prefix-cache": "off" },
    "Common beginnings are computed again and again.",
  ],
  [
    "pages of 4 tokens",
    { "--page-size": "4" },
    "More pages, less waste, longer common beginnings.",
  ],
  [
    "tight memory",
    { "--max-total-tokens": "512", "--schedule-policy": "vllm" },
    "Requests are retracted. Their texts stay the same.",
  ],
  ["short chunks", { "--chunked-prefill-size": "16" }, "Long prompts take many steps."],
  ["one at a time", { "--max-running-requests": "1" }, "No batch: everybody waits."],
];

/** What a run is compared by: a name, its value, and its words. */
const MEASURES = [
  ["blocks in the cache at its start", (r) => number(r.cached)],
  ["steps", (r) => number(r.steps)],
  ["answer tokens", (r) => number(r.outputTokens)],
  ["tokens a step", (r) => (r.steps ? (r.outputTokens / r.steps).toFixed(2) : "–")],
  ["prompt rows computed", (r) => number(r.promptRows)],
  ["tokens from the cache", (r) => number(r.hitTokens)],
  ["drafts accepted", (r) => percent(r.accepted, r.accepted + r.rejected)],
  ["drafts rejected", (r) => number(r.rejected)],
  ["retractions", (r) => number(r.retractions)],
  ["pages evicted", (r) => number(r.evictedPages)],
  ["tokens from host memory", (r) => number(r.loadedTokens)],
  ["entries copied from the host", (r) => number(r.sparseMisses)],
  ["most pages held", (r) => number(r.peakPages)],
  ["first token after", (r) => duration(r.firstTokenNanos)],
  ["computing", (r) => duration(r.busyNanos)],
  ["answers", (r, before) => answers(r, before)],
];

/** Switches whose value 0 means that the engine chooses. */
const CHOSEN = new Set(["max-total-tokens", "swa-full-tokens-ratio", "context-length"]);
const MOST_RUNS = 4;

/** Draws switches, the form to restart with others, and the comparison of runs into `root`. */
export function engineView(root, ui) {
  const { form, flags, settled } = restartForm(ui);
  const known = el("dl", { class: "switch-list" });
  const help = el("details", {}, el("summary", {}, "All switches, with their values now"), known);
  const title = el("h3", {}, "Restart with other switches");
  const stays = el("p", { "data-stays": "", hidden: "" }); // why this engine is not restarted
  const restart = el("div", {}, title, stays, form, help);
  const table = el("table", { class: "runs", "data-runs": "" });
  const none = el("p", { class: "dim" });
  const compared = el("div", {}, el("h3", {}, "Runs side by side"), table, none);
  root.append(restart, compared);
  let asked = false;
  ui.onEngine((engine) => {
    if (document.activeElement !== flags) {
      flags.value = engine.flags ?? "";
    }
    settled(engine.flags ?? "");
    asked = true;
    const recorded = engine.live === false; // then there is nothing to restart, only to read
    const half = ui.half();
    form.hidden = recorded || half !== null;
    compared.hidden = recorded;
    stays.hidden = half === null;
    text(stays, half ? `${half.stays} End it, and start it with other flags.` : "");
    help.open ||= recorded;
    text(title, form.hidden ? "The switches of its engine" : "Restart with other switches");
  });
  ui.onRuns((runs) => compare(table, none, runs, !ui.half()));
  compare(table, none, [], true);
  let drawn = "";
  return (state) => {
    const key = `${state.run} ${JSON.stringify(state.switches)} ${asked}`;
    if (key !== drawn) {
      drawn = key;
      keyed(
        known,
        Object.entries(state.switches),
        ([name]) => name,
        ([name]) =>
          el("div", { "data-switch": name }, el("dt", {}, `--${name}`), el("dd"), el("p")),
        (node, [name, value]) => {
          text(node.children[1], CHOSEN.has(name) && Number(value) === 0 ? "automatic" : value);
          text(node.children[2], ui.helpOf(name));
        },
      );
    }
  };
}

/** The form that restarts the engine: switches to try, the line of flags, and the load again. */
function restartForm(ui) {
  const flags = el("textarea", {
    name: "flags",
    rows: "2",
    spellcheck: "false",
    "aria-label": "Flags of the engine",
    placeholder: "no flags: all defaults",
    class: "flags",
  });
  const watch = el("p", { class: "dim" }); // what the switch that was tried last does
  const repeat = el("input", { type: "checkbox", name: "repeat", checked: true });
  const fail = el("p", { class: "form-error", role: "alert" });
  let base = ""; // flags that a switch to try is put beside: not those of the one tried before
  let tried = null; // flags that the switch that was tried last has made
  const settled = (now) => (base = now === tried ? base : now);
  const button = (label, look, change) => {
    const press = () => {
      tried = change === null ? "" : withFlags(base, change);
      flags.value = tried;
      text(watch, look);
    };
    const attributes = { type: "button", class: "quiet", title: look, "data-try": label };
    return el("button", { ...attributes, onclick: press }, label);
  };
  const form = el(
    "form",
    { "data-form": "restart" },
    el(
      "div",
      { class: "tries" },
      ...TRIES.map(([label, change, look]) => button(label, look, change)),
      button("defaults", "Every switch as it is without flags.", null),
    ),
    flags,
    watch,
    el(
      "div",
      { class: "fields" },
      el("label", {}, repeat, "and run the last load again"),
      el("button", { type: "submit", "data-action": "restart" }, "Restart the engine"),
    ),
    fail,
  );
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    text(fail, "");
    ui.act(
      () => ui.restart(flags.value.trim(), repeat.checked),
      (error) => text(fail, error),
    );
  });
  return { form, flags, settled };
}

/** A line of flags in which some have other values; null takes a flag and its value away. */
export function withFlags(line, change) {
  let words = line.split(/\s+/).filter(Boolean);
  for (const [name, value] of Object.entries(change)) {
    words = words.filter((word) => !word.startsWith(`${name}=`));
    const at = words.indexOf(name);
    if (value === null) {
      words.splice(at, at < 0 ? 0 : 2);
    } else if (at < 0) {
      words.push(name, value);
    } else {
      words[at + 1] = value;
    }
  }
  return words.join(" ");
}

/** The table: a row for each measure, a column for each run, the newest on the right. */
function compare(table, none, runs, restarts) {
  const shown = runs.slice(-MOST_RUNS);
  text(
    none,
    !restarts
      ? "Runs of the same load stand here side by side."
      : shown.length === 0
        ? "Run a load, restart the engine with another switch, and run it again: both runs stand here side by side."
        : shown.length === 1
          ? "Restart the engine with another switch and run the load again, to see it beside this run."
          : "",
  );
  attr(table, "hidden", shown.length === 0 ? "" : null);
  table.replaceChildren(
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("th", { scope: "col" }, el("span", { class: "sr" }, "measure")),
        ...shown.map((run) =>
          el(
            "th",
            { scope: "col" },
            el("b", {}, run.title ?? run.load),
            el("code", {}, ...wholeFlags(run.flags || "as it was started")),
            run.done === false
              ? el("em", {}, "still runs")
              : run.cut
                ? el("em", {}, "cut off by a restart")
                : "",
          ),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      ...MEASURES.map(([label, words]) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, label),
          ...cells(shown, words),
        ),
      ),
    ),
  );
}

/** Cells of a row; a value that differs from the run of the same load before it is marked. */
function cells(runs, words) {
  return runs.map((run, i) => {
    const before = runs.slice(0, i).findLast((other) => whole(other) && sameLoad(other, run));
    const value = run.steps === undefined ? "…" : words(run, before);
    const differs = before && whole(run) && value !== words(before, before);
    return el("td", { "data-differs": Boolean(differs) }, value);
  });
}

const whole = (run) => run.done && !run.cut;
const sameLoad = (a, b) => a.load === b.load && a.seed === b.seed;

/** Whether a run has given the same tokens as the one before it. */
function answers(run, before) {
  if (!before || !whole(run)) {
    return "–";
  }
  return run.texts === before.texts ? "the same tokens" : "other tokens";
}
