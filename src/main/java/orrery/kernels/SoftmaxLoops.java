package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.XOR;
import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;
import static orrery.numerics.Elementary.EXP_MIN;
import static orrery.numerics.Elementary.LN2_HIGH;
import static orrery.numerics.Elementary.LN2_LOW;
import static orrery.numerics.Elementary.LOG2E;
import static orrery.numerics.Elementary.P0;
import static orrery.numerics.Elementary.P1;
import static orrery.numerics.Elementary.P2;
import static orrery.numerics.Elementary.P3;
import static orrery.numerics.Elementary.P4;
import static orrery.numerics.Elementary.P5;
import static orrery.numerics.Elementary.ROUND;
import static orrery.numerics.Elementary.ROUND_BITS;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.numerics.Elementary;

/** The loops of a softmax: one pass finds the maximum, one pass gives all e and their sum. */
final class SoftmaxLoops {
  private static final int LEAST = key(Float.floatToRawIntBits(Float.NEGATIVE_INFINITY));

  private SoftmaxLoops() {}

  /**
   * y[i] = exp(x[i] − max); returns the sum of all y, where y[i] goes to partial i mod 16. x may be
   * y.
   */
  static float expSum(float[] x, int xOff, float max, float[] y, int yOff, int n, float[] partial) {
    int whole = n / PANEL * PANEL;
    expPartials(x, xOff, max, y, yOff, whole, partial);
    for (int i = whole; i < n; i++) {
      y[yOff + i] = Elementary.exp(x[xOff + i] - max);
      partial[i - whole] += y[yOff + i];
    }
    return Fold.sum(partial);
  }

  /**
   * The maximum, in the order of whole numbers. (The maximum of float vectors looks for NaN and −0
   * in each step, and takes longer than an exp.) A NaN in the lanes may be lost: then its own e is
   * NaN, and so is the sum, and every quotient.
   */
  static float max(float[] x, int xOff, int n) {
    IntVector best = IntVector.broadcast(I, LEAST);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      IntVector bits = FloatVector.fromArray(F, x, xOff + i).reinterpretAsInts();
      best = best.max(bits.lanewise(XOR, bits.lanewise(ASHR, 31).lanewise(LSHR, 1)));
    }
    float max = Float.intBitsToFloat(key(best.reduceLanes(MAX))); // any order gives this maximum
    for (; i < n; i++) {
      max = Math.max(max, x[xOff + i]);
    }
    return max;
  }

  /** A whole number that is larger where the float is larger; the key of a key is the float. */
  private static int key(int bits) {
    return bits ^ bits >> 31 >>> 1;
  }

  /**
   * The operations of {@link Elementary#exp} where nothing is above 0, so nothing is too large.
   *
   * @param n a multiple of 16
   */
  private static void expPartials(
      float[] x, int xOff, float max, float[] y, int yOff, int n, float[] partial) {
    for (int sub = 0; sub < PANEL; sub += LANES) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = sub; i < n; i += PANEL) {
        FloatVector v = FloatVector.fromArray(F, x, xOff + i).sub(max);
        FloatVector c = v.blend(EXP_MIN, v.compare(LT, EXP_MIN));
        FloatVector t = c.fma(FloatVector.broadcast(F, LOG2E), FloatVector.broadcast(F, ROUND));
        IntVector power = t.reinterpretAsInts().sub(ROUND_BITS);
        FloatVector nf = t.sub(ROUND);
        FloatVector r = nf.fma(FloatVector.broadcast(F, -LN2_HIGH), c);
        r = nf.fma(FloatVector.broadcast(F, -LN2_LOW), r);
        FloatVector p = FloatVector.broadcast(F, P0).fma(r, FloatVector.broadcast(F, P1));
        p = p.fma(r, FloatVector.broadcast(F, P2));
        p = p.fma(r, FloatVector.broadcast(F, P3));
        p = p.fma(r, FloatVector.broadcast(F, P4));
        p = p.fma(r, FloatVector.broadcast(F, P5));
        p = p.fma(r.mul(r), r).add(1f);
        IntVector a = power.lanewise(ASHR, 1);
        IntVector b = power.sub(a);
        FloatVector e =
            p.mul(a.add(127).lanewise(LSHL, 23).reinterpretAsFloats())
                .mul(b.add(127).lanewise(LSHL, 23).reinterpretAsFloats());
        e.intoArray(y, yOff + i);
        sum = sum.add(e);
      }
      sum.intoArray(partial, sub);
    }
  }
}
