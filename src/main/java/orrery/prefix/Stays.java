package orrery.prefix;

import java.util.Comparator;
import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * The {@link Stay}s of one cache. Those whose time has begun stand in the order in which it ends,
 * so nothing walks through the cache to find them.
 *
 * <p>A stay must be in no order of eviction while it changes.
 *
 * @param <T> what is kept
 */
public final class Stays<T> {
  private final LongSupplier clock; // nanoseconds
  private final TreeSet<Stay<T>> begun =
      new TreeSet<>(
          Comparator.<Stay<T>>comparingLong(s -> s.until).thenComparingLong(s -> s.number));
  private long numbers;

  public Stays(LongSupplier clock) {
    this.clock = clock;
  }

  /** The stay of something new, with the usual priority. */
  public Stay<T> of(T kept) {
    return new Stay<>(kept, numbers++);
  }

  /** Gives it another retention, whose time has not begun. */
  public void set(Stay<T> stay, Retention r) {
    begun.remove(stay);
    stay.priority = r.priority();
    stay.nanos = Stay.nanos(r);
    stay.until = Stay.NOT_BEGUN;
  }

  /** Gives it all that another one has, of this cache or of one with the same clock. */
  public void copy(Stay<?> from, Stay<T> to) {
    begun.remove(to);
    to.priority = from.priority;
    to.nanos = from.nanos;
    to.until = from.until;
    if (to.until != Stay.NOT_BEGUN) {
      begun.add(to);
    }
  }

  /** What is left of it. */
  public Retention left(Stay<T> stay) {
    return stay.left(clock.getAsLong());
  }

  /**
   * No sequence holds it any more: its time begins, if it has one and it has not begun.
   *
   * @return whether it begins
   */
  public boolean begin(Stay<T> stay) {
    if (stay.nanos == Stay.FOREVER || stay.until != Stay.NOT_BEGUN) {
      return false;
    }
    stay.until = clock.getAsLong() + stay.nanos;
    begun.add(stay);
    return true;
  }

  /** It has left the cache. */
  public void gone(Stay<T> stay) {
    begun.remove(stay);
  }

  /** Something whose time is over, and that must be given the usual retention; null if none. */
  public T due() {
    return begun.isEmpty() || begun.first().until > clock.getAsLong() ? null : begun.first().of;
  }
}
