package orrery.speculation;

import java.util.Arrays;

/**
 * Finds where each run of n tokens stood last in a growing text. It is an open-addressing table of
 * positions. Runs are compared in the text itself, so the index is never wrong. Appending a token
 * and looking up a run take constant time on average. The table takes 8 to 16 bytes a token, and
 * there is no other memory.
 */
final class NgramIndex {
  private static final int MIX = 0x9E3779B1; // 2^32 / golden ratio, odd

  private static final int FEWEST_CELLS = 64;

  private final int n;
  private int[] ends =
      new int[FEWEST_CELLS]; // [power of two], where a run ends (exclusive); 0 is empty
  private int used;
  private int indexed; // runs that end at or before this are in the table
  private long compared; // table cells looked at, for tests of the cost

  NgramIndex(int n) {
    this.n = n;
    indexed = n - 1;
  }

  /** The most bytes that the index of a text of so many tokens takes, when it does not grow. */
  static long bytes(long tokens) {
    long cells = FEWEST_CELLS;
    while (2 * tokens >= cells) {
      cells *= 2;
    }
    return Integer.BYTES * cells;
  }

  /** Bytes of its table now. */
  long bytes() {
    return (long) Integer.BYTES * ends.length;
  }

  /** Enters all runs that end at or before {@code end}; a newer run replaces an older equal one. */
  void extend(int[] text, int end) {
    for (; indexed < end; indexed++) {
      if (2 * used >= ends.length) {
        grow(text);
      }
      int cell = cell(text, indexed + 1);
      if (ends[cell] == 0) {
        used++;
      }
      ends[cell] = indexed + 1;
    }
  }

  /**
   * Where the run that ends at {@code end} ended the last time, among the entered runs; 0 if it is
   * new.
   */
  int lastEnd(int[] text, int end) {
    return end < n ? 0 : ends[cell(text, end)];
  }

  /** How many cells were looked at so far. */
  long compared() {
    return compared;
  }

  /** The cell of the run that ends at {@code end}, or the empty cell where it belongs. */
  private int cell(int[] text, int end) {
    int hash = 0;
    for (int i = end - n; i < end; i++) {
      hash = (hash ^ text[i]) * MIX;
      hash ^= hash >>> 15;
    }
    int cell = hash & ends.length - 1;
    compared++;
    while (ends[cell] != 0 && !same(text, ends[cell], end)) {
      cell = cell + 1 & ends.length - 1;
      compared++;
    }
    return cell;
  }

  private boolean same(int[] text, int a, int b) {
    return Arrays.equals(text, a - n, a, text, b - n, b);
  }

  private void grow(int[] text) {
    int[] old = ends;
    ends = new int[2 * old.length];
    for (int end : old) {
      if (end != 0) {
        ends[cell(text, end)] = end;
      }
    }
  }
}
