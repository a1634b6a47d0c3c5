package orrery.kernels;

import orrery.quantization.ActivationRounding;

/**
 * The computations of a forward pass. {@link ScalarKernels} is the definition, in loops a learner
 * can read; {@link VectorKernels} gives the same bits with the Panama Vector API.
 *
 * <p>All arrays are row-major float32; "off" parameters are indices of the first element. A row of
 * a result may be written up to the next multiple of 16 columns (padding), never beyond. Kernels
 * hold no state, allocate nothing once {@link Scratch} is warm, and split over threads only by
 * outputs and rows.
 */
public interface Kernels {
  /** "scalar" or "vector-512", for reports. */
  String name();

  /** The kernels of latent attention, in the same form. */
  LatentKernels latent();

  /** The kernels of residual streams, in the same form. */
  StreamKernels streams();

  /**
   * y[r][o] = Σ_k w[o][k] · x[r][k], each output one fma chain in increasing k starting from 0.
   *
   * @param x [rows][xStride], columns 0..in-1 used
   * @param y [rows][yStride], yStride ≥ 16 · panels; columns of panels [panelFrom, panelTo) written
   */
  void matmul(
      PackedMatrix w,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch);

  /**
   * y[i] = x[i] · r · weight[i] with r = 1 / √(mean(x²) + eps); the mean sums x² by {@link
   * orrery.numerics.Sum16} with fma. "Root Mean Square Layer Normalization", Zhang and Sennrich,
   * 2019.
   *
   * @param x [n]
   * @param weight [n]
   * @param y [n], may be x
   */
  void rmsNorm(
      float[] x,
      int xOff,
      float[] weight,
      int weightOff,
      float eps,
      int n,
      float[] y,
      int yOff,
      Scratch scratch);

  /**
   * Rotates pairs of x in place by the angles of one position: (a, b) → (a·cos − b·sin, b·cos +
   * a·sin). Half-split pairs (i, i + pairs) as in GPT-NeoX and Llama checkpoints, or interleaved
   * pairs (2i, 2i + 1) as in the RoFormer paper (Su et al., 2021). Columns from 2 · pairs on stay
   * as they are (partial rotary).
   *
   * @param x [2 · pairs] from xOff
   * @param cos [pairs] from tableOff
   * @param sin [pairs] from tableOff
   */
  void rope(
      float[] x, int xOff, float[] cos, float[] sin, int tableOff, int pairs, boolean interleaved);

  /**
   * 1 / √(mean(x²) + eps), the factor of {@link #rmsNorm}.
   *
   * @param x [n]
   */
  float inverseRms(float[] x, int xOff, float eps, int n, Scratch scratch);

  /**
   * y[i] = x[i] · r, with the factor r of {@link #inverseRms} and no weights.
   *
   * @param x [n]
   * @param y [n], may be x
   */
  default void unitNorm(
      float[] x, int xOff, float eps, int n, float[] y, int yOff, Scratch scratch) {
    float r = inverseRms(x, xOff, eps, n, scratch);
    for (int i = 0; i < n; i++) {
      y[yOff + i] = x[xOff + i] * r;
    }
  }

  /**
   * y[i] = silu(gate[i]) · up[i]; "GLU Variants Improve Transformer", Shazeer, 2020. y overlaps
   * neither gate nor up.
   */
  void swiglu(float[] gate, int gateOff, float[] up, int upOff, float[] y, int yOff, int n);

  /**
   * y[i] = silu(g) · u with g = min(gate[i], limit) and u = up[i] cut to [−limit, limit], as in
   * DeepSeek-V4. g has no lower limit, because silu has one. y overlaps neither gate nor up.
   */
  void clampedSwiglu(
      float[] gate, int gateOff, float[] up, int upOff, float limit, float[] y, int yOff, int n);

  /** y[i] = √ln(1 + e^x[i]); y may be x. */
  void sqrtSoftplus(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch);

