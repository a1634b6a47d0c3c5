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
      CachedRows near,
      CachedRows far,
      int[] rows,
      int nearRows,
      int n,
      float[] out,
      int outOff,
      Scratch scratch) {
    float[] p = scratch.scores(heads * n); // [heads][n] scores, then weights
    float[] row = scratch.decoded(headDim); // [headDim]
    for (int i = 0; i < n; i++) {
      (i < nearRows ? near : far).read(rows[i], row, 0);
      for (int h = 0; h < heads; h++) {
        p[h * n + i] = dot(q, qOff + h * headDim, row, headDim) * scale;
      }
    }
    float[] sums = scratch.sums(heads); // [heads]
    for (int h = 0; h < heads; h++) {
      sums[h] = softmax(p, h * n, n, sink[sinkOff + h], scratch.partial);
    }
    Arrays.fill(out, outOff, outOff + heads * headDim, 0);
    for (int i = 0; i < n; i++) {
      (i < nearRows ? near : far).read(rows[i], row, 0);
      for (int h = 0; h < heads; h++) {
        for (int d = 0; d < headDim; d++) {
          int at = outOff + h * headDim + d;
          out[at] = Math.fma(p[h * n + i], row[d], out[at]);
        }
      }
    }
    for (int j = 0; j < heads * headDim; j++) {
      out[outOff + j] /= sums[j / headDim];
    }
  }

  /** p[i] = exp(p[i] - max) for n scores from {@code at} on; returns their sum, with the sink's. */
  private static float softmax(float[] p, int at, int n, float sink, float[] partial) {
    float max = sink;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, p[at + i]);
    }
    Arrays.fill(partial, 0);
    for (int i = 0; i < n; i++) {
      p[at + i] = Elementary.exp(p[at + i] - max);
      partial[i % PARTIALS] += p[at + i];
    }
    return Sum16.fold(partial) + Elementary.exp(sink - max);
  }

  private static float dot(float[] x, int xOff, float[] y, int n) {
    float sum = 0;
    for (int d = 0; d < n; d++) {
      sum = Math.fma(x[xOff + d], y[d], sum);
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
      CachedRows keys,
      int[] rows,
      int n,
      float[] scores,
      int scoresOff,
      Scratch scratch) {
    float[] partial = scratch.partial;
    float[] key = scratch.decoded(headDim); // [headDim]
    for (int i = 0; i < n; i++) {
      keys.read(rows[i], key, 0);
      Arrays.fill(partial, 0);
      for (int h = 0; h < heads; h++) {
        float match = Math.max(0f, dot(q, qOff + h * headDim, key, headDim));
        float weight = weights[weightsOff + h] * scale;
        partial[h % PARTIALS] = Math.fma(weight, match, partial[h % PARTIALS]);
      }
      scores[scoresOff + i] = Sum16.fold(partial);
    }
  }
}
