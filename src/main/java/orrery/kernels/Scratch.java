package orrery.kernels;

import orrery.numerics.Sum16;

/**
 * Working memory of one thread for kernels, grown on demand and then reused: after the first call
 * of a shape, kernels allocate nothing.
 */
public final class Scratch {
  /** Partial sums of one reduction, [16]. */
  final float[] partial = new float[Sum16.PARTIALS];

  /** Where 16 gathered keys lie, [16]. */
  final int[] slotIndex = new int[16];

  private float[] sums = new float[0]; // [group] softmax denominators
  private float[] panels = new float[0]; // [n] decoded weight panels
  private float[] scores = new float[0]; // [n] attention scores, then probabilities

  float[] sums(int n) {
    if (sums.length < n) {
      sums = new float[n];
    }
    return sums;
  }

  float[] panels(int n) {
    if (panels.length < n) {
      panels = new float[n];
    }
    return panels;
  }

  float[] scores(int n) {
    if (scores.length < n) {
      scores =
          new float
              [Math.max(
                  16,
                  2
                      * Integer.highestOneBit(
                          n))]; // powers of two: a growing context allocates rarely
    }
    return scores;
  }
}