  /**
   * y = x, rounded to FP8 in blocks and scaled back ("DeepSeek-V3 Technical Report", 2024, §3.3):
   * see {@link ActivationRounding#round(float[], int, int, float[], int)}, the definition.
   *
   * @param x [n]
   * @param y [n], may be x
   */
  void roundActivations(
      ActivationRounding rounding, float[] x, int xOff, int n, float[] y, int yOff);

  /** y[i] = sigmoid(x[i]); y may be x. */
  void sigmoid(float[] x, int xOff, float[] y, int yOff, int n);

  /** y[i] += x[i]. */
  void add(float[] x, int xOff, float[] y, int yOff, int n);

  /** y[i] = fma(a, x[i], y[i]). */
  void addScaled(float a, float[] x, int xOff, float[] y, int yOff, int n);

  /**
   * y = softmax(x): each e_i = exp(x_i − max) is divided by the {@link orrery.numerics.Sum16} sum
   * of all e.
   *
   * @param x [n]
   * @param y [n], may be x
   */
  void softmax(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch);

  /**
   * Causal attention of consecutive query rows of one sequence, for the key/value heads [kvFrom,
   * kvTo): row r sees the slots [first, last + r].
   *
   * <p>The score of a slot is one fma chain over d, times scale. The weight of a slot is exp(score
   * − max); the sum of the weights takes slot s to partial s mod 16. The output is one fma chain
   * over increasing slots, divided by that sum. Keys and values of fewer bits are the floats that
   * they stand for. For a row, no slot outside its range is multiplied with anything, so such a
   * slot may hold NaN.
   *
   * @param q [rows][qStride], a row is [heads][headDim], from qOff
   * @param keys the key pool, see {@link AttentionShape}
   * @param values the value pool
   * @param pages page of slots [i · pageTokens, (i+1) · pageTokens) at index i
   * @param out [rows][outStride], a row is [heads][valueDim], from outOff
   */
  void attend(
      AttentionShape shape,
      float[] q,
      int qOff,
      int qStride,
      int rows,
      CachedRows keys,
      CachedRows values,
      int[] pages,
      int first,
      int last,
      int kvFrom,
      int kvTo,
      float[] out,
      int outOff,
      int outStride,
      Scratch scratch);

  /**
   * The index (0..n-1) of the largest of x[xOff .. xOff+n). Among equal values the first wins; NaN
   * counts as smallest.
   */
  default int argmax(float[] x, int xOff, int n) {
    int best = 0;
    float bestValue = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      if (x[xOff + i] > bestValue) {
        best = i;
        bestValue = x[xOff + i];
      }
    }
    return best;
  }

  /**
   * The k largest of x[xOff .. xOff+n), largest first. Among equal values the lowest index comes
   * first; NaN counts as smallest.
   *
   * @param indices receives [k] indices (0..n-1) from indicesOff
   * @throws IllegalArgumentException if k is less than 0 or more than n
   */
  default void topK(float[] x, int xOff, int n, int k, int[] indices, int indicesOff) {
    if (k < 0 || k > n) {
      throw new IllegalArgumentException(
          "top-k of " + n + " values needs 0 <= k <= " + n + ", found " + k);
    }
    int held = 0;
    for (int i = 0; i < n; i++) {
      float v = x[xOff + i];
      int at = held;
      // Inserted from the end: the earlier of two equal values stays first, so ties go to the lower
      // index.
      while (at > 0
          && (v > x[xOff + indices[indicesOff + at - 1]]
              || isLess(x[xOff + indices[indicesOff + at - 1]], v))) {
        at--;
      }
      if (at < k) {
        int moved = Math.min(held, k - 1);
        System.arraycopy(indices, indicesOff + at, indices, indicesOff + at + 1, moved - at);
        indices[indicesOff + at] = i;
        held = Math.min(held + 1, k);
      }
    }
  }

  private static boolean isLess(float held, float v) {
    return Float.isNaN(held) && !Float.isNaN(v);
  }
}
