package orrery.kernels;

/**
 * The computations of latent attention ("DeepSeek-V4", 2026), in which every head of a row reads
 * the same cached rows, and a cached row is key and value at once. {@link ScalarLatentKernels} is
 * the definition; {@link VectorLatentKernels} gives the same bits.
 *
 * <p>Cached rows lie one after the other, in any format. A list says which are read, and the order
 * of the list is the order of every sum over rows. A row of fewer bits is the floats that it stands
 * for ({@link CachedRows#read}). What lies outside the listed rows is never multiplied with
 * anything, so it may hold NaN. Unlike {@link Kernels}, no method writes padding: a result may lie
 * between others.
 */
public interface LatentKernels {
  /** The most cached rows of few bits that a kernel holds as floats at a time. */
  int DECODED = 128;

  /**
   * Attention of some heads of one row over {@code n} cached rows and a sink.
   *
   * <p>The score of a cached row is one fma chain over d, times scale. The largest of a head's
   * scores and its sink is subtracted from all of them, and e is exp of that. The sum of the rows'
   * e takes row i of the list to partial i mod 16, and the sink's e is added last. An output is one
   * fma chain over the list of e_i · row_i[d], divided by that sum. A sink has no value, so a sink
   * far below all scores makes this the plain softmax.
   *
   * @param q [heads][headDim] from qOff
   * @param sink [heads] from sinkOff
   * @param near where the first {@code nearRows} rows of the list are
   * @param far where the others are
   * @param rows [n] which rows
   * @param out [heads][headDim] from outOff
   */
  void attend(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float scale,
      float[] sink,
      int sinkOff,
      CachedRows near,
      CachedRows far,
      int[] rows,
      int nearRows,
      int n,
      float[] out,
      int outOff,
      Scratch scratch);

  /**
   * out[c] = Σ_i a_i[c] · softmax over i of gate_i[c], for every channel c by itself. With the
   * largest gate of the channel subtracted, e is exp; the denominator is a chain of sums over
   * increasing i, the numerator an fma chain of e_i · a_i[c].
   *
   * @param state holds a_i[0] at rows[i] and gate_i[0] at rows[i] + gate
   * @param rows [n], n ≥ 1, the index of the first float of each row
   * @param out [channels] from outOff
   */
  void compress(
      float[] state,
      int[] rows,
      int n,
      int gate,
      int channels,
      float[] out,
      int outOff,
      Scratch scratch);

  /**
   * scores[i] = Σ_h (weights[h] · scale) · max(0, q_h · key_i). A product q · key is one fma chain
   * over d. The sum takes head h to partial h mod 16, each partial an fma chain.
   *
   * @param q [heads][headDim] from qOff
   * @param weights [heads] from weightsOff
   * @param rows [n] which keys
   * @param scores [n] from scoresOff
   */
  void indexScores(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float[] weights,
      int weightsOff,
      float scale,
      CachedRows keys,
      int[] rows,
      int n,
      float[] scores,
      int scoresOff,
      Scratch scratch);

  /**
   * The indices of the k largest of x[xOff .. xOff+n), in increasing order: those that {@link
   * Kernels#topK} gives, in time that does not depend on k.
   *
   * @param indices receives [k] indices (0..n-1) from indicesOff
   * @throws IllegalArgumentException if k is less than 0 or more than n
   */
  default void select(
      float[] x, int xOff, int n, int k, int[] indices, int indicesOff, Scratch scratch) {
    RadixSelect.select(x, xOff, n, k, indices, indicesOff, scratch);
  }
}
