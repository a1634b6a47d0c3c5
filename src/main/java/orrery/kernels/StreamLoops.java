package orrery.kernels;

import static orrery.kernels.VectorKernels.F;
import static orrery.kernels.VectorKernels.LANES;

import jdk.incubator.vector.FloatVector;

/** The vector loop that mixes the streams of a token; columns lie in the lanes. */
final class StreamLoops {
  /** Columns that are copied before they are overwritten; they stay in the nearest cache. */
  static final int BLOCK = 64;

  private StreamLoops() {}

  /**
   * See {@link Kernels#mixStreams}.
   *
   * @param old [n][BLOCK] scratch
   */
  static void mix(
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
      float[] old) {
    for (int block = from; block < to; block += BLOCK) {
      int width = Math.min(BLOCK, to - block);
      for (int j = 0; j < n; j++) {
        System.arraycopy(x, xOff + j * d + block, old, j * BLOCK, width);
      }
      for (int k = 0; k < n; k++) {
        int xAt = xOff + k * d + block;
        float own = post[postOff + k];
        int c = 0;
        for (; c + LANES <= width; c += LANES) {
          FloatVector mixed = FloatVector.fromArray(F, a, aOff + block + c).mul(own);
          for (int j = 0; j < n; j++) {
            mixed =
                FloatVector.fromArray(F, old, j * BLOCK + c)
                    .fma(FloatVector.broadcast(F, comb[combOff + j * n + k]), mixed);
          }
          mixed.intoArray(x, xAt + c);
        }
        for (; c < width; c++) {
          float mixed = own * a[aOff + block + c];
          for (int j = 0; j < n; j++) {
            mixed = Math.fma(comb[combOff + j * n + k], old[j * BLOCK + c], mixed);
          }
          x[xAt + c] = mixed;
        }
      }
    }
  }
}
