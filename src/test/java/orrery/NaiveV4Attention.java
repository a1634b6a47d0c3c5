package orrery;

import java.util.Arrays;
import java.util.stream.IntStream;
import orrery.kv.KvDtype;
import orrery.numerics.Elementary;
import orrery.numerics.Sum16;

/**
 * Attention of DeepSeek-V4 in plain loops: a window of the newest tokens, compressed entries, and a
 * sink. One vector of a token or of an entry is its key and its value for all heads.
 *
 * @param sinks whether the sinks take part in the softmax
 * @param dtype of the rows that a cache would give back
 */
record NaiveV4Attention(NaiveV4Config c, NaiveV4Weights w, boolean sinks, KvDtype dtype) {
  private static final int BLOCK = 64; // columns of a cached FP8 row that share a scale

  float[][] run(String p, int layer, float[][] h) {
    int d = c.headDim();
    int ratio = c.ratios()[layer];
    float[] turns = ratio == 0 ? c.plain() : c.scaled();
    float[][] low =
        w.norm(w.product(p + "wq_a.weight", c.queryRank(), c.hidden(), h), p + "q_norm");
    float[][] q = w.product(p + "wq_b.weight", c.heads() * d, c.queryRank(), low);
    float[][] kv = w.norm(w.product(p + "wkv.weight", d, c.hidden(), h), p + "kv_norm");
    for (int t = 0; t < kv.length; t++) {
      rotate(kv[t], t, turns, 1);
    }
    int rope = 2 * turns.length;
    kv = NaiveRows.stored(dtype, kv, BLOCK, rope);
    float[][] entries =
        ratio == 0
            ? null
            : NaiveRows.stored(dtype, entries(p + "compressor.", layer, d, h), BLOCK, rope);
    int[][] seen = ratio == 0 ? null : seen(p + "indexer.", layer, h, low);
    float[] sink = w.vector(p + "attn_sink", c.heads());
    float[][] out = new float[h.length][c.heads() * d];
    for (int t = 0; t < h.length; t++) {
      int from = Math.max(0, t - c.window() + 1);
      int near = t - from + 1;
      float[][] keys =
          Arrays.copyOf(
              Arrays.copyOfRange(kv, from, t + 1), near + (ratio == 0 ? 0 : seen[t].length));
      for (int i = near; i < keys.length; i++) {
        keys[i] = entries[seen[t][i - near]];
      }
      for (int head = 0; head < c.heads(); head++) {
        float[] one = Arrays.copyOfRange(q[t], head * d, (head + 1) * d);
        float r = w.inverseRms(one);
        for (int i = 0; i < d; i++) {
          one[i] = one[i] * r;
        }
        rotate(one, t, turns, 1);
        float[] mixed = attend(one, keys, sink[head]);
        rotate(mixed, t, turns, -1);
        System.arraycopy(mixed, 0, out[t], head * d, d);
      }
    }
    return project(p, out);
  }

  /** Attention of one head; the sink takes its part of the softmax and has no value. */
  private float[] attend(float[] q, float[][] keys, float sink) {
    float scale = (float) (1 / Math.sqrt(q.length));
    float[] weight = new float[keys.length];
    float max = sinks ? sink : Float.NEGATIVE_INFINITY;
    for (int i = 0; i < keys.length; i++) {
      weight[i] = dot(q, 0, keys[i]) * scale;
      max = Math.max(max, weight[i]);
    }
    float[] partial = new float[16];
    for (int i = 0; i < keys.length; i++) {
      weight[i] = Elementary.exp(weight[i] - max);
      partial[i % 16] += weight[i];
    }
    float sum = Sum16.fold(partial);
    if (sinks) {
      sum += Elementary.exp(sink - max);
    }
    float[] mixed = new float[q.length];
    for (int k = 0; k < mixed.length; k++) {
      for (int i = 0; i < keys.length; i++) {
        mixed[k] = Math.fma(weight[i], keys[i][k], mixed[k]);
      }
      mixed[k] /= sum;
    }
    return mixed;
  }

  private float[][] project(String p, float[][] heads) {
    int in = c.heads() * c.headDim() / c.outGroups();
    int rank = c.outRank();
    float[][] a = w.matrix(p + "wo_a.weight", c.outGroups() * rank, in);
    float[][] z = new float[heads.length][c.outGroups() * rank];
    for (int g = 0; g < c.outGroups(); g++) {
      float[][] group = Arrays.copyOfRange(a, g * rank, (g + 1) * rank);
      float[][] zg = Naive.product(group, NaiveV4Weights.columns(heads, g * in, in));
      for (int t = 0; t < z.length; t++) {
        System.arraycopy(zg[t], 0, z[t], g * rank, rank);
      }
    }
    return w.product(p + "wo_b.weight", c.hidden(), c.outGroups() * rank, z);
  }

