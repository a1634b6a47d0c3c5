package orrery.kernels;

import static orrery.numerics.Sum16.PARTIALS;

import java.util.Arrays;
import orrery.numerics.Elementary;
import orrery.numerics.Sum16;

/** The definition of every kernel of latent attention: one plain loop each. */
final class ScalarLatentKernels implements LatentKernels {
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
    float[] p = scratch.scores(n); // [n] scores, then weights
    for (int h = 0; h < heads; h++) {
      int head = h * headDim;
      float max = sink[sinkOff + h];
      for (int i = 0; i < n; i++) {
        p[i] = dot(q, qOff + head, i < nearRows ? near : far, rows[i], headDim) * scale;
        max = Math.max(max, p[i]);
      }
      float[] partial = scratch.partial;
      Arrays.fill(partial, 0);
      for (int i = 0; i < n; i++) {
        p[i] = Elementary.exp(p[i] - max);
        partial[i % PARTIALS] += p[i];
      }
      float sum = Sum16.fold(partial) + Elementary.exp(sink[sinkOff + h] - max);
      for (int d = 0; d < headDim; d++) {
        float mixed = 0;
        for (int i = 0; i < n; i++) {
          mixed = Math.fma(p[i], (i < nearRows ? near : far)[rows[i] + d], mixed);
        }
        out[outOff + head + d] = mixed / sum;
      }
    }
  }

  private static float dot(float[] x, int xOff, float[] y, int yOff, int n) {
    float sum = 0;
    for (int d = 0; d < n; d++) {
      sum = Math.fma(x[xOff + d], y[yOff + d], sum);
    }
    return sum;
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
    compressChannels(state, rows, n, gate, 0, channels, out, outOff);
  }

  /** The channels from {@code from} on; {@link VectorLatentKernels} leaves it the last ones. */
  static void compressChannels(
      float[] state, int[] rows, int n, int gate, int from, int channels, float[] out, int outOff) {
    for (int c = from; c < channels; c++) {
      float max = Float.NEGATIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        max = Math.max(max, state[rows[i] + gate + c]);
      }
      float sum = 0;
      float mixed = 0;
      for (int i = 0; i < n; i++) {
        float e = Elementary.exp(state[rows[i] + gate + c] - max);
        sum += e;
        mixed = Math.fma(e, state[rows[i] + c], mixed);
      }
      out[outOff + c] = mixed / sum;
    }
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
    float[] partial = scratch.partial;
    for (int i = 0; i < n; i++) {
      Arrays.fill(partial, 0);
      for (int h = 0; h < heads; h++) {
        float match = Math.max(0f, dot(q, qOff + h * headDim, keys, rows[i], headDim));
        float weight = weights[weightsOff + h] * scale;
        partial[h % PARTIALS] = Math.fma(weight, match, partial[h % PARTIALS]);
      }
      scores[scoresOff + i] = Sum16.fold(partial);
    }
  }
}
