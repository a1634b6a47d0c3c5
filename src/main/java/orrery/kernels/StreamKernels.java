package orrery.kernels;

/**
 * The computation of a token's residual streams ("Hyper-Connections", Zhu et al., 2024). {@link
 * ScalarStreamKernels} is the definition; {@link VectorStreamKernels} gives the same bits.
 */
public interface StreamKernels {
  /**
   * Mixes the streams of a token in place, for the columns [from, to): stream k becomes post[k] · a
   * + Σ_j comb[j][k] · x[j], each element a product and then one fma chain in increasing j. Note
   * the transposed use of comb.
   *
   * @param a [d] what the sublayer computed
   * @param post [n]
   * @param comb [n][n]
   * @param x [n][d] the streams
   */
  void mix(
      float[] a,
      int aOff,
      float[] post,
      int postOff,
      float[] comb,
      int combOff,
      float[] x,
      int xOff,
      int n,
      int d,
      int from,
      int to,
      Scratch scratch);
}
