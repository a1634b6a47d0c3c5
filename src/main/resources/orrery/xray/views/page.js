// Puts the pictures into the page, and tells them what the server said.

import { isApart } from "../shape.js";
import { dress } from "./colours.js";
import { attr, el, text } from "./dom.js";
import { halfOf } from "./between.js";
import { chartsView } from "./charts.js";
import { controlsView } from "./controls.js";
import { engineView } from "./engine.js";
import { guideView } from "./guide.js";
import { lanesView } from "./lanes.js";
import { orreryView } from "./orrery.js";
import { pagesView } from "./pages.js";
import { freeKeys, helpBox, messages, pointing, reveal, theme } from "./shell.js";
import { stepView } from "./step.js";
import { textsView } from "./texts.js";
import { timebarView } from "./timebar.js";
import { treeView } from "./tree.js";
import { label, number } from "./words.js";

const VIEWS = {
  orrery: orreryView,
  guide: guideView,
  controls: controlsView,
  step: stepView,
  pages: pagesView,
  lanes: lanesView,
  texts: textsView,
  tree: treeView,
  charts: chartsView,
  engine: engineView,
  timebar: timebarView,
};

/**
 * Builds the pictures into the elements that have `data-view`. `actions` is what a user may do; the
 * answer is what main.js calls: see there.
 */
export function mount(actions) {
  const ui = listeners({ actions, engine: { live: true }, loads: [], last: null });
  ui.tellOf = {}; // by section: opens its detail about a sequence in a step, and answers the requests that share it
  ui.isLive = () => ui.engine.live !== false;
  ui.half = () => halfOf(ui.engine);
  const say = messages();
  ui.act = async (run, tell = say) => {
    const before = say.times();
    try {
      await run();
      if (say.times() === before) {
        say(""); // what went wrong before does not matter any more
      }
    } catch (error) {
      tell(error.message, "error");
    }
  };
  ui.helpOf = (name) => ui.engine.options?.find((s) => s.name === `--${name}`)?.help ?? "";
  loadsOf(ui);
  ui.reveal = reveal;
  pointing();
  freeKeys();
  helpBox();
  const views = [...document.querySelectorAll("[data-view]")].map((root) =>
    VIEWS[root.dataset.view](root, ui),
  );
  theme(ui);
  const head = header(ui);
  let shown = null; // what was drawn last
  let step = null; // the step that it showed; the state itself goes on
  const draw = (state, time) => {
    shown = [state, time];
    head(state, time);
    attr(document.documentElement, "data-side", state.side);
    attr(document.documentElement, "data-host", state.host.length > 0 ? "" : null);
    attr(document.documentElement, "data-connection", time.connection === "open" ? "open" : "none");
    views.forEach((view) => view(state, time));
    step = state.step;
  };
  const again = () => shown && draw(...shown);
  /** Waits until a step is drawn, at most two seconds. */
  ui.drawn = async (wanted) => {
    for (let tries = 0; tries < 40 && step !== wanted; tries++) {
      await new Promise((done) => setTimeout(done, 50));
    }
  };
  return {
    draw,
    engine(answer) {
      ui.engine = answer;
      document.documentElement.toggleAttribute("data-replay", answer.live === false);
      ui.tell("engine", answer);
      again();
    },
    loads(list) {
      ui.loads = list;
      ui.tell("loads", list);
      again();
    },
    runs(list) {
      ui.last = list.at(-1)?.load ?? ui.last;
      ui.tell("started", ui.last);
      ui.tell("runs", list);
    },
    say,
    act: ui.act,
  };
}

/** Views that want to hear when the engine, the loads, the runs or the theme change. */
function listeners(ui) {
  const all = { engine: [], loads: [], runs: [], theme: [], started: [] };
  ui.onEngine = (f) => all.engine.push(f);
  ui.onLoads = (f) => all.loads.push(f);
  ui.onRuns = (f) => all.runs.push(f);
  ui.onTheme = (f) => all.theme.push(f);
  ui.onStarted = (f) => all.started.push(f);
  ui.tell = (kind, value) => all[kind].forEach((f) => f(value));
  return ui;
}

/** Starting loads, and starting the last one again behind a restart. */
function loadsOf(ui) {
  ui.pace = 12; // steps a second at which a load is played; what a user has chosen last, 0 is live
  /** Does something that makes steps, and plays them at a pace that one can follow. */
  ui.watched = async (make, pace = ui.pace) => {
    await ui.actions.live();
    if (pace > 0) {
      await ui.actions.speed(pace);
    }
    await make();
  };
  const run = (name, pace) => {
    ui.last = name;
    ui.tell("started", name);
    return ui.watched(() => ui.actions.load(name), pace);
  };
  /** Starts a load; with flags, first an engine that has them. */
  ui.startLoad = async (load, flags = null, pace = ui.pace) => {
    if (flags !== null) {
      await ui.actions.restart(flags);
    }
    await run(load.name, pace);
  };
  ui.first = () => ui.loads.find((load) => !load.impossible);
  ui.restart = async (flags, repeat) => {
    const name = ui.last;
    await ui.actions.restart(flags);
    if (repeat && name) {
      await run(name, ui.pace);
    }
  };
}

/** The head of the page: the model, and how things stand. */
function header(ui) {
  const model = document.getElementById("model");
  const stand = document.getElementById("stand");
  const trouble = document.getElementById("trouble");
  return (state, time) => {
    text(model, `${state.model || "no engine yet"}${ui.half() ? `, ${ui.half().mode}` : ""}`);
    const chips = Object.values(state.sequences)
      .filter((s) => s.state === "running")
      .slice(0, 12);
    const between = Object.values(state.sequences).filter(isApart).length;
    const key = `${state.run} ${state.running} ${state.waiting} ${between} ${state.side} ${chips.map((s) => s.sequence)}`;
    if (stand.key !== key) {
      stand.key = key;
      stand.replaceChildren(
        el("span", {}, el("b", {}, number(state.running)), " running "),
        ...chips.map((s) =>
          el(
            "span",
            { class: "chip", style: dress(s.request), "data-rq": s.request },
            label(state, s.sequence),
          ),
        ),
        el("span", {}, "/ ", el("b", {}, number(state.waiting)), " waiting"),
        state.side ? el("span", {}, " / ", el("b", {}, number(between)), " between two engines") : "",
      );
    }
    text(trouble, troubleOf(time));
    trouble.hidden = trouble.textContent === "";
  };
}

function troubleOf(time) {
  if (time.connection !== "open" && time.connection !== "connecting") {
    return time.connection;
  }
  return time.lost > 0 ? `This page was too slow and has lost ${number(time.lost)} events.` : "";
}
