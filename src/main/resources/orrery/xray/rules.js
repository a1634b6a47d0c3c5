/** What each event means for the state. The rules stand in the order in which a request meets them. */
import { isTombstone, pathOf } from "./books.js";
import { moveOn } from "./handover.js";
import { rebuild } from "./keyframe.js";
import { loose, now, sequenceOf, setPools, turn } from "./shape.js";

/** How many steps stay in the state. */
export const STEPS = 240;
/** How many ended sequences stay at least, however long ago they ended. */
export const ENDED = 64;
/** How many ended sequences stay at most, while no step comes that would make them long past. */
export const MOST_ENDED = 1000;
/** How many marks stay that no step has taken yet. */
export const MOST_MARKS = 1000;

function mark(state, kind, event, n, more) {
  state.loose.marks.push({
    kind, request: event.request ?? -1, sequence: event.sequence ?? -1, n, ...more,
  });
  if (state.loose.marks.length > MOST_MARKS) {
    state.loose.marks.shift();
  }
}

/** Adds to what the mover did in this step. */
function moved(state, what, n) {
  state.loose.moved = { ...state.loose.moved, [what]: state.loose.moved[what] + n };
}

function start(state, s, computed) {
  turn(state, s, "running", "running");
  s.startStep = s.startStep < 0 ? now(state) : s.startStep;
  s.computed = computed;
}

/** A sequence holds no page any more. */
function letGo(state, s) {
  if (s.tables.length > 0) {
    state.loose.ended[s.sequence] = s.tables;
  }
  s.tables = [];
  s.block = -1;
}

/** By event. */
export const RULES = {
  Keyframe(state, e) {
    if (!state.whole) {
      rebuild(state, e);
    } else { // the page knows all that a keyframe says; history.js compares
      state.paused = e.paused;
      state.switches = e.switches;
      setPools(state, e.pools);
      forget(state);
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

  Queued(state, e) {
    mark(state, "handover", e, 0, { queue: moveOn(state, e) });
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
    const sent = s.state === "inflight" && e.reason !== "abort" && e.reason !== "error";
    turn(state, s, "finished", null);
    s.reason = sent ? "handed over" : e.reason;
    s.endStep = now(state);
    s.tail = e.text;
    letGo(state, s);
    mark(state, "finished", e, e.outputTokens, { reason: s.reason });
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
      mark(state, "evicted", e, e.pages, { pool: e.pool, by: e.by });
    }
  },

  Flushed(state, e) {
    mark(state, "flushed", e, e.blocks);
  },

  HostHit(state, e) {
    mark(state, "hostHit", e, e.tokens);
  },

  Prefetching(state, e) {
    mark(state, "prefetching", e, e.tokens);
  },

  Prefetched(state, e) {
    mark(state, "prefetched", e, e.tokens);
  },

  Stored(state) {
    moved(state, "stored", 1);
  },

  NotStored(state) {
    moved(state, "notStored", 1);
  },

  Loaded(state, e) {
    moved(state, "loaded", e.parts);
    moved(state, "waited", e.waited);
    state.loose.loaded = [...state.loose.loaded, e.into];
  },

  SparseReads(state, e) {
    state.loose.sparse = {
      hits: e.hits, misses: e.misses, direct: e.direct, bytes: e.bytesDown + e.bytesDirect,
    };
  },

  Overlapped(state, e) { // comes before its StepDone
    state.loose.lane = { settledFirst: e.settledFirst, computing: e.decided - e.launch };
  },

  HostPools(state, e) {
    state.host = e.pools;
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
      block: e.block, parent: e.parent, tokens: e.tokens, pages: e.pages, priority: e.priority,
      by: old ? old.by : -1,
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
      if (s && (s.state === "running" || s.state === "inflight")) {
        s.computed = row.from + row.prompt + row.decode + row.accepted;
      }
    }
    bornOfEnded(state);
    state.steps.push({
      step: e.step, nanos: e.nanos, prefillRows: e.prefillRows, decodeRows: e.decodeRows,
      draftRows: e.draftRows, paddingRows: e.paddingRows, running: e.running, waiting: e.waiting,
      stop: e.stop, pools: e.pools, plan: e.planNanos, draft: e.draftNanos, launch: e.launchNanos,
      judge: e.judgeNanos, follow: e.followNanos, commit: e.commitNanos, rows,
      moved: brought.moved, sparse: brought.sparse, lane: brought.lane, marks: brought.marks,
    });
    state.step = e.step;
    state.idle = false;
    state.loaded = brought.loaded;
    stand(state, e);
    forget(state);
    state.loose = loose();
  },

  Idle(state, e) {
    state.idle = true;
    stand(state, e);
    forget(state);
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
  const oldest = state.steps[0]?.step ?? 0;
  const old = ended.sort((a, b) => a.endStep - b.endStep || a.sequence - b.sequence)
    .slice(0, -ENDED).filter((s, i) => s.endStep < oldest || i < ended.length - MOST_ENDED);
  for (const s of old) {
    delete state.sequences[s.sequence];
    const request = state.requests[s.request];
    if (request && request.sequences.every((id) => !(id in state.sequences))) {
      delete state.requests[s.request];
    }
  }
}
