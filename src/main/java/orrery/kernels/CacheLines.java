package orrery.kernels;

/**
 * Reads one number of each cache line of a range, in the order in which the lines lie in memory.
 *
 * <p>Attention reads a page head by head: 2 KiB here, 128 bytes of each row there. If the page must
 * come from memory, a core that reads it like this waits for few lines at a time. Read in order
 * first, the lines come as fast as memory gives them, many at a time; attention then finds them in
 * the nearest caches.
 */
final class CacheLines {
  private static final int BYTES = 64;

  private CacheLines() {}

  /** Reads the lines of {@code n} numbers; gives a number that the caller has to keep. */
  static int read(CachedRows rows, int from, int n) {
    return switch (rows) {
      case F32Rows r -> floats(r.data(), from, from + n);
      case Bf16Rows r -> shorts(r.data(), from, from + n);
      case Fp8Rows r -> bytes(r.codes(), from, from + n);
    };
  }

  private static int floats(float[] x, int from, int to) {
    int kept = 0;
    for (int i = from; i < to; i += BYTES / Float.BYTES) {
      kept ^= Float.floatToRawIntBits(x[i]);
    }
    return kept;
  }

  private static int shorts(short[] x, int from, int to) {
    int kept = 0;
    for (int i = from; i < to; i += BYTES / Short.BYTES) {
      kept ^= x[i];
    }
    return kept;
  }

  private static int bytes(byte[] x, int from, int to) {
    int kept = 0;
    for (int i = from; i < to; i += BYTES) {
      kept ^= x[i];
    }
    return kept;
  }
}
