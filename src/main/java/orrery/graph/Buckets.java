package orrery.graph;

import java.util.function.IntFunction;

/**
 * Row buckets 1, 2, 4, 8, … up to a maximum. A step of n rows uses the value of the smallest bucket
 * that holds n rows. The value of a bucket is made when it is first needed.
 *
 * @param <T> the value of a bucket, for example a captured program with its buffers
 */
public final class Buckets<T> {
  private final int maxRows;
  private final IntFunction<T> make;
  private final Object[] made; // [log2 of the bucket's rows]

  /**
   * @param maxRows rows of the largest bucket, at least 1
   * @param make makes the value of a bucket of the given number of rows
   * @throws IllegalArgumentException if {@code maxRows} is less than 1
   */
  public Buckets(int maxRows, IntFunction<T> make) {
    if (maxRows < 1) {
      throw new IllegalArgumentException("rows: expected at least 1, found " + maxRows);
    }
    this.maxRows = maxRows;
    this.make = make;
    this.made = new Object[index(maxRows) + 1];
  }

  /** The size of the bucket for {@code rows} rows. */
  public int size(int rows) {
    return Math.min(1 << index(rows), maxRows);
  }

  /**
   * The value of the bucket for {@code rows} rows.
   *
   * @throws IllegalArgumentException if {@code rows} is less than 1 or more than the maximum
   */
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
