package orrery.kernels;

import java.lang.foreign.MemorySegment;
import orrery.quantization.RowFormat;

/**
 * The rows of one stream of a cache, as they are stored. What lies where within a page is the
 * choice of the kernel that reads them; these methods know only that a page is a run of rows.
 *
 * <p>{@link #read} and {@link #write} are for rows that lie one after the other, element by
 * element.
 */
public sealed interface CachedRows permits F32Rows, Bf16Rows, Fp8Rows {
  /** Memory for {@code rows} rows of {@code width} floats. */
  static CachedRows allocate(RowFormat format, int width, int rows) {
    return switch (format.codes()) {
      case F32 -> new F32Rows(width, new float[rows * width]);
      case BF16 -> new Bf16Rows(width, new short[rows * width]);
      default -> Fp8Rows.allocate(format, width, rows);
    };
  }

  RowFormat format();

  /** Floats of a row. */
  int width();

  /** How many rows there are. */
  int rows();

  /**
   * The array of rows of float32, [rows][width].
   *
   * @throws IllegalStateException if the rows have another format
   */
  default float[] floats() {
    throw new IllegalStateException("expected cached rows of float32, found " + format());
  }

  /** Copies {@code n} rows to other places. */
  void copy(int from, int to, int n);

  /**
   * Copies a row of other rows of the same format and width, as it is stored.
   *
   * @throws ClassCastException if they have another format
   */
  void copyFrom(CachedRows other, int from, int to);

  /**
   * Copies {@code n} rows out as they are stored, {@link RowFormat#bytes} a row, to bytes from
   * {@code at} on.
   */
  void copyOut(int from, int n, MemorySegment to, long at);

  /** Copies in what {@link #copyOut} has copied out. */
  void copyIn(int to, int n, MemorySegment from, long at);

  /** Makes {@code n} rows NaN. */
  void fillNaN(int from, int n);

  /**
   * The floats that a row stands for.
   *
   * @param into [width] from {@code at}
   */
  void read(int row, float[] into, int at);

  /**
   * Stores a row, rounded to the format.
   *
   * @param x [width] from {@code at}
   */
  void write(int row, float[] x, int at);

  /** How many numbers 32 bits hold. */
  int perWord();

  /**
   * The float that one number stands for, wherever a kernel has put it.
   *
   * @param scale index of its scale; of no meaning if there are no scales
   */
  float get(int index, int scale);

  /**
   * Stores {@code n} numbers, by a scale that stands there already.
   *
   * @param apart elements from one stored number to the next
   * @param x the numbers, from {@code at}, each {@code step} after the last
   */
  void put(int index, int apart, int scale, float[] x, int at, int step, int n);

  /**
   * Stores the scale of {@code n} numbers, if there are scales.
   *
   * @param x [n] the numbers, from {@code at}
   */
  void putScale(int scale, float[] x, int at, int n);
}
