package orrery.observe;

import java.io.IOException;
import java.util.List;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.Stored;

/**
 * The mover's lane of a Perfetto trace. A load that came in the middle of a store lies inside it.
 * What the engine's own thread stored in haste is not in this lane, but a mark among those of the
 * cache.
 */
final class MoverLane {
  private final TraceEvents out;
  private final int process;
  private final int lane;
  private final int cache;

  /** Names the lane. */
  MoverLane(TraceEvents out, int process, int lane, int cache) throws IOException {
    this.out = out;
    this.process = process;
    this.lane = lane;
    this.cache = cache;
    out.threadName(process, lane, "mover");
  }

  void write(Event.Tiers event) throws IOException {
    switch (event) {
      case HostHit e ->
          out.instant(process, cache, e.nanos(), "host hit, " + e.tokens() + " tokens")
              .arg("request", e.request())
              .arg("sequence", e.sequence())
              .arg("pages", e.pages())
              .close();
      case Stored e when e.forced() ->
          out.instant(process, cache, e.nanos(), "stored before its pages became free")
              .arg("pool", e.pool())
              .arg("pages", e.pages())
              .arg("bytes", String.valueOf(e.bytes()))
              .close();
      case Stored e ->
          out.span(process, lane, e.begin(), e.end(), "store")
              .arg("pool", e.pool())
              .arg("pages", e.pages())
              .arg("bytes", String.valueOf(e.bytes()))
              .close();
      case NotStored e ->
          out.instant(process, lane, e.nanos(), "not stored")
              .arg("pool", e.pool())
              .arg("pages", e.pages())
              .arg("why", e.why())
              .close();
      case Loaded e ->
          out.span(process, lane, e.begin(), e.end(), "load " + e.parts() + " parts")
              .arg("pages", e.pages())
              .arg("tokens", e.tokens())
              .arg("bytes", String.valueOf(e.bytes()))
              .arg("the step waited, µs", TraceEvents.micros(e.waited()))
              .arg("pieces that the step copied itself", e.taken())
              .close();
      case HostPools e -> counters(e.nanos(), e.pools());
    }
  }

  private void counters(long nanos, List<HostSlots> pools) throws IOException {
    for (HostSlots s : pools) {
      out.counter(process, nanos, pools.size() == 1 ? "host slots" : "host slots, " + s.pool())
          .arg("whole", s.whole())
          .arg("storing", s.storing())
          .arg("free", s.free())
          .close();
    }
  }
}
