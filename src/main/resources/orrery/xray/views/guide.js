// The first minute: three things to see, each ticked when it has really happened.

import { attr, el, text, wholeFlags } from "./dom.js";
import { count, nameOf, number } from "./words.js";

const KEY = "orrery.guide";
const PACE = 4; // steps a second: slow enough to read along

/** What to see first: where it happens, which details tell about it, and the event that shows it. */
const LESSONS = [
  {
    title: "A request takes pages",
    look: "Its keys and values need room. Whenever its last page is full, it takes another one.",
    section: "pages",
    tells: ["lanes", "pages"],
    kinds: ["admitted"],
    seen: (state, mark) => `${nameOf(state, mark.sequence, mark.request)} started and took its first pages.`,
  },
  {
    title: "A prefix is shared",
    look: "A request begins like an earlier one. It reads the pages that are there, and computes less.",
    section: "lanes",
    tells: ["lanes", "pages"],
    kinds: ["hit", "forked"],
    seen: (state, mark) =>
      `${nameOf(state, mark.sequence, mark.request)} found ${mark.n ? count(mark.n, "token") : "its beginning"} already computed.`,
  },
  {
    title: "A draft is rejected",
    look: "Drafts guess coming tokens. The model checks them in one step, and a wrong one costs nothing but its row.",
    section: "texts",
    tells: ["lanes", "texts"],
    kinds: ["rejectedDraft"],
    seen: (state, mark) =>
      `a wrong draft of ${nameOf(state, mark.sequence, mark.request)} is struck through in its text.`,
  },
];

/** Draws the lessons into `root`. */
export function guideView(root, ui) {
  const cards = LESSONS.map((lesson, i) => lessonCard(lesson, i, ui));
  const begin = el("button", {
    type: "button",
    class: "primary",
    "data-action": "begin",
    onclick: () => ui.act(() => start()),
  });
  const start = async () => {
    if (ui.isLive()) {
      return ui.startLoad(ui.first(), flags, PACE);
    }
    if (ended) {
      await ui.actions.home();
    }
    return ui.actions.speed(PACE);
  };
  const restarts = el("p", { class: "restarts" });
  const words = el("p", { class: "guide-words" });
  const close = el(
    "button",
    {
      type: "button",
      class: "quiet close",
      "aria-label": "Close the guide",
      title: "Close the guide",
      onclick: () => show(false),
    },
    "×",
  );
  const open = el(
    "button",
    { type: "button", class: "quiet reopen", "data-action": "guide", onclick: () => show(true) },
    "The first minute",
  );
  const inner = el(
    "div",
    { class: "guide-inner" },
    el("div", { class: "guide-start" }, el("h2", {}, "The first minute"), words, begin, restarts),
    el("ol", {}, ...cards),
    close,
  );
  root.append(inner, open);
  const lanes = document.getElementById("lanes");
  const charts = document.getElementById("charts");
  const controls = document.getElementById("controls");
  const show = (wanted) => {
    inner.hidden = !wanted;
    open.hidden = wanted;
    root.classList.toggle("guide-open", wanted); // then pages and texts stand beside the lanes
    wanted ? charts.before(controls) : lanes.before(controls);
    try {
      localStorage.setItem(KEY, wanted ? "open" : "closed");
    } catch {
      // a browser that keeps nothing shows the guide again next time
    }
  };
  show(read() !== "closed");
  let flags = null; // with which the first load shows all three; null: the engine has them, or is busy
  let ended = false; // the playhead is at the end
  return (state, time) => {
    const engine = ui.isLive();
    ended = time.step >= time.last;
    const load = ui.first();
    const lacks = engine && load?.fits === false ? load.flags : null;
    flags = state.running + state.waiting === 0 && !ui.half() ? lacks : null;
    begin.disabled = engine && !load; // the loads have not come yet
    const name = load ? `: ${load.title[0].toLowerCase()}${load.title.slice(1)}` : "";
    text(begin, engine ? `Start${name}` : "Play the recording");
    const does = flags === null ? "as it is; no drafts without " : "restarts the engine with ";
    const shown = ui.half() ? lacks : flags;
    restarts.hidden = shown === null;
    if (restarts.textContent !== `${does}${shown}`) {
      restarts.replaceChildren(does, ...wholeFlags(shown ?? ""));
    }
    text(
      words,
      engine
        ? "A real engine runs behind this page, and every mark is something that it did. Press the button and watch for three things. More loads are below the pictures."
        : "This is the recording of a real engine, and every mark is something that it did. Press the button and watch for three things.",
    );
    for (const card of cards) {
      card.draw(state, time);
    }
  };
}

function read() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** Whether an event shows a lesson. One that comes back to its own pages shares nothing. */
function shows({ kinds }, mark, marks) {
  const back = (m) => m.kind === "admitted" && m.n > 0 && m.sequence === mark.sequence;
  return (
    kinds.includes(mark.kind) &&
    !(mark.kind === "hit" && marks.some((m) => m.step === mark.step && back(m)))
  );
}

function lessonCard(lesson, i, ui) {
  const seen = el("p", { class: "seen" });
  const button = el(
    "button",
    {
      type: "button",
      class: "quiet",
      "data-action": `see-${lesson.section}`,
      onclick: () => ui.act(() => go()),
    },
    "show me",
  );
  const node = el(
    "li",
    { class: "lesson", "data-lesson": lesson.section },
    el("span", { class: "ordinal", "aria-hidden": "true" }, `${i + 1}`),
    el("h3", {}, lesson.title),
    el("p", { class: "look" }, lesson.look),
    seen,
    button,
  );
  let first = null; // the first event of the run that shows it
  let run = null;
  let before = false; // whether an earlier run has shown it
  const go = async () => {
    await ui.actions.seek(first.step);
    await ui.drawn(first.step);
    const told = lesson.tells.flatMap((section) => ui.tellOf[section](first.sequence, first.step));
    const lit = lesson.kinds.includes("hit") ? told : []; // who shares the page
    ui.reveal(lesson.section, [...new Set([first.request, ...lit])]);
  };
  node.draw = (state, time) => {
    if (run !== state.run) {
      run = state.run;
      before ||= first !== null;
      first = null;
    }
    first ??= time.marks.find((m) => m.step <= time.step && shows(lesson, m, time.marks)) ?? null;
    attr(node, "data-done", first || before ? "" : null);
    text(
      seen,
      first
        ? `Step ${number(first.step)}: ${lesson.seen(state, first)}`
        : before
          ? "seen, before the engine was restarted"
          : "not yet",
    );
    button.hidden = !first;
  };
  return node;
}
