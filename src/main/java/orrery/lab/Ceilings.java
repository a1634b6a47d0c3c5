package orrery.lab;

import static jdk.incubator.vector.VectorOperators.OR;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;
import orrery.kernels.VectorKernels;

/**
 * The limits of this machine, measured in the same JVM and at the same vector width: multiply-adds
 * that never touch memory, and reads that compute next to nothing.
 */
final class Ceilings {
  private static final VectorSpecies<Float> F =
      VectorSpecies.of(float.class, VectorShape.forBitSize(VectorKernels.bits()));
  private static final VectorSpecies<Integer> I = F.withLanes(int.class);
  private static final int LANES = F.length();

  /** Independent sums of {@link #fma}: two pipes times a latency of 4 need 8, some cores more. */
  static final int CHAINS = 12;

  /** Floats that {@link #fma} starts from: two factors and its chains. */
  static final int FMA_FLOATS = (2 + CHAINS) * 16;

  private Ceilings() {}

  /** Floating-point operations of {@link #fma}. */
  static double fmaFlops(int steps) {
    return 2.0 * steps * CHAINS * LANES;
  }

  /**
   * Steps of {@link #CHAINS} independent multiply-adds, all in registers.
   *
   * @param x [14][16] factors and starting values, all different, so that the compiler cannot merge
   *     two chains
   * @param sink [16] receives the sum, so that the compiler cannot leave the work out
   */
  static void fma(float[] x, float[] sink, int steps) {
    FloatVector u = FloatVector.fromArray(F, x, 0);
    FloatVector v = FloatVector.fromArray(F, x, 16);
    FloatVector a0 = FloatVector.fromArray(F, x, 32);
    FloatVector a1 = FloatVector.fromArray(F, x, 48);
    FloatVector a2 = FloatVector.fromArray(F, x, 64);
    FloatVector a3 = FloatVector.fromArray(F, x, 80);
    FloatVector a4 = FloatVector.fromArray(F, x, 96);
    FloatVector a5 = FloatVector.fromArray(F, x, 112);
    FloatVector a6 = FloatVector.fromArray(F, x, 128);
    FloatVector a7 = FloatVector.fromArray(F, x, 144);
    FloatVector a8 = FloatVector.fromArray(F, x, 160);
    FloatVector a9 = FloatVector.fromArray(F, x, 176);
    FloatVector a10 = FloatVector.fromArray(F, x, 192);
    FloatVector a11 = FloatVector.fromArray(F, x, 208);
    for (int i = 0; i < steps; i++) {
      a0 = u.fma(v, a0);
      a1 = u.fma(v, a1);
      a2 = u.fma(v, a2);
      a3 = u.fma(v, a3);
      a4 = u.fma(v, a4);
      a5 = u.fma(v, a5);
      a6 = u.fma(v, a6);
      a7 = u.fma(v, a7);
      a8 = u.fma(v, a8);
      a9 = u.fma(v, a9);
      a10 = u.fma(v, a10);
      a11 = u.fma(v, a11);
    }
    a0.add(a1)
        .add(a2.add(a3))
        .add(a4.add(a5).add(a6.add(a7)))
        .add(a8.add(a9).add(a10.add(a11)))
        .intoArray(sink, 0);
  }

  /**
   * Reads ints [from, to) as one stream, in whole blocks of 128.
   *
   * @param sink [16] receives the OR of all ints, so that the compiler cannot leave a read out
   */
  static void readOneStream(int[] x, int from, int to, int[] sink) {
    IntVector a0 = IntVector.zero(I);
    IntVector a1 = a0;
    IntVector a2 = a0;
    IntVector a3 = a0;
    for (int i = from; i + 4 * LANES <= to; i += 4 * LANES) {
      a0 = a0.lanewise(OR, IntVector.fromArray(I, x, i));
      a1 = a1.lanewise(OR, IntVector.fromArray(I, x, i + LANES));
      a2 = a2.lanewise(OR, IntVector.fromArray(I, x, i + 2 * LANES));
      a3 = a3.lanewise(OR, IntVector.fromArray(I, x, i + 3 * LANES));
    }
    a0.lanewise(OR, a1).lanewise(OR, a2.lanewise(OR, a3)).intoArray(sink, 0);
  }

  /** Reads ints [from, to) as eight streams side by side; some memories like that better. */
  static void readEightStreams(int[] x, int from, int to, int[] sink) {
    int part = (to - from) / 8;
    IntVector a0 = IntVector.zero(I);
    IntVector a1 = a0;
    IntVector a2 = a0;
    IntVector a3 = a0;
    for (int i = from; i + LANES <= from + part; i += LANES) {
      a0 = a0.lanewise(OR, IntVector.fromArray(I, x, i));
      a1 = a1.lanewise(OR, IntVector.fromArray(I, x, i + part));
      a2 = a2.lanewise(OR, IntVector.fromArray(I, x, i + 2 * part));
      a3 = a3.lanewise(OR, IntVector.fromArray(I, x, i + 3 * part));
      a0 = a0.lanewise(OR, IntVector.fromArray(I, x, i + 4 * part));
      a1 = a1.lanewise(OR, IntVector.fromArray(I, x, i + 5 * part));
      a2 = a2.lanewise(OR, IntVector.fromArray(I, x, i + 6 * part));
      a3 = a3.lanewise(OR, IntVector.fromArray(I, x, i + 7 * part));
    }
    a0.lanewise(OR, a1).lanewise(OR, a2.lanewise(OR, a3)).intoArray(sink, 0);
  }
}
