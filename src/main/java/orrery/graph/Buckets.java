package orrery.graph;

import java.util.function.IntFunction;

/**
 * Row buckets 1, 2, 4, 8, … up to a maximum: a step of n rows uses what was made for the smallest
 * bucket that holds it. What belongs to a bucket is made when it is first needed.
 *
 * @param <T> what is kept per bucket, for example a captured program with its buffers
 */
public final class Buckets<T> {
  private final int maxRows;
  private final IntFunction<T> make;
  private final Object[] made; // [log2 of the bucket's rows]

  /**
   * @param make makes what a bucket of so many rows needs
   */
  public Buckets(int maxRows, IntFunction<T> make) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("rows: expected at least 1, found " + maxRows);
    }
    this.maxRows = maxRows;
    this.make = make;
    this.made = new Object[index(maxRows) + 1];
  }

  /** The rows of the bucket for {@code rows} rows. */
  public int size(int rows) {
    return Math.min(1 << index(rows), maxRows);
  }

  /** What the bucket for {@code rows} rows holds. */
  @SuppressWarnings("unchecked")
  public T get(int rows) {
    if (rows < 1 || rows > maxRows) {
      throw new IllegalArgumentException("rows: expected 1 to " + maxRows + ", found " + rows);
    }
    int i = index(rows);
    if (made[i] == null) {
      made[i] = make.apply(size(rows));
    }
    return (T) made[i];
  }

  private static int index(int rows) {
    return 32 - Integer.numberOfLeadingZeros(rows - 1);
  }
}
