package orrery.kernels;

import java.util.Arrays;

/**
 * Finds the k-th largest of many numbers digit by digit, as a radix sort does, and takes what is
 * not smaller. (Alabi et al., "Fast k-selection algorithms for graphics processing units", 2012;
 * SGLang selects the entries of its indexer in this way.)
 *
 * <p>Each number becomes an integer of the same order. Four passes count its bytes, the highest
 * first, and each pass fixes one byte of the k-th largest.
 */
final class RadixSelect {
  private static final int DIGITS = 256;

  private RadixSelect() {}

  /** See {@link LatentKernels#select}. */
  static void select(
      float[] x, int xOff, int n, int k, int[] indices, int indicesOff, Scratch scratch) {
    if (k < 0 || k > n) {
      throw new IllegalArgumentException(
          "selection among " + n + " values needs 0 <= k <= " + n + ", found " + k);
    }
    if (k == 0) {
      return;
    }
    int[] keys = scratch.queries(n + DIGITS); // [n] keys, then the counts of the digits
    for (int i = 0; i < n; i++) {
      keys[i] = key(x[xOff + i]);
    }
    int last = 0; // the k-th largest key, digit by digit
    int rank = k; // of the last one, among the keys that begin with these digits
    for (int shift = 24; shift >= 0; shift -= 8) {
      count(keys, n, last, shift);
      int digit = DIGITS - 1;
      while (rank > keys[n + digit]) {
        rank -= keys[n + digit--];
      }
      last |= digit << shift;
    }
    int taken = 0;
    int equal = rank; // so many of the keys that equal the last one are taken: the first ones
    for (int i = 0; i < n; i++) {
      int order = Integer.compareUnsigned(keys[i], last);
      if (order > 0 || (order == 0 && equal-- > 0)) {
        indices[indicesOff + taken++] = i;
      }
    }
  }

  /** Counts the digits at {@code shift} of the keys whose higher digits are those of prefix. */
  private static void count(int[] keys, int n, int prefix, int shift) {
    Arrays.fill(keys, n, n + DIGITS, 0);
    for (int i = 0; i < n; i++) {
      if (shift == 24 || (keys[i] ^ prefix) >>> shift + 8 == 0) {
        keys[n + (keys[i] >>> shift & DIGITS - 1)]++;
      }
    }
  }

  /** A key whose order as an unsigned integer is that of x; 0 and −0 are equal, NaN is smallest. */
  private static int key(float x) {
    if (Float.isNaN(x)) {
      return 0; // that of −∞ is 007FFFFF
    }
    int bits = Float.floatToRawIntBits(x + 0f); // −0 becomes 0
    return bits < 0 ? ~bits : bits | 0x80000000;
  }
}
