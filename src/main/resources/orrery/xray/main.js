/**
 * Joins the page's parts: the feed brings events, the history keeps them and has a playhead, the
 * views draw the state at the playhead, and the server is asked to do things.
 *
 * The views are made once, by mount(actions) of views/page.js, and then get
 *
 *   draw(state, time)   at most 20 times a second, when something has changed
 *   engine(answer)      of GET /xray/engine
 *   loads(list)         of GET /xray/loads
 *   runs(list)          [{load, title, flags, done, wallNanos, firstTokenNanos, peakPages, and the
 *                       counters}] the loads that this page started, oldest first
 *   say(text, kind)     what went wrong, for the user; of kind "info" what else there is to know
 *   act(run)            runs an action, and says what went wrong
 *
 * time: {connection: "connecting" | "open" | sentences, mode: "live" | "play" | "paused", speed
 * (steps a second; 0 in mode live), step, first, last, marks: [{kind, step, ...}], front (the newest
 * state), enginePaused, events, lost}. Actions return promises, which fail with an Error for the user.
 */
import { Feed } from "./feed.js";
import { History } from "./history.js";
import { onKeys } from "./keys.js";
import { Runs } from "./runs.js";
import { Key, Server } from "./server.js";
import { keyForm } from "./views/keyform.js";
import { halfOf } from "./views/between.js";
import { mount } from "./views/page.js";

const FRAME = 50; // milliseconds between two drawings, at least
const LOOK = 500; // milliseconds between two looks at the runs
const KEPT = 40000; // events of a live engine that the page keeps; of a recording it keeps all
const PACES = [0, 1, 4, 12, 40]; // steps a second that a user may choose

const key = new Key(keyForm);
const server = new Server(key);
const history = new History();
const runs = new Runs(history, sessionStorage);
const wanted = new URLSearchParams(location.search);
let engine = { live: false };
let loads = [];
let restarting = false; // whether this page starts another engine
let pace = 12; // steps a second at which a load is shown; 0: as they come
let connection = "connecting";

