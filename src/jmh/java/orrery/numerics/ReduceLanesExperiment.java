package orrery.numerics;

import static jdk.incubator.vector.VectorOperators.ADD;

import java.util.Random;
import jdk.incubator.vector.FloatVector;

/**
 * Shows why main code may not use {@code FloatVector.reduceLanes(ADD)}. It sums the same floats
 * cold and after the JIT has compiled the sum, at three widths, beside {@link Sum16}.
 *
 * <p>{@code mvn -q test-compile exec:exec@experiment
 * -Dexperiment=orrery.numerics.ReduceLanesExperiment}; an argument is the seed of the floats.
 */
public final class ReduceLanesExperiment {
  private static final int N = 1024;
  private static final int ROUNDS = 20_000;
  private static final int TRIALS = 1_000;

  /** One way to sum n floats. */
  private interface Sum {
    float of(float[] x);
  }

  private record Way(String name, Sum sum) {}

  private ReduceLanesExperiment() {}

  private static float lanes512(float[] x) {
    FloatVector a = FloatVector.zero(FloatVector.SPECIES_512);
    for (int i = 0; i < x.length; i += 16) {
      a = a.add(FloatVector.fromArray(FloatVector.SPECIES_512, x, i));
    }
    return a.reduceLanes(ADD);
  }

  private static float lanes256(float[] x) {
    FloatVector a = FloatVector.zero(FloatVector.SPECIES_256);
    for (int i = 0; i < x.length; i += 8) {
      a = a.add(FloatVector.fromArray(FloatVector.SPECIES_256, x, i));
    }
    return a.reduceLanes(ADD);
  }

  private static float lanes128(float[] x) {
    FloatVector a = FloatVector.zero(FloatVector.SPECIES_128);
    for (int i = 0; i < x.length; i += 4) {
      a = a.add(FloatVector.fromArray(FloatVector.SPECIES_128, x, i));
    }
    return a.reduceLanes(ADD);
  }

  private static float fixedTree(float[] x) {
    float[] partial = new float[Sum16.PARTIALS]; // [16]
    for (int i = 0; i < x.length; i++) {
      partial[i % Sum16.PARTIALS] += x[i];
    }
    return Sum16.fold(partial);
  }

  /** The additions of {@link Sum16}, sixteen side by side. */
  private static float fixedTreeInLanes(float[] x) {
    FloatVector a = FloatVector.zero(FloatVector.SPECIES_512);
    for (int i = 0; i < x.length; i += 16) {
      a = a.add(FloatVector.fromArray(FloatVector.SPECIES_512, x, i));
    }
    float[] partial = new float[Sum16.PARTIALS]; // [16]
    a.intoArray(partial, 0);
    return Sum16.fold(partial);
  }

  public static void main(String[] args) {
    long seed = args.length > 0 ? Long.parseLong(args[0]) : 1;
    Way[] ways = {
      new Way("reduceLanes(ADD), 512 bits", ReduceLanesExperiment::lanes512),
      new Way("reduceLanes(ADD), 256 bits", ReduceLanesExperiment::lanes256),
      new Way("reduceLanes(ADD), 128 bits", ReduceLanesExperiment::lanes128),
      new Way("Sum16, scalar", ReduceLanesExperiment::fixedTree),
      new Way("Sum16, 512 bits", ReduceLanesExperiment::fixedTreeInLanes),
    };
    float[][] inputs = inputs(seed);
    float[][] cold = new float[ways.length][TRIALS]; // [way][trial]
    for (int w = 0; w < ways.length; w++) {
      // So few calls all run in the interpreter.
      for (int t = 0; t < 20; t++) {
        cold[w][t] = ways[w].sum.of(inputs[t]);
      }
    }
    float[][] warm = new float[ways.length][TRIALS]; // [way][trial]
    for (int w = 0; w < ways.length; w++) {
      for (int r = 0; r < ROUNDS; r++) {
        warm[w][r % TRIALS] = ways[w].sum.of(inputs[r % TRIALS]);
      }
    }
    System.out.printf(
        "seed %d: sums of %d floats; first of %d trials shown, cold in 20, warm in all%n%n",
        seed, N, TRIALS);
    System.out.printf(
        "  %-28s %-10s %-10s %16s %20s%n", "", "cold", "warm", "cold != warm", "warm != Sum16");
    for (int w = 0; w < ways.length; w++) {
      System.out.printf(
          "  %-28s %08x   %08x   %10d of 20 %12d of %d%n",
          ways[w].name,
          Float.floatToIntBits(cold[w][0]),
          Float.floatToIntBits(warm[w][0]),
          differ(cold[w], warm[w], 20),
          differ(warm[w], warm[3], TRIALS),
          TRIALS);
    }
  }

  private static int differ(float[] a, float[] b, int n) {
    int count = 0;
    for (int i = 0; i < n; i++) {
      count += Float.floatToIntBits(a[i]) == Float.floatToIntBits(b[i]) ? 0 : 1;
    }
    return count;
  }

  private static float[][] inputs(long seed) {
    Random random = new Random(seed);
    float[][] inputs = new float[TRIALS][N]; // [trial][n]
    for (float[] x : inputs) {
      for (int i = 0; i < N; i++) {
        x[i] = (float) random.nextGaussian();
      }
    }
    return inputs;
  }
}
