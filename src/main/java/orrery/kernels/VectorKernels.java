package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.numerics.Elementary.EXP_MAX;
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
import jdk.incubator.vector.VectorSpecies;
import orrery.numerics.Elementary;
import orrery.quantization.ActivationRounding;

/**
 * The kernels with the Panama Vector API: the bits of {@link ScalarKernels}, at the speed of the
 * machine.
 *
 * <p>One source serves 512, 256 and 128 bits: a loop outside the inner one walks the 16 outputs of
 * a panel in {@code 16 / LANES} sub-panels. The width is the machine's own, or {@code
 * -Dorrery.vector.bits}.
 *
 * <p>Rules that keep C2 from boxing vectors (20 times slower): no method of ours returns a vector,
 * no array of vectors, no species passed around; species are static final.
 */
public final class VectorKernels implements Kernels {
  static final VectorSpecies<Float> F = species(Integer.getInteger("orrery.vector.bits", 0));
  static final VectorSpecies<Integer> I = F.withLanes(int.class);
  static final VectorSpecies<Short> S = F.withLanes(short.class);
  static final VectorSpecies<Byte> BYTES = F.withLanes(byte.class);
  static final int LANES = F.length();

  private final LatentKernels latent = new VectorLatentKernels();
  private final StreamKernels streams = new VectorStreamKernels();

  private static VectorSpecies<Float> species(int bits) {
    return switch (bits) {
      case 0 ->
          FloatVector.SPECIES_PREFERRED.length() >= 16
              ? FloatVector.SPECIES_512
              : FloatVector.SPECIES_PREFERRED.length() >= 8
                  ? FloatVector.SPECIES_256
                  : FloatVector.SPECIES_128;
      case 128 -> FloatVector.SPECIES_128;
      case 256 -> FloatVector.SPECIES_256;
      case 512 -> FloatVector.SPECIES_512;
      default ->
          throw new IllegalArgumentException(
              "orrery.vector.bits: expected 128, 256 or 512, found " + bits);
    };
  }

  /** Vector width in bits. */
  public static int bits() {
    return F.vectorBitSize();
  }

  @Override
  public String name() {
    return "vector-" + bits();
  }

  @Override
  public LatentKernels latent() {
    return latent;
  }

  @Override
  public StreamKernels streams() {
    return streams;
  }

