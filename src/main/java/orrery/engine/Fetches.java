package orrery.engine;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
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
 * Sequences in the queue for which rows may come from files. The scheduler does not see them
 * meanwhile, so others pass them, and no request waits for a prefix that they will not compute.
 *
 * <p>What came stays on the host until its sequence starts or leaves. What a sequence had in memory
 * when it came does not: others may push it out while it waits. So the first in the queue is looked
 * at again, and where its hit has become much shorter, files are asked once more.
 *
 * <p>Elsewhere: SGLang {@code srt/managers/scheduler.py}, {@code _prefetch_kvcache}, and {@code
 * mem_cache/hiradix_cache.py}, {@code check_prefetch_progress}.
 */
final class Fetches {
  private static final int MOST_TRIES = 3; // of a sequence, until it starts

  /** A sequence in the queue, and what is known of it. */
  private static final class Waiting {
    final Sequence sequence;
    PrefixCache.Fetch fetch; // the last one; null: none was begun
    boolean waits; // for this fetch
    boolean told; // that it does
    int tries;
    int hit; // tokens: when it began to wait; later the most that was seen
    long losses; // of the cache when its hit was last seen
    long since; // nanoseconds on the engine's clock
    long until; // when it waits no longer

    Waiting(Sequence sequence) {
      this.sequence = sequence;
    }
  }

  private final PrefixCache prefix;
  private final int pageTokens;
  private final boolean files;
  private final PrefetchPolicy policy;
  private final int threshold;
  private final EventSink sink;
  private final LongSupplier clock;
  private final Map<Sequence, Waiting> queued = new IdentityHashMap<>();
  private final AtomicInteger count = new AtomicInteger(); // that wait; the disk's thread reads it

  Fetches(
      PrefixCache prefix,
      int pageTokens,
      OffloadOptions options,
      EventSink sink,
      LongSupplier clock) {
    this.prefix = prefix;
    this.pageTokens = pageTokens;
    this.files = options.files() && prefix.hasTiers();
    this.policy = options.hicacheStoragePrefetchPolicy();
    this.threshold = options.hicacheStoragePrefetchThreshold();
    this.sink = sink;
    this.clock = clock;
  }

  /** Begins to fetch what files have for a sequence that came into the queue. */
  void begin(Sequence s) {
    if (files) {
      begin(queue(s));
    }
  }

  private Waiting queue(Sequence s) {
    Waiting w = new Waiting(s);
    w.hit = hit(w);
    queued.put(s, w);
    return w;
  }

  /** Takes note of a sequence that came back into the queue: its rows are in memory still. */
  void back(Sequence s) {
    if (files) {
      queue(s);
    }
  }

  private void begin(Waiting w) {
    Sequence s = w.sequence;
    w.tries++;
    count.incrementAndGet(); // before: the disk's thread may end it at once, and must wake this one
    w.fetch = prefix.fetch(s.tokens(), limit(s), s.salt, threshold).orElse(null);
    w.waits = w.fetch != null;
    if (w.waits) {
      w.told = false;
      w.since = clock.getAsLong();
      w.until = until(w);
      s.fetching(!policy.runsMeanwhile());
    } else {
      count.decrementAndGet();
    }
  }

  /** When its time is up; longer once it is known what can come. */
  private long until(Waiting w) {
    long patience = policy.patience(w.fetch.tokens());
    return patience == Long.MAX_VALUE ? patience : w.since + patience;
  }

  private int limit(Sequence s) {
    return Scheduler.hitLimit(s, pageTokens);
  }

  private int hit(Waiting w) {
    Sequence s = w.sequence;
    w.losses = prefix.losses();
    return prefix.match(s.tokens(), limit(s), s.salt).tokens();
  }

  /** Lets the scheduler see those that wait no longer, and looks at the first in the queue. */
  void advance(long now, Queues queues) {
    if (!files) {
      return;
    }
    if (any()) {
      prefix.settle();
      new ArrayList<>(queued.values()).stream().filter(w -> w.waits).forEach(w -> advance(w, now));
    }
    queues.firstReady().map(queued::get).filter(w -> !w.waits).ifPresent(this::again);
  }

  private void advance(Waiting w, long now) {
    if (!w.told && w.fetch.tokens() > 0) {
      w.told = true;
      w.until = until(w);
      Sequence s = w.sequence;
      String how = Options.word(policy);
      sink.accept(new Prefetching(now, s.request, s.id, w.fetch.tokens(), how));
    }
    if (w.fetch.ended()) {
      end(w, "done");
    } else if (w.until <= now) {
      w.fetch.stop();
      end(w, "timeout");
    }
  }

  /** A look at a long prompt costs much, and each plan would take one. */
  private void again(Waiting w) {
    if (w.tries == MOST_TRIES || w.losses == prefix.losses()) {
      return; // its hit is as long as it was, or it is not fetched any more
    }
    int hit = hit(w);
    if (hit + threshold <= w.hit) {
      release(w);
      w.hit = hit;
      begin(w);
    } else {
      w.hit = Math.max(w.hit, hit);
    }
  }

  /** A sequence starts with what has come for it. */
  void started(Sequence s) {
    Waiting w = queued.remove(s);
    if (w != null) {
      if (w.waits) {
        w.fetch.stop();
        end(w, "started");
      }
      release(w); // the hit that it takes now is kept by itself
    }
  }

  /** A sequence leaves the queue for good. */
  void leave(Sequence s) {
    Waiting w = queued.remove(s);
    if (w != null) {
      if (w.waits) {
        forget(w, 0, "cancelled");
      }
      release(w);
    }
  }

  private static void release(Waiting w) {
    if (w.fetch != null) {
      w.fetch.release();
      w.fetch = null;
    }
  }

  private void end(Waiting w, String why) {
    int hit = hit(w);
    forget(w, Math.max(0, hit - w.hit), why);
    w.hit = Math.max(w.hit, hit);
  }

  private void forget(Waiting w, int tokens, String why) {
    Sequence s = w.sequence;
    w.waits = false;
    count.decrementAndGet();
    s.fetching(false);
    if (w.told) {
      sink.accept(new Prefetched(clock.getAsLong(), s.request, s.id, tokens, why));
    }
  }

  /** Whether there are some that wait; any thread may ask. */
  boolean any() {
    return count.get() > 0;
  }

  /** When the first of them waits no longer, in nanoseconds on the engine's clock. */
  long nextEnd() {
    return queued.values().stream()
        .filter(w -> w.waits)
        .mapToLong(w -> w.until)
        .min()
        .orElse(Long.MAX_VALUE);
  }
}
