package orrery.kernels;

import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.I;
import static orrery.kernels.VectorKernels.LANES;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.ActivationRounding;

/**
 * The vector loops of {@link Kernels#roundActivations}. They round to E4M3 without a table:
 *
 * <pre>
 *   |v| ≥ 2⁻⁶   the bits of v, plus half of the last of 3 fraction bits (ties to even), cut off
 *   |v| &lt; 2⁻⁶   |v| + 2¹⁴ - 2¹⁴: a float near 2¹⁴ is a multiple of 2⁻⁹, the step of subnormal codes
 * </pre>
 */
final class RoundingLoops {
  private static final int MAGNITUDE = 0x7FFF_FFFF; // all bits but the sign
  private static final int CUT = 20; // fraction bits of a float that E4M3 lacks
  private static final int BELOW_HALF = (1 << CUT - 1) - 1;
  private static final int LEAST_NORMAL = Float.floatToIntBits(0x1p-6f);
  private static final int LARGEST = Float.floatToIntBits(Fp8E4M3.MAX);
  private static final float STEP = 0x1p14f;

  private RoundingLoops() {}

  /** See {@link Kernels#roundActivations}. */
  static void round(ActivationRounding rounding, float[] x, int xOff, int n, float[] y, int yOff) {
    int block = Math.min(rounding.block(), n);
    for (int from = 0; from < n; from += block) {
      int width = Math.min(block, n - from);
      float s = rounding.scale(largest(x, xOff + from, width));
      if (s < Float.POSITIVE_INFINITY) {
        block(x, xOff + from, width, s, y, yOff + from);
      } else { // a NaN or an infinity takes its whole block with it
        Arrays.fill(y, yOff + from, yOff + from + width, Float.NaN);
      }
    }
  }

  /**
   * The largest |x|, or NaN: magnitudes order like their bits, and those of NaN are the largest.
   */
  private static float largest(float[] x, int xOff, int n) {
    IntVector most = IntVector.zero(I);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      most = most.max(FloatVector.fromArray(F, x, xOff + i).reinterpretAsInts().and(MAGNITUDE));
    }
    int bits = most.reduceLanes(MAX);
    for (; i < n; i++) {
      bits = Math.max(bits, Float.floatToRawIntBits(x[xOff + i]) & MAGNITUDE);
    }
    return Float.intBitsToFloat(bits);
  }

  private static void block(float[] x, int xOff, int n, float s, float[] y, int yOff) {
    FloatVector scale = FloatVector.broadcast(F, s);
    int i = 0;
    for (; i + LANES <= n; i += LANES) {
      IntVector bits = FloatVector.fromArray(F, x, xOff + i).div(scale).reinterpretAsInts();
      IntVector a = bits.and(MAGNITUDE);
      IntVector odd = a.lanewise(LSHR, CUT).and(1);
      IntVector normal = a.add(BELOW_HALF).add(odd).and(-1 << CUT).min(LARGEST);
      IntVector small = a.reinterpretAsFloats().add(STEP).sub(STEP).reinterpretAsInts();
      normal
          .blend(small, a.compare(LT, LEAST_NORMAL))
          .or(bits.and(~MAGNITUDE))
          .reinterpretAsFloats()
          .mul(scale)
          .intoArray(y, yOff + i);
    }
    for (; i < n; i++) {
      y[yOff + i] = Fp8E4M3.decode(Fp8E4M3.encode(x[xOff + i] / s)) * s;
    }
  }
}
