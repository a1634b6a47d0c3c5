package orrery.quantization;

import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;

/**
 * Turns a matrix of floats into codes and scales, by plain loops.
 *
 * <pre>
 *   F32, BF16, E8M0 scales   s = amax of the block / MAX of the codes, rounded by the rule
 *   E4M3 scales (NVFP4)      t = 1 / (2688 / amax of the matrix)          2688 = 448 · 6
 *                            s = E4M3(amax of the block / 6 / t), at least 2^-9
 *   code                     nearest to w / s, or to w / (s · t)
 * </pre>
 *
 * <p>A block of zeros has the scale 1.
 *
 * @param format where the scales lie and how they are stored
 * @param rule how a scale is rounded
 */
public record BlockQuantizer(WeightFormat format, ScaleRule rule) {
  /** Larger magnitudes could round to infinity. */
  private static final float BOUND = 0x1p127f;

  /** The least E4M3 scale of a block: the least positive E4M3 value. */
  private static final float LEAST_E4M3 = 0x1p-9f;

  /** The least amax of a matrix that decides a tensor scale, so that 2688 / amax is finite. */
  private static final float LEAST_AMAX = 0x1p-100f;

  /**
   * @throws IllegalArgumentException if the format has no codes, or stores no such scales
   */
  public BlockQuantizer {
    boolean power = rule != ScaleRule.EXACT;
    if (format.scales() == Scales.NONE
        || format.scales() == Scales.E8M0 && !power
        || format.scales() == Scales.E4M3 && power) {
      throw new IllegalArgumentException(rule + " for " + format);
    }
  }

  /**
   * The codes and scales of a matrix.
   *
   * @param w [out][in]
   * @throws IllegalArgumentException if a weight is NaN, or 2^127 and more
   */
  public ArrayMatrix quantize(float[] w, int out, int in) {
    return quantize(w, out, in, amax(w, 0, out, 0, in, in));
  }

  /**
   * The codes and scales of a matrix that shares the tensor scale of NVFP4 with others.
   *
   * @param w [out][in]
   * @param tensorAmax the largest magnitude in all matrices that share a tensor scale
   * @throws IllegalArgumentException if a weight is NaN, or 2^127 and more
   */
  public ArrayMatrix quantize(float[] w, int out, int in, float tensorAmax) {
    float tensorScale = format.scales() == Scales.E4M3 ? 1 / globalScale(tensorAmax) : 1;
    int scaleRows = format.scaleRows(out);
    int scaleCols = format.scaleCols(in);
    float[] grid = new float[scaleRows * scaleCols]; // [scaleRows][scaleCols]
    byte[] codes = new byte[out * in]; // [out][in]
    for (int b = 0; b < grid.length; b++) {
      int top = b / scaleCols * format.blockRows();
      int left = b % scaleCols * format.blockCols();
      int bottom = top + Math.min(format.blockRows(), out - top);
      int right = left + Math.min(format.blockCols(), in - left);
      grid[b] = scale(amax(w, top, bottom, left, right, in), tensorScale);
      for (int i = top; i < bottom; i++) {
        for (int j = left; j < right; j++) {
          codes[i * in + j] = (byte) format.codes().encode(w[i * in + j] / (grid[b] * tensorScale));
        }
      }
    }
    return new ArrayMatrix(format, out, in, codes, grid, tensorScale, ActivationRounding.NONE);
  }

  /**
   * What compressed-tensors stores as {@code weight_global_scale}: 2688 / amax. The tensor scale is
   * 1 / this.
   */
  public static float globalScale(float tensorAmax) {
    return tensorAmax == 0 ? 1 : Fp8E4M3.MAX * Fp4E2M1.MAX / Math.max(tensorAmax, LEAST_AMAX);
  }

  private float scale(float amax, float tensorScale) {
    if (amax == 0) {
      return 1;
    }
    float exact = amax / format.codes().max();
    return switch (format.scales()) {
      case E4M3 -> Math.max(LEAST_E4M3, Fp8E4M3.decode(Fp8E4M3.encode(exact / tensorScale)));
      case BF16 -> Bf16.decode(Bf16.encode(rounded(amax, exact)));
      default -> rounded(amax, exact);
    };
  }

  private float rounded(float amax, float exact) {
    return switch (rule) {
      case EXACT -> Math.max(Float.MIN_NORMAL, exact);
      case CEIL -> E8m0.decode(E8m0.ceil(exact));
      case NEAREST -> E8m0.decode(E8m0.nearest(exact));
      case FLOOR ->
          E8m0.decode(Math.max(0, E8m0.floor(amax) - Math.getExponent(format.codes().max())));
    };
  }

  /** The largest magnitude in a block of a matrix with {@code in} columns. */
  private static float amax(float[] w, int top, int bottom, int left, int right, int in) {
    float amax = 0;
    for (int i = top; i < bottom; i++) {
      for (int j = left; j < right; j++) {
        float magnitude = Math.abs(w[i * in + j]);
        if (!(magnitude < BOUND)) {
          throw new IllegalArgumentException(
              "weight ["
                  + i
                  + "]["
                  + j
                  + "]: expected a magnitude below 2^127, found "
                  + w[i * in + j]);
        }
        amax = Math.max(amax, magnitude);
      }
    }
    return amax;
  }
}
