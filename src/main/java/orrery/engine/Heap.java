package orrery.engine;

import java.util.Locale;
import java.util.function.Supplier;

/**
 * The heap, which holds all arrays. If an option makes arrays large, their bytes are counted before
 * they are made. So the error for a number that is too large names the option, and not the first
 * array that did not fit.
 */
public final class Heap {
  private static final long KIB = 1L << 10;

  private Heap() {}

  /** Bytes that can still be allocated; garbage counts as used. */
  public static long left() {
    Runtime r = Runtime.getRuntime();
    return r.maxMemory() - (r.totalMemory() - r.freeMemory());
  }

  /** Whether this many bytes can be allocated. */
  public static boolean fits(long bytes) {
    if (bytes > left()) {
      System.gc(); // buffers that read the model's files may still be garbage on the heap
    }
    return bytes <= left();
  }

  /**
   * Refuses an allocation that does not fit.
   *
   * @param option the option that asks for it
   * @param what the thing it asks for, in words
   * @param bytes its size
   * @throws IllegalArgumentException naming the option, what it asks for, and what there is
   */
  public static void require(String option, String what, long bytes) {
    require(option, what, bytes, fits(bytes) ? bytes : left());
  }

  /**
   * Refuses an allocation that is larger than what was left at some time: the answer does not
   * depend on what the heap holds now.
   *
   * @param room bytes that were left
   * @throws IllegalArgumentException as {@link #require(String, String, long)}
   */
  static void require(String option, String what, long bytes, long room) {
    if (bytes > room) {
      throw new IllegalArgumentException(
          option + ": " + what + " would take " + size(bytes) + "; " + left(room));
    }
  }

  private static String left(long bytes) {
    return size(bytes) + " are left of a heap of " + size(max()) + " (-Xmx makes it larger)";
  }

  /** The most bytes that the heap may have. */
  static long max() {
    return Runtime.getRuntime().maxMemory();
  }

  /** The product of sizes; {@link Long#MAX_VALUE} if it is larger than that. */
  public static long times(long... factors) {
    long product = 1;
    for (long factor : factors) {
      if (factor != 0 && product > Long.MAX_VALUE / factor) {
        return Long.MAX_VALUE;
      }
      product *= factor;
    }
    return product;
  }

  /** The sum of two sizes; {@link Long#MAX_VALUE} if it is larger than that. */
  public static long plus(long a, long b) {
    return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
  }

  /** Bytes in words: MiB, or GiB from 1 GiB on. */
  public static String size(long bytes) {
    double mib = bytes / (double) (KIB * KIB);
    return mib < KIB
        ? String.format(Locale.ROOT, "%.1f MiB", mib)
        : String.format(Locale.ROOT, "%,.1f GiB", mib / KIB);
  }

  /**
   * Makes something large; if memory runs out, the error says what was being made.
   *
   * @throws OutOfMemoryError naming {@code what}
   */
  public static <T> T making(String what, Supplier<T> make) {
    try {
      return make.get();
    } catch (OutOfMemoryError e) {
      throw during("making " + what, e);
    }
  }

  /** An error that says in words what the program was doing when memory ran out. */
  public static OutOfMemoryError during(String what, OutOfMemoryError cause) {
    OutOfMemoryError error =
        new OutOfMemoryError(
            "out of memory while "
                + what
                + (cause.getMessage() == null ? "" : " (" + cause.getMessage() + ")")
                + "; the heap is at most "
                + size(max())
                + " (-Xmx makes it larger)");
    error.initCause(cause);
    return error;
  }
}
