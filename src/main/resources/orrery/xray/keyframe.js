/** How a state begins: with a keyframe, which says how things stand, without their past. */
import { sideOf } from "./handover.js";
import { empty, isApart, sequenceOf, setPools } from "./shape.js";

/** Makes a state what a keyframe says. */
export function rebuild(state, e) {
  const { run, vocabulary, version } = state;
  Object.assign(state, empty(run), {
    vocabulary, version, whole: true, nanos: e.nanos, step: e.step, since: e.step, model: e.model,
    pageTokens: e.pageTokens, switches: e.switches, paused: e.paused,
    idle: e.sequences.length === 0,
    running: e.sequences.filter((s) => s.state === "running").length,
    waiting: e.sequences.filter((s) => s.state === "waiting").length,
    side: e.sequences.map((s) => sideOf(s.state)).find((side) => side !== null) ?? null,
    pools: e.shapes.map((shape) => ({ ...shape, free: 0, referenced: 0, idle: 0, passed: 0 })),
  });
  setPools(state, e.pools);
  for (const b of e.blocks) {
    const { block, parent, tokens, pages, priority } = b;
    state.blocks[block] = { block, parent, tokens, pages, priority, by: -1 };
  }
  for (const booked of e.sequences) {
    enroll(state, booked);
  }
}

/** Takes a sequence from a keyframe. */
function enroll(state, booked) {
  const { request, sequence, promptTokens, maxTokens, choices, tokens } = booked;
  state.requests[request] ??= {
    request, prompt: tokens.slice(0, promptTokens), promptTokens, maxTokens, choices,
    submittedStep: -1, sequences: [],
  };
  const runs = booked.state === "running";
  const apart = isApart(booked);
  if (!runs && !apart && booked.retractions === 0 && tokens.length === promptTokens) {
    return; // it has never run, and events have not named it yet
  }
  const s = sequenceOf(state, { request, sequence });
  s.choice = booked.choice;
  s.retractions = booked.retractions;
  s.tokens = tokens.slice(promptTokens).map((token) => ({
    token, text: state.vocabulary[token] ?? "", origin: null, logprob: null, top: [], step: -1,
    rejected: [],
  }));
  s.state = !runs && !apart && booked.retractions > 0 ? "retracted" : booked.state;
  s.spans = [{ state: booked.state, from: -1, to: null }];
  s.computed = booked.computed;
  s.block = booked.block;
  s.tables = booked.pools;
}
