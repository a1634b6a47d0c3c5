package orrery.kernels;

/** Scalar for now. */
final class VectorLatentKernels implements LatentKernels {
  private final LatentKernels scalar = new ScalarLatentKernels();

  @Override
  public void unitNorm(
      float[] x, int xOff, float eps, int n, float[] y, int yOff, Scratch scratch) {
    scalar.unitNorm(x, xOff, eps, n, y, yOff, scratch);
  }

  @Override
  public void attend(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float scale,
      float[] sink,
      int sinkOff,
      float[] near,
      float[] far,
      int[] rows,
      int nearRows,
      int n,
      float[] out,
      int outOff,
      Scratch scratch) {
    scalar.attend(
        q, qOff, heads, headDim, scale, sink, sinkOff, near, far, rows, nearRows, n, out, outOff,
        scratch);
  }

  @Override
  public void compress(
      float[] state,
      int[] rows,
      int n,
      int gate,
      int channels,
      float[] out,
      int outOff,
      Scratch scratch) {
    scalar.compress(state, rows, n, gate, channels, out, outOff, scratch);
  }

  @Override
  public void indexScores(
      float[] q,
      int qOff,
      int heads,
      int headDim,
      float[] weights,
      int weightsOff,
      float scale,
      float[] keys,
      int[] rows,
      int n,
      float[] scores,
      int scoresOff,
      Scratch scratch) {
    scalar.indexScores(
        q,
        qOff,
        heads,
        headDim,
        weights,
        weightsOff,
        scale,
        keys,
        rows,
        n,
        scores,
        scoresOff,
        scratch);
  }
}
