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
}
