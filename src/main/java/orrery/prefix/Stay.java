package orrery.prefix;

import java.time.Duration;
import java.util.Optional;

/**
 * The priority that something has in an order of eviction, and for how long. {@link Stays} changes
 * it.
 *
 * @param <T> what is kept
 */
public final class Stay<T> {
  static final long FOREVER = Long.MAX_VALUE;
  static final long NOT_BEGUN = Long.MAX_VALUE;

  final T of;
  final long number; // no two are equal
  int priority = Retention.USUAL;
  long nanos = FOREVER; // of its time
  long until = NOT_BEGUN; // on the clock of the Stays; its time has begun

  Stay(T of, long number) {
    this.of = of;
    this.number = number;
  }

  /** What has a lower one is evicted first. */
  public int priority() {
    return priority;
  }

  /** Whether it has the usual priority without an end. */
  public boolean usual() {
    return priority == Retention.USUAL && nanos == FOREVER;
  }

  /** Whether it is as another one, of the same clock. */
  public boolean same(Stay<?> other) {
    return priority == other.priority && nanos == other.nanos && until == other.until;
  }

  /** Whether all of a retention is still to come. */
  boolean is(Retention r) {
    return priority == r.priority() && nanos == nanos(r) && until == NOT_BEGUN;
  }

  /** What is left of it. */
  Retention left(long now) {
    if (nanos == FOREVER) {
      return new Retention(priority);
    }
    long left = until == NOT_BEGUN ? nanos : until - now;
    return left <= 0
        ? Retention.DEFAULT
        : new Retention(priority, Optional.of(Duration.ofNanos(left)));
  }

  static long nanos(Retention r) {
    return r.duration().map(Duration::toNanos).orElse(FOREVER);
  }
}
