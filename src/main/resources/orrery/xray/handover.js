/**
 * Requests that begin in one engine, which computes their prompts, and go on in another. Each of the
 * two pages shows its own engine's half: the queues in which a request neither waits nor runs.
 */
import { isApart, sequenceOf, turn } from "./shape.js";

/** The engine that has a queue; both have the others. */
const SIDES = {
  BOOTSTRAP: "prefill", INFLIGHT: "prefill",
  PREALLOC: "decode", TRANSFER: "decode", RUNNING: "decode",
};

/** The queue, in a state's words: a decode engine's WAITING is another one than a prefill engine's. */
function stateIn(queue, first) {
  return queue === "WAITING" && first.state === "transfer" ? "arrived" : queue.toLowerCase();
}

/** A request has come into another queue; the other answers of it come along. Says into which. */
export function moveOn(state, e) {
  const first = sequenceOf(state, e);
  const to = stateIn(e.queue, first);
  state.side = SIDES[e.queue] ?? state.side;
  if (to === "arrived") {
    first.computed = state.requests[e.request].promptTokens;
  }
  for (const id of state.requests[e.request].sequences) {
    const s = state.sequences[id];
    const its = to === "running" && s !== first ? "waiting" : to; // it waits until it is forked
    if (s && s.state !== "finished") {
      turn(state, s, its, its);
    }
  }
  return to;
}

/** The engine that has a request in such a state; null if both may. */
export const sideOf = (word) => SIDES[word.toUpperCase()] ?? (word === "arrived" ? "decode" : null);

/**
 * Where the rows of a sequence's page are, if it is held for a hand-over: "transfer" (on their way
 * to this engine), "arrived" (here, and no step has used them) or "inflight" (here, and to be sent);
 * else null. Pages that a hit brought are not on their way.
 */
export function handedOver(s, index, span) {
  const computed = s.state === "transfer" && (index + 1) * span <= s.computed;
  return isApart(s) && !computed ? s.state : null;
}
