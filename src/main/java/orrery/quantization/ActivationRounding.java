package orrery.quantization;

import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

/**
 * How the input of a product is rounded to FP8 (E4M3) where activations are FP8: every run of
 * {@code block} columns of a row gets a scale of its own, from this row alone ("dynamic per-token
 * quantization"; DeepSeek-V3, 2024, §3.3).
 *
 * <pre>
 *   amax = max(1e-4, largest |x| of the block)
 *   s    = amax / 448, rounded up to a power of two if {@code powerOfTwo}
 *   y    = E4M3(x / s) · s
 * </pre>
 *
 * @param block columns that share a scale; {@link WeightFormat#WHOLE} for one scale a row; 0 if the
 *     input stays as it is
 * @param powerOfTwo whether scales are powers of two ({@code scale_fmt: ue8m0})
 */
public record ActivationRounding(int block, boolean powerOfTwo) {
  /** The input stays as it is. */
  public static final ActivationRounding NONE = new ActivationRounding(0, false);

  /** The least amax of a block, as in DeepSeek's kernels. */
  public static final float LEAST = 1e-4f;

  /**
   * @throws IllegalArgumentException if {@code block} is negative, or if there are powers of two
   *     without blocks
   */
  public ActivationRounding {
    if (block < 0 || block == 0 && powerOfTwo) {
      throw new IllegalArgumentException(
          "rounded input: blocks of " + block + " columns, powers of two: " + powerOfTwo);
    }
  }

  /**
   * Rounds one row; {@code x} and {@code y} may be the same row. A block with a NaN or an infinity
   * becomes NaN as a whole. This loop is the definition; vector code gives the same bits.
   *
   * @param x [n] from {@code xOffset}
   * @param y [n] from {@code yOffset}
   */
  public void round(float[] x, int xOffset, int n, float[] y, int yOffset) {
    if (block == 0) {
      System.arraycopy(x, xOffset, y, yOffset, n);
      return;
    }
    for (int from = 0, length; from < n; from += length) {
      length = Math.min(block, n - from);
      float scale = scale(x, xOffset + from, length);
      for (int i = from; i < from + length; i++) {
        y[yOffset + i] = Fp8E4M3.decode(Fp8E4M3.encode(x[xOffset + i] / scale)) * scale;
      }
    }
  }

  private float scale(float[] x, int offset, int n) {
    float amax = 0;
    for (int i = offset; i < offset + n; i++) {
      amax = Math.max(amax, Math.abs(x[i])); // keeps a NaN
    }
    return scale(amax);
  }

  /** The scale of a block whose largest magnitude is {@code amax}; not finite if that is not. */
  public float scale(float amax) {
    float scale = Math.max(LEAST, amax) / Fp8E4M3.MAX;
    return powerOfTwo ? E8m0.decode(E8m0.ceil(scale)) : scale;
  }
}
