package orrery.prefix;

import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import orrery.kv.PagePool;

/**
 * How long a block is kept that no sequence holds: what has a lower priority is evicted first, and
 * among equals the order of the cache decides. After some time only the usual priority is left. The
 * time begins when no sequence holds the block any more for the first time.
 *
 * <p>As in TensorRT-LLM ({@code executor/kvCacheRetentionConfig.cpp}, {@code
 * batch_manager/evictionPolicy.cpp}).
 *
 * @param priority 0 to 100; 35 is the usual one
 * @param duration after which the block has the usual priority again; empty: never
 */
public record Retention(int priority, Optional<Duration> duration) {
  public static final int LOWEST = 0;
  public static final int HIGHEST = PagePool.PRIORITIES - 1;

  /** The priority of a block whose request says nothing about it. */
  public static final int USUAL = 35;

  /** What a block has whose request says nothing about it. */
  public static final Retention DEFAULT = new Retention(USUAL);

  /** The longest duration allowed; 100 years. */
  public static final Duration LONGEST = Duration.ofDays(36_500);

  /**
   * @throws IllegalArgumentException if the priority is not 0 to 100, or the duration not above 0
   *     and at most 100 years
   */
  public Retention {
    Objects.requireNonNull(duration, "retention: expected an optional duration, found null");
    if (priority < LOWEST || priority > HIGHEST) {
      throw new IllegalArgumentException(
          "priority: expected " + LOWEST + " to " + HIGHEST + ", found " + priority);
    }
    if (duration
        .filter(d -> d.isNegative() || d.isZero() || d.compareTo(LONGEST) > 0)
        .isPresent()) {
      throw new IllegalArgumentException(
          "duration: expected above 0 and at most 100 years, found " + duration.get());
    }
  }

  /** A priority without an end. */
  public Retention(int priority) {
    this(priority, Optional.empty());
  }

  /** This priority for some time. */
  public Retention lasting(Duration d) {
    return new Retention(priority, Optional.of(d));
  }
}