  /**
   * Compressed entries, [tokens/ratio][dim]: for each channel a softmax over the entry's tokens.
   */
  private float[][] entries(String p, int layer, int dim, float[][] h) {
    int ratio = c.ratios()[layer];
    boolean overlap = c.overlap()[layer];
    int width = overlap ? 2 * dim : dim;
    float[][] a = w.product(p + "wkv.weight", width, c.hidden(), h);
    float[][] gate = w.product(p + "wgate.weight", width, c.hidden(), h);
    float[][] ape = w.matrix(p + "ape", ratio, width);
    for (int t = 0; t < h.length; t++) {
      for (int i = 0; i < width; i++) {
        gate[t][i] += ape[t % ratio][i];
      }
    }
    float[][] entries = new float[h.length / ratio][dim];
    for (int e = 0; e < entries.length; e++) {
      int own = e * ratio; // the tokens before are the window before, with the first channels
      int from = overlap ? Math.max(0, own - ratio) : own;
      for (int i = 0; i < dim; i++) {
        float max = Float.NEGATIVE_INFINITY;
        for (int t = from; t < own + ratio; t++) {
          max = Math.max(max, gate[t][overlap && t >= own ? dim + i : i]);
        }
        float sum = 0;
        for (int t = from; t < own + ratio; t++) {
          int channel = overlap && t >= own ? dim + i : i;
          float weight = Elementary.exp(gate[t][channel] - max);
          sum += weight;
          entries[e][i] = Math.fma(weight, a[t][channel], entries[e][i]);
        }
        entries[e][i] /= sum;
      }
    }
    entries = w.norm(entries, p + "norm");
    for (int e = 0; e < entries.length; e++) {
      rotate(entries[e], e * ratio, c.scaled(), 1);
    }
    return entries;
  }

  /** The entries that each token sees, ascending: all complete ones, or the indexer's choice. */
  private int[][] seen(String p, int layer, float[][] h, float[][] low) {
    int[][] seen = new int[h.length][];
    for (int t = 0; t < h.length; t++) {
      seen[t] = IntStream.range(0, (t + 1) / c.ratios()[layer]).toArray();
    }
    if (!c.overlap()[layer]) {
      return seen;
    }
    int n = c.indexHeads();
    int dim = c.indexDim();
    float[][] keys = NaiveRows.stored(dtype, entries(p + "compressor.", layer, dim, h), dim, 0);
    float[][] q = w.product(p + "wq_b.weight", n * dim, c.queryRank(), low);
    float[][] heads = w.product(p + "weights_proj.weight", n, c.hidden(), h);
    float scale = (float) (1 / Math.sqrt((double) dim * n));
    for (int t = 0; t < h.length; t++) {
      for (int head = 0; head < n; head++) {
        float[] one = Arrays.copyOfRange(q[t], head * dim, (head + 1) * dim);
        rotate(one, t, c.scaled(), 1);
        System.arraycopy(one, 0, q[t], head * dim, dim);
      }
      float[] score = new float[seen[t].length];
      for (int e = 0; e < score.length; e++) {
        float[] partial = new float[16];
        for (int head = 0; head < n; head++) {
          float like = Math.max(0, dot(q[t], head * dim, keys[e]));
          partial[head % 16] = Math.fma(heads[t][head] * scale, like, partial[head % 16]);
        }
        score[e] = Sum16.fold(partial);
      }
      seen[t] = Naive.largest(score, Math.min(c.indexTopK(), score.length));
      Arrays.sort(seen[t]);
    }
    return seen;
  }

  /** Turns pairs (2i, 2i+1) of the last columns by the position, forth (1) or back (-1). */
  private void rotate(float[] x, int position, float[] turns, int sign) {
    for (int i = 0; i < turns.length; i++) {
      float angle = position * turns[i];
      float cos = (float) StrictMath.cos(angle);
      float sin = sign * (float) StrictMath.sin(angle);
      int at = x.length - 2 * turns.length + 2 * i;
      float a = x[at];
      float b = x[at + 1];
      x[at] = Math.fma(a, cos, -(b * sin));
      x[at + 1] = Math.fma(b, cos, a * sin);
    }
  }

  private static float dot(float[] x, int from, float[] y) {
    float dot = 0;
    for (int i = 0; i < y.length; i++) {
      dot = Math.fma(x[from + i], y[i], dot);
    }
    return dot;
  }
}
