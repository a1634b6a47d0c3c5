package orrery.lab;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.Loaded;
import orrery.events.PartsRead;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.events.Stored;

/** What moved between the tiers in a run. */
final class TierFigures {
  private TierFigures() {}

  /** Prompt tokens whose pages came from host memory. */
  static double hostTokens(Trace t) {
    return t.all(HostHit.class).stream().mapToInt(HostHit::tokens).sum();
  }

  /** {@link #hostTokens} of 100 prompt tokens. */
  static double hostPercent(Trace t) {
    return 100
        * hostTokens(t)
        / t.all(Event.Submitted.class).stream().mapToInt(Event.Submitted::promptTokens).sum();
  }

  /** Bytes that were loaded from host memory. */
  static double loadedBytes(Trace t) {
    return t.all(Loaded.class).stream().mapToLong(Loaded::bytes).sum();
  }

  /** Bytes that were stored in host memory. */
  static double storedBytes(Trace t) {
    return t.all(Stored.class).stream().mapToLong(Stored::bytes).sum();
  }

  /** Of 100 stored bytes, those whose copy the engine's thread made or finished itself. */
  static double forcedPercent(Trace t) {
    double forced =
        t.all(Stored.class).stream().filter(Stored::forced).mapToLong(Stored::bytes).sum();
    return forced == 0 ? 0 : 100 * forced / storedBytes(t);
  }

  /** Nanoseconds from the first row of each load to its last. */
  static double loadNanos(Trace t) {
    return t.all(Loaded.class).stream().mapToLong(l -> l.end() - l.begin()).sum();
  }

  /** Gigabytes a second while something was loaded. */
  static double loadRate(Trace t) {
    return loadedBytes(t) / loadNanos(t);
  }

  /** Nanoseconds that steps waited for rows. */
  static double waitedNanos(Trace t) {
    return t.all(Loaded.class).stream().mapToLong(Loaded::waited).sum();
  }

  /**
   * Of 100 parts of the time of loading, those in which the step did not wait. A step may wait
   * before the first row is copied; such a load has nothing that overlaps.
   */
  static double overlapPercent(Trace t) {
    return 100 * Math.max(0, 1 - waitedNanos(t) / loadNanos(t));
  }

  /** Tokens that came from files before their requests started. */
  static double fileTokens(Trace t) {
    return t.all(Prefetched.class).stream().mapToInt(Prefetched::tokens).sum();
  }

  /** Bytes that were read from files. */
  static double readBytes(Trace t) {
    return t.all(PartsRead.class).stream().mapToLong(PartsRead::bytes).sum();
  }

  /** Nanoseconds that requests waited for files. */
  static double fetchNanos(Trace t) {
    long ends = t.all(Prefetched.class).stream().mapToLong(Prefetched::nanos).sum();
    return ends - t.all(Prefetching.class).stream().mapToLong(Prefetching::nanos).sum();
  }

  /**
   * Milliseconds between two tokens of the same answer, over the first requests, ascending.
   *
   * @param requests how many
   */
  static double[] gaps(Trace t, int requests) {
    Map<Integer, Long> last = new HashMap<>();
    List<Event.TokenOut> tokens = t.all(Event.TokenOut.class);
    return tokens.stream()
        .filter(o -> o.request() < requests)
        .mapToDouble(o -> gap(last.put(o.sequence(), o.nanos()), o.nanos()))
        .filter(gap -> gap >= 0)
        .sorted()
        .toArray();
  }

  private static double gap(Long before, long now) {
    return before == null ? -1 : (now - before) / 1e6;
  }
}
