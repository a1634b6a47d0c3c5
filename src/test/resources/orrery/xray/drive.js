// What tests ask of the page's modules. Events come as lines of JSON.
import { apply, books, booksOf, difference, empty, fromKeyframe, pagesOf } from "./state.js";
import { History } from "./history.js";
import { during as duringOf } from "./runs.js";
import { Feed, Lines } from "./feed.js";

const events = (lines) => lines.split("\n").filter((line) => line).map((line) => JSON.parse(line));

/** Pages of each kind that do not agree with the counts that the engine reported; "" if all do. */
function wrongPages(state) {
  return state.pools.map((pool, i) => {
    const kinds = { free: 0, cached: 0, held: 0, shared: 0 };
    for (const page of pagesOf(state, i)) {
      kinds[page.kind]++;
    }
    const referenced = kinds.held + kinds.shared;
    return kinds.free === pool.free && kinds.cached === pool.idle && referenced === pool.referenced
      ? "" : `pool ${pool.name} at step ${state.step}: the page draws ${JSON.stringify(kinds)}, ` +
        `the engine has ${pool.free} free, ${pool.idle} cached, ${pool.referenced} held. `;
  }).join("");
}

/** The pages whose rows came from host memory in the newest step, "pool/page", in order. */
function loadedPages(state) {
  return state.pools.flatMap((pool, i) =>
    pagesOf(state, i).filter((p) => p.loaded).map((p) => `${pool.name}/${p.page}`)).join(" ");
}

/** The pages that only requests between two engines hold, "pool/page", and where their rows are. */
function apartPages(state) {
  const pages = state.pools.flatMap((pool, i) =>
    pagesOf(state, i).filter((p) => p.apart).map((p) => [`${pool.name}/${p.page}`, p.apart]));
  return Object.fromEntries(pages);
}

/**
 * Follows a run. Returns the books just before each keyframe, as JSON, one a line; likewise the
 * pages that are held for a hand-over, and those that were loaded; and what was wrong with the pages, and with the page's own comparison.
 */
export function follow(lines) {
  const state = empty();
  const found = [];
  const apart = [];
  const loaded = [];
  let wrong = "";
  for (const event of events(lines)) {
    if (event.event === "Keyframe") {
      const now = state.whole ? state : fromKeyframe(event);
      const ours = books(now);
      found.push(JSON.stringify(ours));
      apart.push(JSON.stringify(apartPages(now)));
      loaded.push(loadedPages(now));
      const theirs = difference(ours, booksOf(event));
      wrong += theirs ? `its own comparison at step ${event.step} finds ${theirs}. ` : "";
    }
    apply(state, event);
    if (["StepDone", "Idle", "Keyframe"].includes(event.event)) {
      wrong += wrongPages(state);
    }
  }
  return { books: found.join("\n"), apart: apart.join("\n"), loaded: loaded.join("\n"), wrong: wrong.slice(0, 2000), counters: state.counters };
}

/** A history of a run, given to it in messages of so many events. */
export function history(lines, size, every, most) {
  const history = new History({ every, most: most < 0 ? undefined : most });
  const all = events(lines);
  for (let from = 0; from < all.length; from += size) {
    history.push({ feed: "a", from, run: 1, lost: 0, events: all.slice(from, from + size) });
  }
  return history;
}

export const push = (history, lines, from, run, lost) =>
  history.push({ feed: "a", from, run, lost, events: events(lines) });
export const serve = (history, lines, run) =>
  history.push({ feed: "another", from: 0, run, lost: 0, events: events(lines) });
export const state = (history) => history.state;
export const booksAt = (history) => JSON.stringify(books(history.state));
export const wrongPagesAt = (history) => wrongPages(history.state);

/** All that a state says, as JSON; of its steps only the newest, and how many there are. */
const said = (state) => JSON.stringify({
  ...state, version: 0, steps: state.steps.slice(-2), kept: state.steps.length,
});

/**
 * What the state is at every position of a run at which it is whole, by a fold that never goes back:
 * an array with the JSON at each position, null elsewhere.
 */
export function folded(lines) {
  const state = empty(1);
  const at = [null];
  for (const event of events(lines)) {
    apply(state, event);
    at.push(["StepDone", "Idle", "Keyframe"].includes(event.event) ? said(state) : null);
  }
  return at;
}

/** Whether a history shows at its playhead what the fold had there; else both, in words. */
export function sameAs(history, folded) {
  const ours = said(history.state);
  const theirs = folded[history.at];
  return theirs === null || ours === theirs
    ? "" : `at ${history.at}: the history shows ${ours}, the fold had ${theirs}`;
}

export const tell = (history, what, ...more) => history[what](...more);
export const during = (history, requests) => duringOf(history.log, JSON.parse(requests));
export const ask = (history, what) => JSON.stringify(history[what]);

/** The messages that a stream of server-sent events has, which comes in two pieces. */
export function messages(one, other) {
  const found = [];
  const lines = new Lines((message) => found.push(message));
  lines.push(one);
  lines.push(other);
  return JSON.stringify(found);
}

/** The sizes of a state that takes an event again and again, under other numbers, while no step comes. */
export function grown(lines, more, times) {
  const state = empty(1);
  events(lines).forEach((event) => apply(state, event));
  const kinds = events(more);
  for (let i = 0; i < times; i++) {
    for (const event of kinds) {
      apply(state, { ...event, request: 1000 + i, sequence: 1000 + i });
    }
  }
  return JSON.stringify({
    marks: state.loose.marks.length, ended: Object.keys(state.loose.ended).length,
    sequences: Object.keys(state.sequences).length, requests: Object.keys(state.requests).length,
  });
}

/**
 * Lets a feed read streams of these pieces of text (with | between them), at most four times. What it says, how often it
 * connects, and how many streams it ends itself is in the answer a moment later.
 */
export function fed(pieces) {
  const found = { said: "", connected: 0, aborted: 0, taken: 0 };
  globalThis.setTimeout = (done) => done();
  globalThis.TextDecoderStream = class {};
  globalThis.AbortController = class {
    abort() {
      found.aborted++;
    }
  };
  const take = (message) => {
    found.taken += message.n;
    message.events.forEach(() => {});
  };
  const say = (words) => (found.said += `${words} `);
  const feed = new Feed({ url: "", key: { header: () => ({}) }, take, say });
  globalThis.fetch = async () => {
    if (++found.connected === 4) {
      feed.close();
    }
    const rest = pieces.split("|");
    const read = async () => ({ done: rest.length === 0, value: rest.shift() });
    return { ok: true, status: 200, body: { pipeThrough: () => ({ getReader: () => ({ read }) }) } };
  };
  feed.run();
  return found;
}
