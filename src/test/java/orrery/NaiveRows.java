package orrery;

import orrery.kv.KvDtype;

/**
 * What a cache of few bits gives back of a row, for the oracles: written from the standards in
 * doubles, and without the codes that the product stores.
 *
 * <p>A number format with m bits behind the point has the values k · 2^(e-m), where 2^e is the
 * power of two below the number, and no smaller one than the least normal number. So rounding is
 * division by such a step, rounding to a whole number, and multiplication.
 */
public final class NaiveRows {
  private static final double MOST_E4M3 = 448;
  private static final double LEAST_AMAX = 1e-4f;

  private NaiveRows() {}

  /**
   * The rows as they are read back, [rows][width]; those of FP8 have one scale for each {@code
   * block} columns, and {@code tail} columns of bf16 at their end.
   */
  public static float[][] stored(KvDtype dtype, float[][] rows, int block, int tail) {
    float[][] stored = new float[rows.length][];
    for (int r = 0; r < rows.length; r++) {
      stored[r] = rows[r].clone();
      int coded = dtype == KvDtype.FP8 ? rows[r].length - tail : 0;
      for (int from = 0; from < coded; from += block) {
        fp8(stored[r], from, Math.min(coded, from + block));
      }
      for (int i = coded; i < stored[r].length && dtype != KvDtype.F32; i++) {
        stored[r][i] = bf16(stored[r][i]);
      }
    }
    return stored;
  }

  /** 7 bits behind the point; 2^-126 is the least normal number, as of a float. */
  static float bf16(float x) {
    return (float) nearest(x, 7, -126); // beyond the greatest one, the cast gives infinity
  }

  private static void fp8(float[] x, int from, int to) {
    double amax = LEAST_AMAX;
    for (int i = from; i < to; i++) {
      amax = Math.max(amax, Math.abs(x[i])); // NaN stays NaN
    }
    double scale = scale(amax);
    for (int i = from; i < to; i++) {
      double most = Math.min(MOST_E4M3, Math.abs(nearest(x[i] / scale, 3, -6)));
      x[i] = (float) (Math.copySign(most, x[i]) * scale);
    }
  }

  /** The least power of two by which {@code amax} is at most 448. */
  private static double scale(double amax) {
    if (!(amax < Double.POSITIVE_INFINITY)) {
      return Double.NaN;
    }
    double scale = 1;
    while (amax / scale > MOST_E4M3) {
      scale *= 2;
    }
    while (amax / (scale / 2) <= MOST_E4M3) {
      scale /= 2;
    }
    return scale;
  }

  /** The nearest number with so many bits behind the point, that with an even last bit of two. */
  private static double nearest(double x, int bits, int least) {
    double step = Math.scalb(1.0, Math.max(Math.getExponent(x), least) - bits);
    return Math.rint(x / step) * step;
  }
}
