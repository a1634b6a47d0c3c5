package orrery.kernels;

import java.util.Random;

/** Inputs of the benchmarks. */
final class Floats {
  private Floats() {}

  static float[] random(long seed, int n) {
    Random random = new Random(seed);
    float[] x = new float[n]; // [n]
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }
}
