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
 *   pools: [{name, span, pages, perBlock, unneeded, free, referenced, idle, passed}]
 *          unneeded: pages at a block's beginning that no hit needs
 *   requests: {number: {request, prompt, promptTokens, maxTokens, choices, submittedStep,
 *          sequences: [number]}}       submittedStep -1: before the page began to watch.
 *          A request without sequences waits: its first sequence is named when it starts
 *   sequences: {number: {sequence, request, choice, state, reason, retractions, startStep, endStep,
 *          hit, hitFrom, forkOf, tokens, tail, computed, block, tables, verified, spans}}
 *          state      "waiting" | "running" | "retracted" (it waits again) | "finished"
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
 *          spans      [{state: "waiting" | "running", from, to}] steps [from, to); to null: goes on
 *   blocks: {id: {block, parent, tokens, pages: [pools][pages], by}}   by: the request whose
 *          sequence held it first, -1 if unknown
 *   steps: the newest 240: [{step, nanos, prefillRows, decodeRows, draftRows, paddingRows, running,
 *          waiting, stop, pools, plan, draft, launch, judge, follow, commit (nanoseconds),
 *          rows: [{request, sequence, from, prompt, decode, drafts, judged, accepted, draftTokens}],
 *          marks: [{kind, request, sequence, n, ...}]}]
 *          kinds: submitted admitted hit retracted finished forked evicted tombstone rejectedDraft
 *          inserted flushed refused; n: choices, retractions, tokens, tokens lost, output tokens,
 *          shared tokens, pages, block, drafts rejected, tokens, blocks, 0
 *   counters: see counters.js
 *   loose: what the step that is not done yet has brought
 * }
 */
import { count, zero } from "./counters.js";
import { isTombstone, pathOf } from "./books.js";

export { books, booksOf, difference, holdersOf, isTombstone, pagesOf, pathOf } from "./books.js";

/** How many steps stay in the state. */
export const STEPS = 240;
/** How many ended sequences stay at least, however long ago they ended. */
export const ENDED = 64;

/** The state before any event. */
export function empty(run = 0) {
  return {
    run, version: 0, whole: false, step: -1, since: -1, nanos: 0, paused: false, idle: true, model: "",
    pageTokens: 0, switches: {}, vocabulary: [], running: 0, waiting: 0, pools: [], requests: {},
    sequences: {}, blocks: {}, steps: [], counters: zero(), loose: loose(),
  };
}

function loose() {
  return { marks: [], rows: [], verified: {}, ended: {}, born: [] };
}

