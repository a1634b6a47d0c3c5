package orrery.kernels;

import orrery.numerics.Sum16;

/**
 * Working memory of one thread for kernels, grown on demand and then reused: after the first call
 * of a shape, kernels allocate nothing.
 */
public final class Scratch {
  /** Partial sums of one reduction, [16]. */
  final float[] partial = new float[Sum16.PARTIALS];

  /** Factors of the slots that are mixed at a time, [512]. */
  final float[] factors = new float[AttentionLoops.MOST_TOGETHER];

  /** What reading cache lines ahead gave; a JIT compiler leaves out a read that nothing needs. */
  int kept;

  private int[] queries = new int[0]; // [queries] where each query starts, or keys to select by
  private float[] tiles =
      new float[0]; // [tiles][headDim][lanes] keys of small pages, or heads turned into lanes
  private float[] key = new float[0]; // [headDim] a decoded key
  private short[] halves = new short[0]; // [numbers] keys or values as bf16
  private int[] starts = new int[0]; // [queries] where each copied query starts
  private int[] runs = new int[0]; // [runs] where the values of each page start
  private float[] sums = new float[0]; // [queries] softmax denominators
  private float[] mixed = new float[0]; // [queries][valueStride] attention output before division
  private float[] scores = new float[0]; // [queries][slots] attention scores, then probabilities
  private float[] decoded = new float[0]; // [rows][columns] the floats of cached rows
  private float[] exps = new float[0]; // [n] e^−|x| of one row
  private int[] listed = new int[0]; // [rows] for ops: where the rows of a list begin
  private float[] numbers = new float[0]; // for ops: numbers on their way from kernel to kernel
  private float[] streams = new float[0]; // [streams][columns] copied before they are mixed

  private float[] weights = new float[0]; // [panels][inputs][16] decoded weights

  private float[] scales = new float[0]; // [panels][blocks][16] scales of coded weights

  /** Room for a list of {@code n} cached rows, which an op hands to a kernel. */
  public int[] rows(int n) {
    listed = grown(listed, n);
    return listed;
  }

  /** Room for {@code n} numbers of an op; no kernel uses it for its own. */
  public float[] numbers(int n) {
    numbers = grown(numbers, n);
    return numbers;
  }

  /** Bytes of {@link #rows} or {@link #numbers} once {@code n} of them were asked for. */
  public static long bytes(long n) {
    return n == 0 ? 0 : 4 * Math.max(16, 2 * Long.highestOneBit(n));
  }

  /** Bytes that ops hold now; kernels hold more. */
  public long opBytes() {
    return 4L * (listed.length + numbers.length);
  }

  float[] key(int n) {
    key = grown(key, n);
    return key;
  }

  int[] starts(int n) {
    starts = grown(starts, n);
    return starts;
  }

  int[] runs(int n) {
    runs = grown(runs, n);
    return runs;
  }

  short[] halves(int n) {
    if (halves.length < n) {
      halves = new short[size(n)];
    }
    return halves;
  }

  int[] queries(int n) {
    queries = grown(queries, n);
    return queries;
  }

  float[] sums(int n) {
    sums = grown(sums, n);
    return sums;
  }

  float[] tiles(int n) {
    tiles = grown(tiles, n);
    return tiles;
  }

  float[] mixed(int n) {
    mixed = grown(mixed, n);
    return mixed;
  }

  float[] scores(int n) {
    scores = grown(scores, n);
    return scores;
  }

  float[] decoded(int n) {
    decoded = grown(decoded, n);
    return decoded;
  }

  float[] exps(int n) {
    exps = grown(exps, n);
    return exps;
  }

  float[] weights(int n) {
    weights = grown(weights, n);
    return weights;
  }

  float[] scales(int n) {
    scales = grown(scales, n);
    return scales;
  }

  float[] streams(int n) {
    streams = grown(streams, n);
    return streams;
  }

  /** Grows to powers of two, so that a growing context allocates rarely. */
  private static float[] grown(float[] held, int n) {
    return held.length >= n ? held : new float[size(n)];
  }

  private static int[] grown(int[] held, int n) {
    return held.length >= n ? held : new int[size(n)];
  }

  private static int size(int n) {
    return Math.max(16, 2 * Integer.highestOneBit(n));
  }
}
