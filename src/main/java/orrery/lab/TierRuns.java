package orrery.lab;

import java.util.List;
import java.util.stream.Stream;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Variant;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;
import orrery.prefix.PrefixCacheKind;

/**
 * Requests behind a prefix P that lies in some tier. They come one at a time, and the last one is
 * measured. All before it makes the engine's buffers and programs warm.
 *
 * <pre>
 *   computed   P  other  P  other  P       other: as long as the KV cache, pushes P out of it
 *   L1         other  other  P  P  P
 *   L2         P  other  P  other  P       with host memory
 *   L3         P  Q  other, the engine ends │ another engine:  Q  other  P
 * </pre>
 */
final class TierRuns {
  /** Where the prefix lies. */
  enum Tier {
    COMPUTED("computed"),
    L1("L1, pages"),
    L2("L2, host"),
    /** Files that the system has in its cache, since they were just written. */
    L3("L3, file cache"),
    /** Files that the system has dropped from its cache. */
    DISK("L3, disk");

    final String title;

    Tier(String title) {
      this.title = title;
    }
  }

  static final int TAIL = 16; // tokens behind the prefix, of each prompt another
  private static final int ANSWER = 4;
  private static final double HOST_RATIO = 4; // host memory has room for all prompts of a run

  private final Subject s;
  private final int room; // tokens of the KV cache
  private final EngineOptions options; // without tiers
  private double cached; // most of what the system still had of files that it was to drop, of 1

  /**
   * @param longest prefix, in tokens
   */
  TierRuns(Subject s, int longest) {
    this.s = s;
    var kv = s.options().kv();
    int page = s.loaded().model().kvLayout(false, kv.kvCacheDtype()).wholeRows(kv.pageSize());
    this.room = Math.ceilDiv(tokens(longest), page) * page;
    this.options =
        s.options()
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX))
            .withKv(k -> k.withContextLength(room).withMaxTotalTokens(room))
            .withBatching(b -> b.withMaxRunningRequests(1));
  }

  /** Tokens of a request with such a prefix. */
  static int tokens(int prefix) {
    return prefix + TAIL + ANSWER;
  }

  /** The most that the system still had, of 1, of files that it was to drop. */
  double cached() {
    return cached;
  }

  Variant variant(Tier tier, int prefix) {
    Draw draw = s.draw();
    List<Job> p = behind(draw, prefix);
    List<Job> q = behind(draw, prefix);
    List<Job> other = Stream.generate(() -> job(draw.tokens(room - ANSWER))).limit(2).toList();
    List<Job> pushed = List.of(p.get(0), other.get(0), p.get(1), other.get(1));
    List<Job> kept = List.of(other.get(0), other.get(1), p.get(0), p.get(1));
    List<Job> measured = List.of(p.get(2));
    return new Variant(
        tier.title + ", " + prefix,
        () ->
            switch (tier) {
              case COMPUTED -> Session.run(s.loaded(), options, pushed, measured);
              case L1 -> Session.run(s.loaded(), options, kept, measured);
              case L2 -> Session.run(s.loaded(), tiers(), pushed, measured);
              case L3, DISK -> {
                List<Job> before = List.of(q.get(1), other.get(0));
                List<Job> written = List.of(p.get(0), q.get(0), other.get(1));
                yield files(tier == Tier.DISK, written, before, measured);
              }
            });
  }

  /** Requests with the same prefix. */
  private static List<Job> behind(Draw draw, int prefix) {
    int[] shared = draw.tokens(prefix);
    return Stream.generate(() -> job(draw.behind(shared, TAIL))).limit(3).toList();
  }

  private EngineOptions tiers() {
    return options.withOffload(
        o -> o.withEnableHierarchicalCache(true).withHicacheRatio(HOST_RATIO));
  }

  /**
   * Lets one engine write files and end, and another one find them. What is pushed out of pages is
   * whole on the host, and an engine ends when it has written what is whole there.
   *
   * @param drop whether the system shall read them from the disk
   */
  private Trace files(boolean drop, List<Job> written, List<Job> before, List<Job> measured) {
    try (TemporaryDirectory directory = TemporaryDirectory.create("orrery-tiers")) {
      EngineOptions files =
          tiers()
              .withOffload(
                  o ->
                      o.withHicacheStorageBackend(StorageBackend.FILE)
                          .withHicacheStorageDir(directory.path().toString())
                          .withHicacheStoragePrefetchPolicy(PrefetchPolicy.WAIT_COMPLETE)
                          .withHicacheStoragePrefetchThreshold(1));
      Session.run(s.loaded(), files, written);
      if (drop) {
        cached = Math.max(cached, PageCache.drop(directory.path()));
      }
      return Session.run(s.loaded(), files, before, measured);
    }
  }

  private static Job job(int[] prompt) {
    return new Job(prompt, ANSWER, ANSWER);
  }
}
