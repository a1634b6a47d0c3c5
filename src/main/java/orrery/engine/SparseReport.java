package orrery.engine;

import java.util.Optional;
import orrery.events.Event;
import orrery.graph.HostReads;
import orrery.graph.HostReads.Count;

/** What a step read of entries on the host, as an event. */
final class SparseReport {
  private SparseReport() {}

  /** The event of a step; empty if it neither read such entries nor made one. */
  static Optional<Event> of(long nanos, long step, HostReads r) {
    long any = r.sum(Count.CHOSEN) + r.sum(Count.DIRECT) + r.sum(Count.WRITTEN);
    return any == 0
        ? Optional.empty()
        : Optional.of(
            new Event.SparseReads(
                nanos,
                step,
                r.sequences(),
                r.sum(Count.CHOSEN),
                r.sum(Count.HITS),
                r.sum(Count.MISSES),
                r.sum(Count.EVICTED),
                r.sum(Count.WRITTEN),
                r.sum(Count.DIRECT),
                r.sum(Count.BYTES_DOWN),
                r.sum(Count.BYTES_DIRECT),
                r.sum(Count.BYTES_UP)));
  }
}
