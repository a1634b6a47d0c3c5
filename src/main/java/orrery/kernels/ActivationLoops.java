package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;
import static orrery.numerics.Elementary.L0;
import static orrery.numerics.Elementary.L1;
import static orrery.numerics.Elementary.L2;
import static orrery.numerics.Elementary.L3;

import jdk.incubator.vector.FloatVector;
import orrery.numerics.Elementary;

/** The vector loops of activations that take more than one pass over a row. */
final class ActivationLoops {
  private ActivationLoops() {}

  /** See {@link Kernels#clampedSwiglu}. */
  static void clampedSwiglu(
      float[] gate, int gateOff, float[] up, int upOff, float limit, float[] y, int yOff, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, gate, gateOff + i).min(limit).intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = Math.min(gate[gateOff + i], limit);
    }
    VectorKernels.exp(-1f, y, yOff, 0f, y, yOff, n);
    for (i = 0; i + LANES <= n; i += LANES) {
      FloatVector g = FloatVector.fromArray(F, gate, gateOff + i).min(limit);
      FloatVector u = FloatVector.fromArray(F, up, upOff + i).min(limit).max(-limit);
      g.div(FloatVector.fromArray(F, y, yOff + i).add(1f)).mul(u).intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      float g = Math.min(gate[gateOff + i], limit);
      y[yOff + i] = g / (1f + y[yOff + i]) * Math.max(-limit, Math.min(up[upOff + i], limit));
    }
  }

  /**
   * See {@link Kernels#sqrtSoftplus}: the operations of {@link Elementary#softplus} in the lanes.
   *
   * @param e [n] scratch
   */
  static void sqrtSoftplus(float[] x, int xOff, float[] y, int yOff, int n, float[] e) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, x, xOff + i).abs().intoArray(e, i);
    }
    for (; i < n; i++) {
      e[i] = Math.abs(x[xOff + i]);
    }
    VectorKernels.exp(-1f, e, 0, 0f, e, 0, n);
    for (i = 0; i + LANES <= n; i += LANES) {
      FloatVector t = FloatVector.fromArray(F, e, i);
      FloatVector s = t.div(t.add(2f));
      FloatVector z = s.mul(s);
      FloatVector l = FloatVector.broadcast(F, L3).fma(z, FloatVector.broadcast(F, L2));
      l = l.fma(z, FloatVector.broadcast(F, L1));
      l = l.fma(z, FloatVector.broadcast(F, L0));
      FloatVector log = s.neg().fma(z.neg().fma(l, t), t);
      FloatVector.fromArray(F, x, xOff + i).max(0f).add(log).sqrt().intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = (float) Math.sqrt(Math.max(x[xOff + i], 0f) + Elementary.log1p(e[i]));
    }
  }
}
