package orrery.engine;

import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.events.Event;
import orrery.events.Event.PoolPages;

/** How long each phase of a step takes. */
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
  private final long begin;
  private long last;
  private Optional<Lanes> lanes = Optional.empty(); // if the engine overlaps steps

  /** When the two lanes of an engine that overlaps steps worked at this one. */
  private record Lanes(
      SettledFirst why, long planned, long launched, long computed, long decided, long settling) {}

  /** Begins a step. */
  StepTimes(LongSupplier clock) {
    this.clock = clock;
    this.begin = clock.getAsLong();
    this.last = begin;
  }

  /** When the step began. */
  long begin() {
    return begin;
  }

  /** Ends a phase; returns the time. */
  long mark(Phase phase) {
    long now = clock.getAsLong();
    nanos[phase.ordinal()] += now - last;
    last = now;
    return now;
  }

  /**
   * Goes on with a step that waited while other steps were planned and settled, and whose rows and
   * tokens another thread has computed meanwhile.
   *
   * @param why the step before was settled before this one was planned
   */
  void resume(SettledFirst why, Flight flight) {
    long planned = last;
    last = clock.getAsLong();
    nanos[Phase.LAUNCH.ordinal()] = flight.computed() - flight.began();
    nanos[Phase.JUDGE.ordinal()] = flight.decided() - flight.computed();
    lanes =
        Optional.of(
            new Lanes(why, planned, flight.began(), flight.computed(), flight.decided(), last));
  }

  /** What the two lanes did for a step; nothing if the engine does not overlap steps. */
  Optional<Event.Overlapped> overlapped(long number) {
    return lanes.map(
        l ->
            new Event.Overlapped(
                last,
                number,
                l.why.name(),
                begin,
                l.planned,
                l.launched,
                l.computed,
                l.decided,
                l.settling));
  }

  /** The event of a step, when all its phases have ended. */
  Event.StepDone report(long number, Launched step, Queues queues, List<PoolPages> pools) {
    int prefill = 0;
    int decode = 0;
    int drafts = 0;
    for (Segment s : step.segments()) {
      prefill += s.decodes() ? 0 : s.pending();
      decode += s.decodes() ? 1 : 0;
      drafts += s.drafts();
    }
    return new Event.StepDone(
        last,
        number,
        prefill,
        decode,
        drafts,
        step.planned().plan().padding(),
        queues.running().size(),
        queues.waitingCount(),
        pools,
        step.planned().plan().stop().name(),
        nanos[Phase.PLAN.ordinal()],
        nanos[Phase.DRAFT.ordinal()],
        nanos[Phase.LAUNCH.ordinal()],
        nanos[Phase.JUDGE.ordinal()],
        nanos[Phase.FOLLOW.ordinal()],
        nanos[Phase.COMMIT.ordinal()]);
  }
}