  @Override
  public void matmul(
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
      Scratch scratch) {
    w.product(x, xOff, xStride, rows, y, yOff, yStride, panelFrom, panelTo, scratch);
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xOff,
      float[] weight,
      int weightOff,
      float eps,
      int n,
      float[] y,
      int yOff,
      Scratch scratch) {
    float r = inverseRms(x, xOff, eps, n, scratch);
    FloatVector scale = FloatVector.broadcast(F, r);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, x, xOff + i)
          .mul(scale)
          .mul(FloatVector.fromArray(F, weight, weightOff + i))
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = x[xOff + i] * r * weight[weightOff + i];
    }
  }

  @Override
  public float inverseRms(float[] x, int xOff, float eps, int n, Scratch scratch) {
    float[] partial = scratch.partial;
    int whole = n / PANEL * PANEL;
    for (int sub = 0; sub < PANEL; sub += LANES) {
      FloatVector sum = FloatVector.zero(F);
      for (int i = sub; i < whole; i += PANEL) {
        FloatVector v = FloatVector.fromArray(F, x, xOff + i);
        sum = v.fma(v, sum);
      }
      sum.intoArray(partial, sub);
    }
    for (int i = whole; i < n; i++) {
      partial[i - whole] = Math.fma(x[xOff + i], x[xOff + i], partial[i - whole]);
    }
    return 1f / (float) Math.sqrt(Fold.sum(partial) / n + eps);
  }

  @Override
  public void rope(
      float[] x, int xOff, float[] cos, float[] sin, int tableOff, int pairs, boolean interleaved) {
    int i = 0;
    if (!interleaved) {
      for (; i + LANES <= pairs; i += LANES) {
        FloatVector a = FloatVector.fromArray(F, x, xOff + i);
        FloatVector b = FloatVector.fromArray(F, x, xOff + pairs + i);
        FloatVector c = FloatVector.fromArray(F, cos, tableOff + i);
        FloatVector s = FloatVector.fromArray(F, sin, tableOff + i);
        a.fma(c, b.mul(s).neg()).intoArray(x, xOff + i);
        b.fma(c, a.mul(s)).intoArray(x, xOff + pairs + i);
      }
    }
    ScalarKernels.ropePairs(x, xOff, cos, sin, tableOff, i, pairs, interleaved);
  }

  @Override
  public void swiglu(float[] gate, int gateOff, float[] up, int upOff, float[] y, int yOff, int n) {
    exp(-1f, gate, gateOff, 0f, y, yOff, n);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector g = FloatVector.fromArray(F, gate, gateOff + i);
      FloatVector e = FloatVector.fromArray(F, y, yOff + i);
      g.div(e.add(1f)).mul(FloatVector.fromArray(F, up, upOff + i)).intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = gate[gateOff + i] / (1f + y[yOff + i]) * up[upOff + i];
    }
  }

  @Override
  public void clampedSwiglu(
      float[] gate, int gateOff, float[] up, int upOff, float limit, float[] y, int yOff, int n) {
    ActivationLoops.clampedSwiglu(gate, gateOff, up, upOff, limit, y, yOff, n);
  }

  @Override
  public void sqrtSoftplus(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch) {
    ActivationLoops.sqrtSoftplus(x, xOff, y, yOff, n, scratch.exps(n));
  }

  @Override
  public void roundActivations(
      ActivationRounding rounding, float[] x, int xOff, int n, float[] y, int yOff) {
    RoundingLoops.round(rounding, x, xOff, n, y, yOff);
  }

  @Override
  public void sigmoid(float[] x, int xOff, float[] y, int yOff, int n) {
    exp(-1f, x, xOff, 0f, y, yOff, n);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.broadcast(F, 1f)
          .div(FloatVector.fromArray(F, y, yOff + i).add(1f))
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = 1f / (1f + y[yOff + i]);
    }
  }

  /** y[i] = exp(sign · x[i] − shift), the operations of {@link Elementary#exp}; sign is 1 or −1. */
  static void exp(float sign, float[] x, int xOff, float shift, float[] y, int yOff, int n) {
    FloatVector signs = FloatVector.broadcast(F, sign);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector v = FloatVector.fromArray(F, x, xOff + i).mul(signs).sub(shift);
      FloatVector c = v.blend(EXP_MIN, v.compare(LT, EXP_MIN));
      c = c.blend(EXP_MAX, c.compare(GT, EXP_MAX));
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
      p.mul(a.add(127).lanewise(LSHL, 23).reinterpretAsFloats())
          .mul(b.add(127).lanewise(LSHL, 23).reinterpretAsFloats())
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = Elementary.exp(sign * x[xOff + i] - shift);
    }
  }

  @Override
  public void add(float[] x, int xOff, float[] y, int yOff, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, y, yOff + i)
          .add(FloatVector.fromArray(F, x, xOff + i))
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] += x[xOff + i];
    }
  }

  @Override
  public void addScaled(float a, float[] x, int xOff, float[] y, int yOff, int n) {
    FloatVector scale = FloatVector.broadcast(F, a);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      scale
          .fma(FloatVector.fromArray(F, x, xOff + i), FloatVector.fromArray(F, y, yOff + i))
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = Math.fma(a, x[xOff + i], y[yOff + i]);
    }
  }

  @Override
  public void softmax(float[] x, int xOff, float[] y, int yOff, int n, Scratch scratch) {
    float sum =
        SoftmaxLoops.expSum(x, xOff, SoftmaxLoops.max(x, xOff, n), y, yOff, n, scratch.partial);
    divide(y, yOff, sum, y, yOff, n);
  }

  static void divide(float[] x, int xOff, float by, float[] y, int yOff, int n) {
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      FloatVector.fromArray(F, x, xOff + i).div(by).intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = x[xOff + i] / by;
    }
  }

  @Override
  public void attend(
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
      Scratch scratch) {
    VectorAttention.attend(
        shape, q, qOff, qStride, rows, keys, values, pages, first, last, kvFrom, kvTo, out, outOff,
        outStride, scratch);
  }
}
