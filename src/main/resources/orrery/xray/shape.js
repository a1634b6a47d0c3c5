/**
 * What the page knows of an engine: a fold over its events, and nothing else. No figure in here is
 * simulated. The state is defined where a step ends: everything that comes before the StepDone of
 * step s belongs to step s. No DOM here, so tests run this file inside the JVM.
 *
 * {
 *   run           which engine of this server; request and sequence numbers begin again in each run
 *   version       grows with every event; a view need not draw the same version twice
 *   whole         whether it began with a keyframe and has missed nothing since. If not, it waits
 *                 for the next keyframe and takes in nothing else
 *   step          the newest StepDone, -1 before it
 *   since         counters and steps begin behind this step; -1: at the engine's start
 *   nanos, paused, idle, model, pageTokens, switches: {flag: value}, vocabulary: [text of each id]
 *   running, waiting                   sequences, as StepDone and Idle say
 *   side          "prefill" or "decode", if requests begin in one engine and go on in another; else null
 *   pools: [{name, span, pages, perBlock, unneeded, free, referenced, idle, passed}]
 *          unneeded: pages at a block's beginning that no hit needs
 *   host: [{pool, tokens, free, whole, storing, evicted}] slots of host memory, as HostPools says; empty
 *          if there is none
 *   loaded: [loads][pools][pages] whose rows came from host memory in the newest step
 *   requests: {number: {request, prompt, promptTokens, maxTokens, choices, submittedStep,
 *          sequences: [number]}}       submittedStep -1: before the page began to watch.
 *          A request without sequences waits: its first sequence is named when it starts
 *   sequences: {number: {sequence, request, choice, state, reason, retractions, startStep, endStep,
 *          hit, hitFrom, forkOf, tokens, tail, computed, block, tables, verified, spans}}
 *          state      "waiting" | "running" | "retracted" (it waits again) | "finished"; or where it
 *                     stands between two engines: "bootstrap" | "prealloc" | "transfer" | "arrived" |
 *                     "inflight", as Keyframe.java says
 *          hit        tokens from the prefix cache at its newest start
 *          hitFrom    the request that computed the last block of that hit, -1 if unknown
 *          forkOf     the sibling whose pages it started with, -1
 *          tokens     of the answer: [{token, text, origin, logprob, top, step, rejected}]; origin
 *                     and logprob are null if unknown; rejected: the drafts in whose place it came
 *          tail       text that came with Finished
 *          computed   tokens of prompt and answer whose rows are cached
 *          block      the last block that it holds in the prefix cache, -1
 *          tables     [pools] {first, pages}: pages of the table entries from first on
 *          verified   {drafts, judged, accepted, synthetic, step} or null
 *          spans      [{state: "waiting" | "running" | one between two engines, from, to}] steps
 *                     [from, to); to null: goes on
 *   blocks: {id: {block, parent, tokens, pages: [pools][pages], priority, by}}
 *          priority   0 to 100: the lowest is evicted first
 *          by         the request whose sequence held it first, -1 if unknown
 *   steps: the newest 240: [{step, nanos, prefillRows, decodeRows, draftRows, paddingRows, running,
 *          waiting, stop, pools, plan, draft, launch, judge, follow, commit (nanoseconds),
 *          rows: [{request, sequence, from, prompt, decode, drafts, judged, accepted, draftTokens}],
 *          moved: {stored, notStored, loaded, waited}: parts stored, parts given up, parts loaded, and
 *          nanoseconds that the step waited for these,
 *          sparse: {hits, misses, direct, bytes} or null: entries that rows chose and found in buffers,
 *          that came from the host, that were read there, and bytes of the last two,
 *          lane: {settledFirst, computing (nanoseconds)} or null: of a step that may overlap others,
 *          marks: [{kind, request, sequence, n, ...}]}]
 *          kinds: submitted admitted hit retracted finished forked evicted tombstone rejectedDraft
 *          inserted flushed refused handover; n: choices, retractions, tokens, tokens lost, output
 *          tokens, shared tokens, pages, block, drafts rejected, tokens, blocks, 0, 0
 *   counters: see counters.js
 *   loose: what the step that is not done yet has brought
 * }
 */
import { zero } from "./counters.js";

/** The state before any event. */
export function empty(run = 0) {
  return {
    run, version: 0, whole: false, step: -1, since: -1, nanos: 0, paused: false, idle: true, model: "",
    pageTokens: 0, switches: {}, vocabulary: [], running: 0, waiting: 0, side: null, pools: [], host: [], loaded: [], requests: {},
    sequences: {}, blocks: {}, steps: [], counters: zero(), loose: loose(),
  };
}

/** What a step has brought that has not brought anything yet. */
export function loose() {
  return { moved: { stored: 0, notStored: 0, loaded: 0, waited: 0 }, loaded: [], sparse: null, lane: null, marks: [], rows: [], verified: {}, ended: {}, born: [] };
}

/** A copy that further events do not change. What is never changed in place is shared. */
export function clone(state) {
  return {
    ...state,
    pools: state.pools.map((pool) => ({ ...pool })),
    requests: mapped(state.requests, (r) => ({ ...r, sequences: r.sequences.slice() })),
    sequences: mapped(state.sequences, (s) => ({
      ...s, tokens: s.tokens.slice(), spans: s.spans.map((span) => ({ ...span })),
    })),
    blocks: { ...state.blocks },
    steps: state.steps.slice(),
    counters: { ...state.counters },
    loose: {
      ...state.loose, marks: state.loose.marks.slice(), born: state.loose.born.slice(),
      verified: { ...state.loose.verified }, ended: { ...state.loose.ended },
    },
  };
}

function mapped(object, change) {
  const result = {};
  for (const key in object) {
    result[key] = change(object[key]);
  }
  return result;
}

/** The number of the step whose events come now. */
export function now(state) {
  return state.step + 1;
}

/** Where a request stands between two engines, while it neither waits nor runs. */
const APART = ["bootstrap", "prealloc", "transfer", "arrived", "inflight"];

/** Whether a sequence neither waits nor runs, as its request is on its way between two engines. */
export const isApart = (s) => APART.includes(s.state);

/** Ends the newest span of a sequence and begins another. */
export function turn(state, s, to, span) {
  s.state = to;
  s.spans.at(-1).to = now(state);
  if (span) {
    s.spans.push({ state: span, from: now(state), to: null });
  }
}

/** The sequence of an event; a new one if no event named it before. */
export function sequenceOf(state, event) {
  const known = state.sequences[event.sequence];
  if (known) {
    return known;
  }
  const request = state.requests[event.request];
  const submitted = request ? request.submittedStep : -1;
  const first = request && state.sequences[request.sequences[0]];
  const stands = first && isApart(first) ? first.state : "waiting";
  const s = {
    sequence: event.sequence, request: event.request,
    choice: request ? request.sequences.length : 0,
    state: stands, reason: null, retractions: 0, startStep: -1, endStep: -1,
    hit: 0, hitFrom: -1, forkOf: -1, tokens: [], tail: "", computed: 0, block: -1,
    tables: [], verified: null,
    spans: [{ state: stands, from: request && request.sequences.length ? now(state) : submitted, to: null }],
  };
  state.sequences[event.sequence] = s;
  if (request) {
    request.sequences.push(event.sequence);
  }
  return s;
}

/** Takes the counts of each pool. */
export function setPools(state, pools) {
  pools.forEach((p, i) => {
    state.pools[i] = {
      ...state.pools[i],
      name: p.pool, span: p.span, free: p.free, referenced: p.referenced, idle: p.idle,
      passed: p.passed,
    };
  });
}
