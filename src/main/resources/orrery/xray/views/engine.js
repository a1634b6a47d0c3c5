// The engine's switches: what they are now, others to try, and the same load beside the last run.

import { attr, el, keyed, text, wholeFlags } from "./dom.js";
import { duration, number, percent } from "./words.js";

/** Switches to try. Each is a change of the flags, and says what to watch. */
const TRIES = [
  ["no drafts", { "--speculative-algorithm": "off" }, "More steps for the same text."],
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
  ["steps", (r) => number(r.steps)],
  ["answer tokens", (r) => number(r.outputTokens)],
  ["tokens a step", (r) => (r.steps ? (r.outputTokens / r.steps).toFixed(2) : "–")],
  ["prompt rows computed", (r) => number(r.promptRows)],
  ["tokens from the cache", (r) => number(r.hitTokens)],
  ["drafts accepted", (r) => percent(r.accepted, r.accepted + r.rejected)],
  ["drafts rejected", (r) => number(r.rejected)],
  ["retractions", (r) => number(r.retractions)],
  ["pages evicted", (r) => number(r.evictedPages)],
  ["most pages held", (r) => number(r.peakPages)],
  ["first token after", (r) => duration(r.firstTokenNanos)],
  ["computing", (r) => duration(r.busyNanos)],
];
const MOST_RUNS = 4;

/** Draws switches, the form to restart with others, and the comparison of runs into `root`. */
export function engineView(root, ui) {
  const { form, flags } = restartForm(ui);
  const known = el("dl", { class: "switch-list" });
  const help = el("details", {}, el("summary", {}, "All switches, with their values now"), known);
  const title = el("h3", {}, "Restart with other switches");
  const restart = el("div", {}, title, form, help);
  const table = el("table", { class: "runs", "data-runs": "" });
  const none = el("p", { class: "dim" });
  const compared = el("div", {}, el("h3", {}, "Runs side by side"), table, none);
  root.append(restart, compared);
  let asked = false;
  ui.onEngine((engine) => {
    if (document.activeElement !== flags) {
      flags.value = engine.flags ?? "";
    }
    asked = true;
    const recorded = engine.live === false; // then there is nothing to restart, only to read
    form.hidden = compared.hidden = recorded;
    help.open ||= recorded;
    text(title, recorded ? "The switches of its engine" : "Restart with other switches");
  });
  ui.onRuns((runs) => compare(table, none, runs));
  compare(table, none, []);
  let drawn = "";
  return (state) => {
    const key = `${state.run} ${JSON.stringify(state.switches)} ${asked}`;
    if (key !== drawn) {
      drawn = key;
      keyed(
        known,
        Object.entries(state.switches),
        ([name]) => name,
        ([name]) => el("div", { "data-switch": name }, el("dt", {}, name), el("dd"), el("p")),
        (node, [name, value]) => {
          text(node.children[1], value);
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
  const button = (label, look, change) => {
    const press = () => {
      flags.value = change === null ? "" : withFlags(flags.value, change);
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
  return { form, flags };
}

/** A line of flags in which some have other values. */
export function withFlags(line, change) {
  let words = line.split(/\s+/).filter(Boolean);
  for (const [name, value] of Object.entries(change)) {
    words = words.filter((word) => !word.startsWith(`${name}=`));
    const at = words.indexOf(name);
    if (at < 0) {
      words.push(name, value);
    } else {
      words[at + 1] = value;
    }
  }
  return words.join(" ");
}

/** The table: a row for each measure, a column for each run, the newest on the right. */
function compare(table, none, runs) {
  const shown = runs.slice(-MOST_RUNS);
  text(
    none,
    shown.length === 0
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
            run.done === false ? el("em", {}, "still runs") : "",
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
          ...cells(shown.map((run) => (run.steps === undefined ? "…" : words(run)))),
        ),
      ),
    ),
  );
}

/** Cells of a row; a value that differs from the run before it is marked. */
function cells(values) {
  return values.map((value, i) =>
    el("td", { "data-differs": i > 0 && value !== values[i - 1] }, value),
  );
}
