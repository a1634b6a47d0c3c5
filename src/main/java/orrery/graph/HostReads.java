package orrery.graph;

import java.util.Arrays;

/**
 * What the ops of a step read of entries that lie on the host ({@code hisparse}), summed up over
 * its layers. Each thread counts for itself, so no count is shared.
 */
public final class HostReads {
  private static final int STRIDE = 16; // longs from one thread's counts to the next: 2 cache lines

  /** What is counted. */
  public enum Count {
    /** Entries that the rows of sequences chose, each once for a sequence. */
    CHOSEN,
    /** Of these, those that lay in the buffers, or that rows of the step completed. */
    HITS,
    /** Of these, those that were copied from the host. */
    MISSES,
    /** Entries that gave up their slot to another one. */
    EVICTED,
    /** Entries that rows of the step completed. */
    WRITTEN,
    /** Entries that rows read on the host in place, each row for itself. */
    DIRECT,
    /** Copied from the host to buffers for the misses. */
    BYTES_DOWN,
    /** Read on the host in place. */
    BYTES_DIRECT,
    /** Copied to the host. */
    BYTES_UP
  }

  private final long[] counts; // [threads][STRIDE]
  private final boolean[] buffered; // [sequences] whether its rows read from a buffer

  HostReads(int threads, int sequences) {
    counts = new long[threads * STRIDE];
    buffered = new boolean[sequences];
  }

  void clear() {
    Arrays.fill(counts, 0);
    Arrays.fill(buffered, false);
  }

  /** Adds to a count of a thread ({@link Step#threadOf}). */
  public void add(int thread, Count what, long n) {
    counts[thread * STRIDE + what.ordinal()] += n;
  }

  /** The rows of a sequence read from its buffer. */
  public void buffered(int sequence) {
    buffered[sequence] = true;
  }

  /** The sum over all threads. */
  public long sum(Count what) {
    long sum = 0;
    for (int at = what.ordinal(); at < counts.length; at += STRIDE) {
      sum += counts[at];
    }
    return sum;
  }

  /** How many sequences read from their buffers. */
  public int sequences() {
    int n = 0;
    for (boolean one : buffered) {
      n += one ? 1 : 0;
    }
    return n;
  }
}
