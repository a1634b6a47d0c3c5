package orrery.quantization;

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

  /** Whether the input stays as it is. */
  public boolean none() {
    return block == 0;
  }

  /** The scale of a block whose largest |x| is {@code amax}; NaN if that is NaN or infinite. */
  public float scale(float amax) {
    float s = Math.max(LEAST, amax) / 448f;
    if (!(s < Float.POSITIVE_INFINITY)) {
      return Float.NaN;
    }
    int bits = Float.floatToIntBits(s);
    return powerOfTwo ? Float.intBitsToFloat(bits + 0x7FFFFF & 0x7F800000) : s;
  }

  /** One value of a block with the scale {@code s}, rounded to E4M3 and scaled back. */
  public static float round(float x, float s) {
    float v = x / s;
    float a = Math.abs(v);
    int bits = Float.floatToIntBits(a);
    float r =
        a < 0x1p-6f
            ? a + 0x1p14f - 0x1p14f
            : Math.min(448f, Float.intBitsToFloat(bits + 0x7FFFF + (bits >>> 20 & 1) & 0xFFF00000));
    return Math.copySign(r, v) * s;
  }

  /**
   * Rounds a row.
   *
   * @param x [n] from xOff
   * @param y [n] from yOff; may be x
   */
  public void round(float[] x, int xOff, int n, float[] y, int yOff) {
    int width = Math.min(block, n);
    for (int from = 0; from < n; from += width) {
      int to = Math.min(from + width, n);
      float amax = 0;
      for (int i = from; i < to; i++) {
        amax = Math.max(amax, Math.abs(x[xOff + i]));
      }
      float s = scale(amax);
      for (int i = from; i < to; i++) {
        y[yOff + i] = round(x[xOff + i], s);
      }
    }
  }
}
