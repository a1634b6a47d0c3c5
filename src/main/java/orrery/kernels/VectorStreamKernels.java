package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/** Columns of the streams lie in the lanes. */
final class VectorStreamKernels implements StreamKernels {
  /** Columns that are copied before they are overwritten; they stay in the nearest cache. */
  private static final int BLOCK = 256;

  @Override
  public void mix(
      float[] a,
      int aOff,
      float[] post,
      int postOff,
      float[] comb,
      int combOff,
      float[] x,
      int xOff,
      int n,
      int d,
      int from,
      int to,
      Scratch scratch) {
    float[] old = scratch.streams(n * BLOCK); // [n][BLOCK]
    for (int block = from; block < to; block += BLOCK) {
      int width = Math.min(BLOCK, to - block);
      for (int j = 0; j < n; j++) {
        System.arraycopy(x, xOff + j * d + block, old, j * BLOCK, width);
      }
      for (int k = 0; k < n; k++) {
        int xAt = xOff + k * d + block;
        scale(post[postOff + k], a, aOff + block, x, xAt, width);
        int j = 0;
        for (; j + 4 <= n; j += 4) {
          addFour(comb, combOff + j * n + k, n, old, j * BLOCK, x, xAt, width);
        }
        for (; j < n; j++) {
          addOne(comb[combOff + j * n + k], old, j * BLOCK, x, xAt, width);
        }
      }
    }
  }

  private static void scale(float by, float[] a, int aOff, float[] x, int xOff, int width) {
    int c = 0;
    for (; c + LANES <= width; c += LANES) {
      FloatVector.fromArray(F, a, aOff + c).mul(by).intoArray(x, xOff + c);
    }
    for (; c < width; c++) {
      x[xOff + c] = by * a[aOff + c];
    }
  }

  /** Four links of the chain at once, so that x is read and written once for all of them. */
  private static void addFour(
      float[] comb, int at, int n, float[] old, int oldOff, float[] x, int xOff, int width) {
    float w0 = comb[at];
    float w1 = comb[at + n];
    float w2 = comb[at + 2 * n];
    float w3 = comb[at + 3 * n];
    FloatVector v0 = FloatVector.broadcast(F, w0);
    FloatVector v1 = FloatVector.broadcast(F, w1);
    FloatVector v2 = FloatVector.broadcast(F, w2);
    FloatVector v3 = FloatVector.broadcast(F, w3);
    int c = 0;
    for (; c + LANES <= width; c += LANES) {
      FloatVector mixed = FloatVector.fromArray(F, x, xOff + c);
      mixed = v0.fma(FloatVector.fromArray(F, old, oldOff + c), mixed);
      mixed = v1.fma(FloatVector.fromArray(F, old, oldOff + BLOCK + c), mixed);
      mixed = v2.fma(FloatVector.fromArray(F, old, oldOff + 2 * BLOCK + c), mixed);
      mixed = v3.fma(FloatVector.fromArray(F, old, oldOff + 3 * BLOCK + c), mixed);
      mixed.intoArray(x, xOff + c);
    }
    for (; c < width; c++) {
      float mixed = Math.fma(w0, old[oldOff + c], x[xOff + c]);
      mixed = Math.fma(w1, old[oldOff + BLOCK + c], mixed);
      mixed = Math.fma(w2, old[oldOff + 2 * BLOCK + c], mixed);
      x[xOff + c] = Math.fma(w3, old[oldOff + 3 * BLOCK + c], mixed);
    }
  }

  private static void addOne(
      float weight, float[] old, int oldOff, float[] x, int xOff, int width) {
    FloatVector w = FloatVector.broadcast(F, weight);
    int c = 0;
    for (; c + LANES <= width; c += LANES) {
      w.fma(FloatVector.fromArray(F, old, oldOff + c), FloatVector.fromArray(F, x, xOff + c))
          .intoArray(x, xOff + c);
    }
    for (; c < width; c++) {
      x[xOff + c] = Math.fma(weight, old[oldOff + c], x[xOff + c]);
    }
  }
}
