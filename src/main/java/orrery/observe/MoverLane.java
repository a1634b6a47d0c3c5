package orrery.observe;

import java.io.IOException;
import java.util.List;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.events.StorageFault;
import orrery.events.Stored;
import orrery.events.Written;

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
  private final int disk;
  private StorageLane storage; // null before its first event

  /**
   * Names the lane.
   *
   * @param disk lane of the disk's thread, if there is one
   */
  MoverLane(TraceEvents out, int process, int lane, int cache, int disk) throws IOException {
    this.disk = disk;
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
      case Prefetching e ->
          out.instant(process, cache, e.nanos(), "prefetching " + e.tokens() + " tokens")
              .arg("request", e.request())
              .arg("sequence", e.sequence())
              .arg("policy", e.policy())
              .close();
      case Prefetched e ->
          out.instant(process, cache, e.nanos(), "prefetched " + e.tokens() + " tokens")
              .arg("request", e.request())
              .arg("sequence", e.sequence())
              .arg("why", e.why())
              .close();
      case PartsRead e -> storage().write(e);
      case Written e -> storage().write(e);
      case StorageFault e -> storage().write(e);
    }
  }

  private StorageLane storage() throws IOException {
    storage = storage == null ? new StorageLane(out, process, disk) : storage;
    return storage;
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