/** Takes one event into the state, which it changes. Events that say nothing to it are ignored. */
export function apply(state, event) {
  const rule = RULES[event.event];
  if (rule && (state.whole || event.event === "Keyframe" || event.event === "Vocabulary")) {
    count(state.counters, event);
    rule(state, event);
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
function now(state) {
  return state.step + 1;
}

function mark(state, kind, event, n, more) {
  state.loose.marks.push({
    kind, request: event.request ?? -1, sequence: event.sequence ?? -1, n, ...more,
  });
}

/** The sequence of an event; a new one if no event named it before. */
function sequenceOf(state, event) {
  const known = state.sequences[event.sequence];
  if (known) {
    return known;
  }
  const request = state.requests[event.request];
  const submitted = request ? request.submittedStep : -1;
  const s = {
    sequence: event.sequence, request: event.request,
    choice: request ? request.sequences.length : 0,
    state: "waiting", reason: null, retractions: 0, startStep: -1, endStep: -1,
    hit: 0, hitFrom: -1, forkOf: -1, tokens: [], tail: "", computed: 0, block: -1,
    tables: [], verified: null,
    spans: [{ state: "waiting", from: request && request.sequences.length ? now(state) : submitted, to: null }],
  };
  state.sequences[event.sequence] = s;
  if (request) {
    request.sequences.push(event.sequence);
  }
  return s;
}

/** Ends the newest span of a sequence and begins another. */
function turn(state, s, to, span) {
  s.state = to;
  s.spans.at(-1).to = now(state);
  if (span) {
    s.spans.push({ state: span, from: now(state), to: null });
  }
}

function start(state, s, computed) {
  turn(state, s, "running", "running");
  s.startStep = s.startStep < 0 ? now(state) : s.startStep;
  s.computed = computed;
}

/** A sequence holds no page any more. */
function letGo(state, s) {
  state.loose.ended[s.sequence] = s.tables;
  s.tables = [];
  s.block = -1;
}

function setPools(state, pools) {
  pools.forEach((p, i) => {
    state.pools[i] = {
      ...state.pools[i],
      name: p.pool, span: p.span, free: p.free, referenced: p.referenced, idle: p.idle,
      passed: p.passed,
    };
  });
}

const RULES = {
  Keyframe(state, e) {
    if (!state.whole) {
      rebuild(state, e);
    } else { // the page knows all that a keyframe says; history.js compares
      state.paused = e.paused;
      state.switches = e.switches;
      setPools(state, e.pools);
    }
  },

  /** Events were lost here; the page says this itself. */
  Gap(state) {
    state.whole = false;
  },

  Vocabulary(state, e) {
    state.vocabulary = e.texts;
  },

  Submitted(state, e) {
    state.requests[e.request] = {
      request: e.request, prompt: e.prompt ?? [], promptTokens: e.promptTokens,
      maxTokens: e.maxTokens, choices: e.choices, submittedStep: now(state), sequences: [],
    };
    state.idle = false;
    mark(state, "submitted", e, e.choices);
  },

  Admitted(state, e) {
    const s = sequenceOf(state, e);
    start(state, s, e.hit);
    s.retractions = e.retractions;
    s.hit = e.hit;
    s.hitFrom = -1;
    mark(state, "admitted", e, e.retractions);
    if (e.hit > 0) {
      mark(state, "hit", e, e.hit);
    }
  },

  Forked(state, e) {
    const s = sequenceOf(state, e);
    start(state, s, e.shared);
    s.forkOf = e.sibling;
    mark(state, "forked", e, e.shared);
  },

  Retracted(state, e) {
    const s = sequenceOf(state, e);
    turn(state, s, "retracted", "waiting");
    s.retractions++;
    s.computed = 0;
    letGo(state, s);
    mark(state, "retracted", e, e.lost);
  },

  TokenOut(state, e) {
    sequenceOf(state, e).tokens.push({
      token: e.token, text: e.text, origin: e.origin, logprob: e.logprob ?? null,
      top: e.top ?? [], step: now(state), rejected: [],
    });
  },

  Verified(state, e) {
    const s = sequenceOf(state, e);
    const rejected = e.judged - e.accepted;
    s.verified = {
      drafts: e.drafts, judged: e.judged, accepted: e.accepted, synthetic: e.synthetic,
      step: now(state),
    };
    state.loose.verified[e.sequence] = s.verified;
    if (rejected > 0) {
      s.tokens.push({ ...s.tokens.pop(), rejected: e.drafts.slice(e.accepted) });
      mark(state, "rejectedDraft", e, rejected);
    }
  },

  Finished(state, e) {
    const s = sequenceOf(state, e);
    turn(state, s, "finished", null);
    s.reason = e.reason;
    s.endStep = now(state);
    s.tail = e.text;
    letGo(state, s);
    mark(state, "finished", e, e.outputTokens, { reason: e.reason });
  },

  Rejected(state, e) {
    mark(state, "refused", e, 0, { why: e.why });
  },

  PrefixInserted(state, e) {
    const s = state.sequences[e.sequence];
    mark(state, "inserted", { sequence: e.sequence, request: s ? s.request : -1 }, e.tokens);
  },

  Evicted(state, e) {
    if (e.pages > 0) {
      mark(state, "evicted", e, e.pages, { pool: e.pool });
    }
  },

  Flushed(state, e) {
    mark(state, "flushed", e, e.blocks);
  },

  Paused(state) {
    state.paused = true;
  },

  Resumed(state) {
    state.paused = false;
  },

  BlockKept(state, e) {
    const old = state.blocks[e.block];
    const block = {
      block: e.block, parent: e.parent, tokens: e.tokens, pages: e.pages, by: old ? old.by : -1,
    };
    state.blocks[e.block] = block;
    if (!old) {
      state.loose.born.push(e.block);
    } else if (lostPage(old, block) && isTombstone(state, block) && !isTombstone(state, old)) {
      mark(state, "tombstone", e, e.block);
    }
  },

  BlockGone(state, e) {
    delete state.blocks[e.block];
  },

  Holds(state, e) {
    const s = sequenceOf(state, e);
    s.block = e.block;
    s.tables = e.pools;
    const path = pathOf(state, s.block);
    for (const block of path.filter((b) => b.by < 0 && state.loose.born.includes(b.block))) {
      state.blocks[block.block] = { ...block, by: s.request };
    }
    if (s.hit > 0 && s.hitFrom < 0) {
      s.hitFrom = path[s.hit / state.pageTokens - 1]?.by ?? -1;
    }
  },

  StepRows(state, e) {
    state.loose.rows = e.rows;
  },

  StepDone(state, e) {
    const { loose: brought } = state;
    const rows = brought.rows.map((row) => withVerified(row, brought.verified[row.sequence]));
    for (const row of rows) {
      const s = state.sequences[row.sequence];
      if (s && s.state === "running") {
        s.computed = row.from + row.prompt + row.decode + row.accepted;
      }
    }
    bornOfEnded(state);
    state.steps.push({
      step: e.step, nanos: e.nanos, prefillRows: e.prefillRows, decodeRows: e.decodeRows,
      draftRows: e.draftRows, paddingRows: e.paddingRows, running: e.running, waiting: e.waiting,
      stop: e.stop, pools: e.pools, plan: e.planNanos, draft: e.draftNanos, launch: e.launchNanos,
      judge: e.judgeNanos, follow: e.followNanos, commit: e.commitNanos, rows,
      marks: brought.marks,
    });
    state.step = e.step;
    state.idle = false;
    stand(state, e);
    forget(state);
    state.loose = loose();
  },

  Idle(state, e) {
    state.idle = true;
    stand(state, e);
  },
};

/** How things stand, as StepDone and Idle say. */
function stand(state, e) {
  state.running = e.running;
  state.waiting = e.waiting;
  setPools(state, e.pools);
}

function withVerified(row, verified) {
  return {
    ...row,
    judged: verified ? verified.judged : 0,
    accepted: verified ? verified.accepted : 0,
    draftTokens: verified ? verified.drafts : [],
  };
}

/** Whether a page that a block had is gone. */
function lostPage(old, block) {
  return old.pages.some((pages, pool) =>
    pages.some((page, i) => page >= 0 && block.pages[pool][i] < 0));
}

/** Blocks that came from a sequence that ended in the same step: it had their pages before. */
function bornOfEnded(state) {
  for (const id of state.loose.born) {
    const block = state.blocks[id];
    if (block && block.by < 0) {
      const pool = block.pages.findIndex((pages) => pages.some((page) => page >= 0));
      const page = pool < 0 ? -1 : block.pages[pool].find((p) => p >= 0);
      for (const [sequence, tables] of Object.entries(state.loose.ended)) {
        if (tables[pool]?.pages.includes(page)) {
          state.blocks[id] = { ...block, by: state.sequences[sequence].request };
        }
      }
    }
  }
}

/** Forgets steps and ended sequences that are long past, so that the state stays small. */
function forget(state) {
  if (state.steps.length > STEPS) {
    state.steps.shift();
  }
  const ended = Object.values(state.sequences).filter((s) => s.state === "finished");
  if (ended.length <= ENDED) {
    return;
  }
  const old = ended.sort((a, b) => a.endStep - b.endStep || a.sequence - b.sequence)
    .slice(0, -ENDED).filter((s) => s.endStep < state.steps[0].step);
  for (const s of old) {
    delete state.sequences[s.sequence];
    const request = state.requests[s.request];
    if (request && request.sequences.every((id) => !(id in state.sequences))) {
      delete state.requests[s.request];
    }
  }
}

/** Makes a state what a keyframe says. */
function rebuild(state, e) {
  const { run, vocabulary, version } = state;
  Object.assign(state, empty(run), {
    vocabulary, version, whole: true, nanos: e.nanos, step: e.step, since: e.step, model: e.model,
    pageTokens: e.pageTokens, switches: e.switches, paused: e.paused,
    idle: e.sequences.length === 0,
    running: e.sequences.filter((s) => s.state === "running").length,
    waiting: e.sequences.filter((s) => s.state !== "running").length,
    pools: e.shapes.map((shape) => ({ ...shape, free: 0, referenced: 0, idle: 0, passed: 0 })),
  });
  setPools(state, e.pools);
  for (const b of e.blocks) {
    state.blocks[b.block] = { block: b.block, parent: b.parent, tokens: b.tokens, pages: b.pages, by: -1 };
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
  if (!runs && booked.retractions === 0 && tokens.length === promptTokens) {
    return; // it has never run, and events have not named it yet
  }
  const s = sequenceOf(state, { request, sequence });
  s.choice = booked.choice;
  s.retractions = booked.retractions;
  s.tokens = tokens.slice(promptTokens).map((token) => ({
    token, text: state.vocabulary[token] ?? "", origin: null, logprob: null, top: [], step: -1,
    rejected: [],
  }));
  s.state = runs ? "running" : booked.retractions > 0 ? "retracted" : "waiting";
  s.spans = [{ state: runs ? "running" : "waiting", from: -1, to: null }];
  s.computed = booked.computed;
  s.block = booked.block;
  s.tables = booked.pools;
}
