/**
 * The page's state: what an event changes in it. shape.js says what it holds, rules.js what each
 * event means. No figure in it is simulated.
 */
import { count } from "./counters.js";
import { rebuild } from "./keyframe.js";
import { RULES } from "./rules.js";
import { empty } from "./shape.js";

export { books, booksOf, difference, holdersOf, isTombstone, pagesOf, pathOf } from "./books.js";
export { clone, empty } from "./shape.js";

/** Takes one event into the state, which it changes. Events that say nothing to it are ignored. */
export function apply(state, event) {
  const rule = RULES[event.event];
  if (state.whole || event.event === "Keyframe" || event.event === "Vocabulary") {
    count(state.counters, event);
    rule?.(state, event);
  }
  state.nanos = Math.max(state.nanos, event.nanos);
  state.version++;
  return state;
}

/** The state that a keyframe alone gives: how things stand, without their past. */
export function fromKeyframe(event, run = 0, vocabulary = []) {
  const state = empty(run);
  state.vocabulary = vocabulary;
  rebuild(state, event);
  state.version = 1;
  return state;
}
