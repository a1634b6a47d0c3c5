package orrery.engine;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import orrery.batching.Scheduler;
import orrery.batching.Sequence;
import orrery.events.EventSink;
import orrery.events.Prefetched;
import orrery.events.Prefetching;
import orrery.offload.OffloadOptions;
import orrery.offload.PrefetchPolicy;
import orrery.options.Options;
import orrery.prefix.PrefixCache;

/**
 * Sequences in the queue for which rows come from files. The scheduler does not see them meanwhile,
 * so others pass them, and no request waits for a prefix that they will not compute.
 *
 * <p>Elsewhere: SGLang {@code srt/managers/scheduler.py}, {@code _prefetch_kvcache}, and {@code
 * mem_cache/hiradix_cache.py}, {@code check_prefetch_progress}.
 */
final class Fetches {
  /**
   * @param before tokens of its hit when it came
   * @param until when it waits no longer, in nanoseconds on the engine's clock
   */
  private record Waiting(Sequence sequence, PrefixCache.Fetch fetch, int before, long until) {}

  private final PrefixCache prefix;
  private final int pageTokens;
  private final PrefetchPolicy policy;
  private final int threshold;
  private final EventSink sink;
  private final LongSupplier clock;
  private final Map<Sequence, Waiting> waiting = new IdentityHashMap<>();
  private final AtomicInteger count = new AtomicInteger(); // of these; the disk's thread reads it

  Fetches(
      PrefixCache prefix,
      int pageTokens,
      OffloadOptions options,
      EventSink sink,
      LongSupplier clock) {
    this.prefix = prefix;
    this.pageTokens = pageTokens;
    this.policy = options.hicacheStoragePrefetchPolicy();
    this.threshold = options.hicacheStoragePrefetchThreshold();
    this.sink = sink;
    this.clock = clock;
  }

  /** Begins to fetch what files have for a sequence that came into the queue. */
  void begin(Sequence s) {
    prefix
        .fetch(s.tokens(), limit(s), s.salt, threshold)
        .ifPresent(
            fetch -> {
              long now = clock.getAsLong();
              long patience = policy.patience(fetch.tokens());
              long until = patience == Long.MAX_VALUE ? patience : now + patience;
              waiting.put(s, new Waiting(s, fetch, hit(s), until));
              count.set(waiting.size());
              s.fetching(!policy.runsMeanwhile());
              String how = Options.word(policy);
              sink.accept(new Prefetching(now, s.request, s.id, fetch.tokens(), how));
            });
  }

  private int limit(Sequence s) {
    return Scheduler.hitLimit(s, pageTokens);
  }

  private int hit(Sequence s) {
    return prefix.match(s.tokens(), limit(s), s.salt).tokens();
  }

  /** Lets the scheduler see those that wait no longer. */
  void advance(long now) {
    if (waiting.isEmpty()) {
      return;
    }
    prefix.settle();
    List<Waiting> all = new ArrayList<>(waiting.values());
    for (Waiting w : all) {
      if (w.fetch.ended()) {
        end(w, "done");
      } else if (w.until <= now) {
        w.fetch.stop();
        end(w, "timeout");
      }
    }
  }

  /** A sequence starts with what has come for it. */
  void started(Sequence s) {
    Waiting w = waiting.get(s);
    if (w != null) {
      w.fetch.stop();
      end(w, "started");
    }
  }

  /** A sequence leaves the queue for good. */
  void leave(Sequence s) {
    Waiting w = waiting.get(s);
    if (w != null) {
      w.fetch.stop();
      forget(w, 0, "cancelled");
    }
  }

  private void end(Waiting w, String why) {
    forget(w, Math.max(0, hit(w.sequence) - w.before), why);
  }

  private void forget(Waiting w, int tokens, String why) {
    Sequence s = w.sequence;
    waiting.remove(s);
    count.set(waiting.size());
    s.fetching(false);
    sink.accept(new Prefetched(clock.getAsLong(), s.request, s.id, tokens, why));
  }

  /** Whether there are some; any thread may ask. */
  boolean any() {
    return count.get() > 0;
  }

  /** When the first of them waits no longer, in nanoseconds on the engine's clock. */
  long nextEnd() {
    return waiting.values().stream().mapToLong(Waiting::until).min().orElse(Long.MAX_VALUE);
  }
}
