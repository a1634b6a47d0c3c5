package orrery.engine;

import java.util.List;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.StepPlan;
import orrery.events.Event;
import orrery.kv.PagePool;

/** How long each phase of a step takes; the phases follow each other without a gap. */
final class StepTimes {
  enum Phase {
    PLAN,
    DRAFT,
    LAUNCH,
    JUDGE,
    FOLLOW,
    COMMIT
  }

  private final LongSupplier clock;
  private final long[] nanos = new long[Phase.values().length]; // [phase]
  private long last;

  StepTimes(LongSupplier clock) {
    this.clock = clock;
  }

  /** Begins a step; returns the time. */
  long begin() {
    last = clock.getAsLong();
    return last;
  }

  /** Ends a phase; returns the time. */
  long mark(Phase phase) {
    long now = clock.getAsLong();
    nanos[phase.ordinal()] = now - last;
    last = now;
    return now;
  }

  /** The event of a step, when all its phases have ended. */
  Event.StepDone report(
      long step, StepPlan plan, List<Segment> segments, Queues queues, PagePool pool) {
    int prefill = 0;
    int decode = 0;
    int drafts = 0;
    for (Segment p : segments) {
      prefill += p.decodes() ? 0 : p.pending();
      decode += p.decodes() ? 1 : 0;
      drafts += p.drafts();
    }
    return new Event.StepDone(
        last,
        step,
        prefill,
        decode,
        drafts,
        plan.padding(),
        queues.running().size(),
        queues.waitingCount(),
        pool.available(),
        pool.referenced(),
        pool.idle(),
        plan.stop().name(),
        nanos[Phase.PLAN.ordinal()],
        nanos[Phase.DRAFT.ordinal()],
        nanos[Phase.LAUNCH.ordinal()],
        nanos[Phase.JUDGE.ordinal()],
        nanos[Phase.FOLLOW.ordinal()],
        nanos[Phase.COMMIT.ordinal()]);
  }
}
