// What tests ask of the page's modules. Events come as lines of JSON.
import { apply, books, booksOf, clone, difference, empty, fromKeyframe, pagesOf } from "./state.js";
import { since, zero } from "./counters.js";
import { History } from "./history.js";
import { Lines } from "./feed.js";

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

/**
 * Follows a run. Returns the books just before each keyframe, as JSON, one a line; and what was
 * wrong with the pages, and with the page's own comparison.
 */
export function follow(lines) {
  const state = empty();
  const found = [];
  let wrong = "";
  for (const event of events(lines)) {
    if (event.event === "Keyframe") {
      const ours = books(state.whole ? state : fromKeyframe(event));
      found.push(JSON.stringify(ours));
      const theirs = difference(ours, booksOf(event));
      wrong += theirs ? `its own comparison at step ${event.step} finds ${theirs}. ` : "";
    }
    apply(state, event);
    if (["StepDone", "Idle", "Keyframe"].includes(event.event)) {
      wrong += wrongPages(state);
    }
  }
  return { books: found.join("\n"), wrong: wrong.slice(0, 2000), counters: state.counters };
}

/** A history of a run, given to it in messages of so many events. */
export function history(lines, size, every, most) {
  const history = new History({ every, most });
  const all = events(lines);
  for (let from = 0; from < all.length; from += size) {
    history.push({ from, run: 1, lost: 0, events: all.slice(from, from + size) });
  }
  return history;
}

export const push = (history, lines, from, run, lost) =>
  history.push({ from, run, lost, events: events(lines) });
export const state = (history) => history.state;
export const booksAt = (history) => JSON.stringify(books(history.state));
export const wrongPagesAt = (history) => wrongPages(history.state);

/** All that a state says, as JSON, but for how often it was changed. */
export const whole = (history) => JSON.stringify({ ...history.state, version: 0 });
export const lanes = (history) => JSON.stringify(history.state.steps);

/** The messages that a stream of server-sent events has, which comes in pieces. */
export function messages(pieces) {
  const found = [];
  const lines = new Lines((message) => found.push(message));
  for (const piece of pieces) {
    lines.push(piece);
  }
  return JSON.stringify(found);
}
