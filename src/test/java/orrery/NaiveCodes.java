package orrery;

/**
 * Numbers of few bits for the oracles, from the standards and in doubles: no table and no bit trick
 * of the product.
 */
final class NaiveCodes {
  private static final double LEAST_AMAX = 1e-4f;
  private static final double MOST_E4M3 = 448;

  private NaiveCodes() {}

  /** E4M3: 4 exponent bits with bias 7; the code with all other bits set is NaN. */
  static double e4m3(int code) {
    return (code & 0x7F) == 0x7F ? Double.NaN : number(code, 4, 3, 7);
  }

  /** E5M2: 5 exponent bits with bias 15; the last exponent is infinity and NaN. */
  static double e5m2(int code) {
    return (code & 0x7C) == 0x7C ? Double.NaN : number(code, 5, 2, 15);
  }

  /** E2M1: 2 exponent bits with bias 1. */
  static double e2m1(int code) {
    return number(code, 2, 1, 1);
  }

  /** E8M0: an exponent with bias 127. */
  static double e8m0(int code) {
    return code == 0xFF ? Double.NaN : Math.scalb(1.0, code - 127);
  }

  private static double number(int code, int exponentBits, int fractionBits, int bias) {
    int exponent = code >> fractionBits & (1 << exponentBits) - 1;
    double fraction = (code & (1 << fractionBits) - 1) / (double) (1 << fractionBits);
    double magnitude =
        exponent == 0 ? Math.scalb(fraction, 1 - bias) : Math.scalb(1 + fraction, exponent - bias);
    return (code >> exponentBits + fractionBits & 1) == 0 ? magnitude : -magnitude;
  }

  /**
   * A row as a product with quantised weights sees it where activations are FP8: blocks of columns
   * with a scale each, in E4M3.
   *
   * @param x [columns]
   * @param power whether scales are powers of two
   */
  static float[] rounded(float[] x, int block, boolean power) {
    float[] y = new float[x.length];
    for (int from = 0; from < x.length; from += block) {
      int to = Math.min(x.length, from + block);
      double amax = LEAST_AMAX;
      for (int i = from; i < to; i++) {
        amax = Math.max(amax, Math.abs(x[i])); // NaN stays NaN
      }
      double scale = (float) (amax / MOST_E4M3);
      if (power) {
        double up = Math.scalb(1.0, Math.getExponent(scale));
        scale = up < scale ? 2 * up : up;
      }
      for (int i = from; i < to; i++) {
        y[i] = (float) (nearestE4m3((float) (x[i] / scale)) * scale);
      }
    }
    return y;
  }

  /** The nearest number with 3 bits behind the point, or a multiple of 2^-9; of two, the even. */
  private static double nearestE4m3(double x) {
    double step = Math.scalb(1.0, Math.max(Math.getExponent(x), -6) - 3);
    double nearest = Math.min(MOST_E4M3, Math.rint(Math.abs(x) / step) * step);
    return Math.copySign(nearest, x);
  }
}
