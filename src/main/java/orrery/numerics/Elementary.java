package orrery.numerics;

/**
 * The elementary functions of a transformer, one polynomial each.
 *
 * <p>Library functions ({@code Math.exp}, {@code VectorOperators.EXP}) differ between interpreter,
 * compilers and vector widths. The functions here do not: every step is one IEEE-754 operation
 * (fma, add, mul, div). The scalar form below is the definition. The vector form in {@code
 * orrery.kernels.VectorKernels} performs the same operations lane by lane and gives the same bits.
 *
 * <p>Range reduction and the degree-6 polynomial follow the single-precision {@code expf} of the
 * Cephes library (S. L. Moshier); the coefficients are its minimax coefficients on [−ln2/2, ln2/2].
 */
public final class Elementary {
  /** log2(e), and ln 2 split so that n · LN2_HIGH is exact for every n that occurs. */
  public static final float LOG2E = 1.44269504f;

  public static final float LN2_HIGH = 0.693145752f;
  public static final float LN2_LOW = 1.42860677e-6f;

  /**
   * 1.5 · 2^23. Adding it rounds to the nearest integer, which is then in the low mantissa bits.
   */
  public static final float ROUND = 12582912f;

  /** The bits of {@link #ROUND}. */
  public static final int ROUND_BITS = 0x4B400000;

  /**
   * Below −104, e^x rounds to 0; above 89 it is infinite. So clamping x there changes no result.
   */
  public static final float EXP_MIN = -104f;

  public static final float EXP_MAX = 89f;

  public static final float P0 = 1.9875691500e-4f;
  public static final float P1 = 1.3981999507e-3f;
  public static final float P2 = 8.3334519073e-3f;
  public static final float P3 = 4.1665795894e-2f;
  public static final float P4 = 1.6666665459e-1f;
  public static final float P5 = 5.0000001201e-1f;

  /** ln(1 + t) = t − s·(t − s²·L(s²)) with s = t / (2 + t): the coefficients of L. */
  public static final float L0 = 0.66666413f;

  public static final float L1 = 0.40021700f;
  public static final float L2 = 0.27999130f;
  public static final float L3 = 0.28024520f;

  private Elementary() {}

  /**
   * e^x, within 1.01 ULP of the exact value for normal results, monotone; NaN stays NaN, −∞ gives
   * 0, +∞ gives +∞.
   */
  public static float exp(float x) {
    float c = x < EXP_MIN ? EXP_MIN : x; // NaN fails both comparisons and passes through
    c = c > EXP_MAX ? EXP_MAX : c;
    // x = n·ln2 + r with |r| ≤ ln2/2
    float t = Math.fma(c, LOG2E, ROUND);
    int n = Float.floatToRawIntBits(t) - ROUND_BITS;
    float nf = t - ROUND;
    float r = Math.fma(nf, -LN2_HIGH, c);
    r = Math.fma(nf, -LN2_LOW, r);
    // e^r = 1 + r + r²·P(r)
    float p = P0;
    p = Math.fma(p, r, P1);
    p = Math.fma(p, r, P2);
    p = Math.fma(p, r, P3);
    p = Math.fma(p, r, P4);
    p = Math.fma(p, r, P5);
    p = Math.fma(p, r * r, r) + 1f;
    // 2^n as two factors, so that subnormal and near-overflow results round once
    int a = n >> 1;
    int b = n - a;
    return p * Float.intBitsToFloat((a + 127) << 23) * Float.intBitsToFloat((b + 127) << 23);
  }

  /** 1 / (1 + e^−x), within 2.5 ULP for normal results. */
  public static float sigmoid(float x) {
    return 1f / (1f + exp(-x));
  }

  /**
   * x · sigmoid(x) as x / (1 + e^−x), the activation of SwiGLU, within 2.5 ULP for normal results.
   */
  public static float silu(float x) {
    return x / (1f + exp(-x));
  }

  /**
   * ln(1 + e^x) as max(x, 0) + ln(1 + e^−|x|), within 1.9 ULP for normal results; NaN stays NaN, −∞
   * gives 0, +∞ gives +∞.
   */
  public static float softplus(float x) {
    return Math.max(x, 0f) + log1p(exp(-Math.abs(x)));
  }

  /**
   * ln(1 + t) for 0 ≤ t ≤ 1, within 1.1 ULP; NaN stays NaN.
   *
   * <p>With s = t / (2 + t) it is 2·artanh(s), an odd series in s. In the form below the largest
   * term is t itself, which has no rounding error (as in {@code log1p} of FreeBSD's msun, after K.
   * C. Ng). The polynomial L is the minimax one for 0 ≤ s² ≤ 1/9.
   */
  public static float log1p(float t) {
    float s = t / (2f + t);
    float z = s * s;
    float l = L3;
    l = Math.fma(l, z, L2);
    l = Math.fma(l, z, L1);
    l = Math.fma(l, z, L0);
    return Math.fma(-s, Math.fma(-z, l, t), t);
  }
}
