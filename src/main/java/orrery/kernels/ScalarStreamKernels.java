package orrery.kernels;

/** The definition: one plain loop. */
final class ScalarStreamKernels implements StreamKernels {
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
    float[] old = scratch.streams(n); // [n] one column of the streams
    for (int c = from; c < to; c++) {
      for (int j = 0; j < n; j++) {
        old[j] = x[xOff + j * d + c];
      }
      for (int k = 0; k < n; k++) {
        float mixed = post[postOff + k] * a[aOff + c];
        for (int j = 0; j < n; j++) {
          mixed = Math.fma(comb[combOff + j * n + k], old[j], mixed);
        }
        x[xOff + k * d + c] = mixed;
      }
    }
  }
}