/** Waits until something is true; at most ten seconds. */
async function until(holds, what) {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 200) {
      throw new Error(`${what} did not happen within ten seconds`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** Asks what the engine is, and which loads it may be given. */
async function look() {
  engine = await server.get("/xray/engine");
  page.engine(engine);
  history.most = engine.live ? KEPT : Infinity;
  loads = engine.live ? await server.get("/xray/loads") : [];
  page.loads(loads);
  runs.titles(loads);
}

/** Another engine has begun, and not by an action of this page. */
async function lookAgain(server) {
  const before = engine.flags;
  await look();
  if (!server && (before === undefined || before === engine.flags)) {
    return; // the page has just been opened, and reads of engines that are gone
  }
  const flags = engine.flags ? `the flags ${engine.flags}` : "no flags";
  const its = engine.live ? `Its engine has ${flags}.` : "It serves a recording.";
  page.say(server ? `Another server answers now. ${its}` : `The engine was restarted with ${flags}.`, "info");
}

/** Plays from where the playhead is, or follows the engine. */
function play() {
  if (pace > 0) {
    history.play(pace);
  } else {
    history.goLive();
  }
}

/** Goes to the newest step, to see from there what comes. The engine is faster than any eye. */
function follow() {
  history.goLive();
  if (!history.front.paused) {
    play();
  }
}

export const actions = {
  /** Stops the engine between two steps. */
  async pause() {
    await server.post("/xray/pause");
    history.goLive();
  },

  async resume() {
    await server.post("/xray/resume");
  },

  /** Lets the paused engine compute some steps. */
  async step(steps = 1) {
    history.goLive();
    const answer = await server.post("/xray/step", { steps });
    if (answer.steps === 0) {
      page.say("The engine has nothing to compute: it has no request.", "info");
    }
    return answer;
  },

  /** One step on: of what is known; behind that, the engine pauses, and then computes a step. */
  async next() {
    const newest = history.mode === "live" || history.state.step === history.front.step;
    if (!newest || !engine.live) {
      history.next();
    } else if (history.front.paused) {
      await actions.step(1);
    } else {
      await actions.pause();
    }
  },

  async prev() {
    history.previous();
  },

  async seek(step) {
    history.seekStep(step);
  },

  async home() {
    history.home();
  },

  async live() {
    history.goLive();
  },

  /**
   * Plays from the playhead, at so many steps a second; 0 follows the engine. Loads that are
   * started later are shown so, too.
   */
  async speed(steps) {
    pace = steps;
    play();
  },

  /** Stops the playhead, or lets it go on; from the beginning, if it is at a recording's end. */
  async halt() {
    const ended = !engine.live && history.state.step === history.front.step;
    if (history.mode === "play" || (history.live() && !ended)) {
      history.stand();
    } else {
      if (ended) {
        history.home();
      }
      history.play(pace || undefined);
    }
  },

  /** To the next thing of a kind, or the one before; says so if there is none. */
  async jump(kind, direction = 1) {
    const thing = history.jump(kind, direction);
    if (!thing) {
      throw new Error(`there is none ${direction > 0 ? "behind" : "before"} this step`);
    }
    return thing;
  },

  /** Answers the numbers of the requests. */
  async prompts(prompts, sampling = {}) {
    follow();
    const answer = await server.post("/xray/prompts", { prompts, sampling });
    return answer.requests;
  },

  /** Starts a load; without a seed it is the same each time. Answers the requests' numbers. */
  async load(name, seed) {
    follow();
    const cached = Object.keys(history.front.blocks).length;
    const { requests } = await server.post("/xray/load", { name, seed });
    runs.begin({ load: name, seed, flags: engine.flags ?? "", cached, requests });
    page.runs(runs.list);
    return requests;
  },

  /** Empties the prefix cache. */
  async flush() {
    history.goLive(); // there one sees it
    const { flushed } = await server.post("/xray/flush");
    if (!flushed) {
      throw new Error("The prefix cache can be emptied only while no request is there.");
    }
  },

  /** Starts another engine on the same model; answers when its events have begun. */
  async restart(flags) {
    const before = history.run;
    history.goLive();
    restarting = true;
    try {
      await server.post("/xray/restart", { flags });
      await until(() => history.run !== before && history.front.whole, "the engine's first event");
      await look();
    } finally {
      restarting = false;
    }
  },
};

const page = mount(actions);

const feed = new Feed({
  url: "/xray/events",
  key,
  take(message) {
    const { feed, run } = history;
    history.push(message);
    if (feed !== null && run !== history.run && !restarting) {
      page.act(() => lookAgain(feed !== history.feed));
    }
    if (history.disagreement) {
      console.error(`The page's books are not the engine's: ${history.disagreement}`);
      history.disagreement = null;
    }
  },
  say(words) {
    connection = words;
  },
});

function time() {
  const { first, last, step, events } = history.range;
  return {
    connection, mode: history.mode, speed: history.mode === "live" ? 0 : history.speed, step, first,
    last, marks: history.index, front: history.front, enginePaused: history.front.paused, events, lost: history.lost,
  };
}

let drawn = ""; // what the last picture showed
let before = 0; // milliseconds
let looked = 0;

function frame(now) {
  requestAnimationFrame(frame);
  if (now - before < FRAME) {
    return;
  }
  history.tick(before > 0 ? now - before : 0);
  before = now;
  const { state } = history;
  const moment = time();
  const shown = [
    state.run, state.version, moment.mode, moment.speed, moment.last, moment.first, connection,
    moment.enginePaused, innerWidth,
  ].join(" ");
  if (shown !== drawn) {
    drawn = shown;
    page.draw(state, moment);
  }
  if (now - looked > LOOK && runs.look()) {
    page.runs(runs.list);
  }
  looked = now - looked > LOOK ? now : looked;
}

/**
 * What the address asks for: ?load=NAME starts a load, on an engine with the load's flags if this
 * one has others and nothing to do; &speed=4 shows it so slowly; &from=first plays all that there
 * is. A recorded trace is shown from its beginning, and plays if a speed is asked for.
 */
async function begin() {
  await look();
  if (runs.list.length > 0) { // from before the page was loaded again
    page.runs(runs.list);
  }
  const asked = Number(wanted.get("speed") ?? pace);
  pace = PACES.reduce((a, b) => (Math.abs(b - asked) < Math.abs(a - asked) ? b : a));
  await until(() => history.front.whole, "the first event");
  if (engine.live && wanted.has("load")) {
    const seed = wanted.has("seed") ? Number(wanted.get("seed")) : undefined;
    const load = loads.find((one) => one.name === wanted.get("load"));
    const free = history.front.running + history.front.waiting === 0;
    if (load && !load.impossible && load.fits === false && halfOf(engine)) {
      page.say(`${halfOf(engine).stays} The load is shown best with ${load.flags}.`, "info");
    } else if (load && !load.impossible && load.fits === false && free) {
      await actions.restart(load.flags);
      page.say(`The engine was restarted with the load's flags: ${load.flags}.`, "info");
    }
    await actions.load(wanted.get("load"), seed);
  } else if (!engine.live || wanted.get("from") === "first") {
    history.home();
    if (wanted.has("speed")) {
      play();
    }
  }
}

onKeys(actions, history, page, () => engine.live);
addEventListener("pagehide", () => feed.close()); // or the server thinks that somebody looks
addEventListener("pageshow", (event) => event.persisted && feed.run()); // back by the history
feed.run();
requestAnimationFrame(frame);
begin().catch((error) => {
  if (error.name !== "NoKey") { // the feed says the same
    page.say(error.message);
  }
});
