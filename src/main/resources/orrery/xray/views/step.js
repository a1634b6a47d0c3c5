// One step: what its rows were, where its time went, which check stopped admission, and why.

import { dress } from "./colours.js";
import { attr, el, keyed, text } from "./dom.js";
import { count, duration, KINDS, number, sentence, stopOf } from "./words.js";

const MOST = 12; // sentences about what happened in a step

const ROWS = [
  ["prompt", "prefillRows", "prompt", "tokens of prompts"],
  ["decode", "decodeRows", "newest tokens", "one for each answer that goes on"],
  ["draft", "draftRows", "drafts", "guessed tokens, to be judged"],
  ["padding", "paddingRows", "padding", "rows that belong to no request"],
];
const PHASES = [
  ["plan", "plan", "chooses the rows and reserves pages"],
  ["draft", "draft", "guesses tokens and puts all rows together"],
  ["launch", "launch", "the forward pass of the model"],
  ["judge", "judge", "decides tokens"],
  ["follow", "follow", "the drafter catches up with the decided tokens"],
  ["commit", "commit", "shares pages, forks and ends answers"],
];

/** Why a step was planned only when the one before it had been settled, as the event says it. */
const SETTLED_FIRST = {
  NO: "", // it was planned before
  IDLE: "no other step was on its way",
  SPECULATION: "how many drafts are accepted says where the next rows lie",
  FORK: "other answers to a prompt begin with copies of its rows",
  PROMPT_SCORES: "log-probabilities of a prompt were still to be computed",
  LOADS: "rows came from host memory into pages that might still be in use",
  PAGES: "the step before might free pages that this one lacked",
};

/** Draws the newest step of the state into `root`. */
export function stepView(root) {
  const title = el("h3", { class: "step-number" });
  const rows = bar(
    "rows-of-step",
    "What the rows were",
    ROWS.map(([key, , label, means]) => [key, label, means]),
  );
  const phases = bar(
    "time-of-step",
    "Where the time went",
    PHASES.map(([key, label, means]) => [key, label, means]),
  );
  const stopTitle = el("strong", { "data-stop": "" });
  const stopMeans = el("span");
  const stop = el(
    "p",
    { class: "stop-words" },
    el("span", { class: "dim" }, "Admission was stopped by: "),
    stopTitle,
    el("br"),
    stopMeans,
  );
  const lane = el("p", { class: "dim", "data-lane": "" });
  const entries = el("p", { class: "dim", "data-entries": "" });
  const happened = el("ol", { class: "happened" });
  const quiet = el("p", { class: "dim" });
  const parts = [rows, phases, lane, stop, entries, el("h4", {}, "What happened"), happened, quiet];
  root.append(title, ...parts);

  return (state) => {
    const step = state.steps.at(-1);
    attr(root, "data-step", step ? step.step : null);
    parts.forEach((part) => (part.hidden = !step));
    if (!step) {
      text(title, "No step yet");
      return;
    }
    text(title, `Step ${number(step.step)}`);
    const values = ROWS.map(([, field]) => step[field]);
    rows.draw(values, sum(values), (n) => number(n), count(sum(values), "row"));
    const times = PHASES.map(([key]) => step[key]);
    phases.draw(times, sum(times), duration, duration(sum(times)));
    const why = stopOf(step);
    attr(stopTitle, "data-stop", step.stop);
    text(stopTitle, why.title);
    text(stopMeans, why.means);
    lane.hidden = !step.lane;
    attr(lane, "data-lane", step.lane?.settledFirst ?? "");
    text(lane, step.lane ? laneWords(step) : "");
    entries.hidden = !step.sparse;
    text(entries, step.sparse ? entryWords(step.sparse) : "");
    const all = step.marks.filter((m) => m.kind !== "inserted" && m.kind !== "admitted");
    const marks = all.slice(0, MOST);
    const rest = all.slice(MOST);
    keyed(
      happened,
      marks.map((mark, i) => ({ mark, i })),
      ({ mark, i }) => `${state.run}/${step.step}/${i}/${mark.kind}`,
      ({ mark }) => markLine(state, mark),
    );
    text(quiet, marks.length ? unsaid(rest) : calm(state, step));
  };
}

/** When a step of an engine that overlaps steps was planned, and why not before. */
function laneWords({ step, lane: { settledFirst, computing } }) {
  const why = SETTLED_FIRST[settledFirst];
  const when = why
    ? `Planned only after all steps before it were settled: ${why}.`
    : `Planned while step ${number(step - 1)} was computed.`;
  return `${when} Steps overlap here: the times above lie beside those of other steps. From the beginning of its forward pass until its tokens were decided: ${duration(computing)}.`;
}

/** What the step read of the entries that lie on the host. */
function entryWords({ hits, misses, direct, bytes }) {
  const chosen = hits + misses;
  const buffers = chosen
    ? `${count(chosen, "entry", "entries")} chosen: ${number(hits)} in buffers, ${number(misses)} copied from the host.`
    : "";
  const there = direct ? ` ${count(direct, "entry", "entries")} read on the host.` : "";
  return `${buffers}${there} ${(bytes / 1e3).toFixed(1)} KB came from there.`.trim();
}

/** What is left out of a long list: "… and 5 more: 3 × came in, 2 × prefix hit". */
function unsaid(rest) {
  const kinds = Object.entries(Object.groupBy(rest, (mark) => mark.kind));
  const words = kinds.map(([kind, of]) => `${of.length} × ${KINDS[kind]?.title ?? kind}`);
  return rest.length ? `… and ${number(rest.length)} more: ${words.join(", ")}` : "";
}

/** A step without special events, in words. */
function calm(state, step) {
  const gave = step.rows.filter((r) => r.prompt === 0).length;
  return gave
    ? `${count(gave, "sequence")} went on by ${number(step.rows.reduce((n, r) => n + r.decode + r.accepted, 0))} tokens. Nothing else.`
    : "Nothing but rows of prompts.";
}

function markLine(state, mark) {
  const line = el(
    "li",
    { "data-mark": mark.kind },
    el("span", { class: "sign", "aria-hidden": "true" }, KINDS[mark.kind]?.sign ?? "·"),
    sentence(state, mark),
  );
  if (mark.request >= 0) {
    attr(line, "style", dress(mark.request));
    attr(line, "data-rq", mark.request);
  }
  return line;
}

/** A bar of parts with a legend of its own, below a heading. */
function bar(name, label, parts) {
  const sumText = el("span", { class: "sum" });
  const pieces = parts.map(([key, , means]) => el("i", { "data-part": key, title: means ?? "" }));
  const values = parts.map(() => el("b"));
  const keys = parts.map(([key, name, means], i) =>
    el("li", { "data-part": key, title: means ?? "" }, el("i"), `${name} `, values[i]),
  );
  const box = el(
    "div",
    { class: `parts ${name}` },
    el("h4", {}, label, sumText),
    el("div", { class: "bar" }, ...pieces),
    el("ul", { class: "keys" }, ...keys),
  );
  box.draw = (numbers, all, format, words) => {
    text(sumText, words);
    numbers.forEach((n, i) => {
      pieces[i].style.flexGrow = all > 0 ? n / all : 0;
      text(values[i], format(n));
      attr(keys[i], "data-none", n > 0 ? null : "");
    });
  };
  return box;
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
