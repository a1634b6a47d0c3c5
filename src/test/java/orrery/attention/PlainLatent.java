package orrery.attention;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import orrery.kernels.PackedMatrix;

/**
 * Latent attention of one sequence in plain loops of doubles, without a cache: every row is
 * computed from the inputs, by the formulas of the DeepSeek-V4 report.
 */
final class PlainLatent {
  private final LatentAttention a;
  private final int window;
  private final RopeTable rope;
  private final double[][] x; // [tokens][hidden]

  PlainLatent(LatentAttention a, int window, RopeTable rope, float[][] inputs) {
    this.a = a;
    this.window = window;
    this.rope = rope;
    this.x = new double[inputs.length][inputs[0].length];
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < x[t].length; i++) {
        x[t][i] = inputs[t][i];
      }
    }
  }

  double[] output(int t) {
    double[] rank = norm(times(a.wqA(), x[t]), a.qNorm());
    double[] queries = times(a.wqB(), rank);
    double[][] candidates = candidates(t, rank);
    double[] mixed = new double[queries.length];
    for (int h = 0; h < a.heads(); h++) {
      int at = h * a.headDim();
      double[] q = norm(Arrays.copyOfRange(queries, at, at + a.headDim()), null);
      turn(q, t, 1);
      double[] o = attend(q, candidates, a.sink()[h]);
      turn(o, t, -1);
      System.arraycopy(o, 0, mixed, at, o.length);
    }
    double[] z = new double[a.woB().in];
    int in = mixed.length / a.woA().length;
    int rankOfGroup = a.woA()[0].out;
    for (int g = 0; g < a.woA().length; g++) {
      double[] part = times(a.woA()[g], Arrays.copyOfRange(mixed, g * in, (g + 1) * in));
      System.arraycopy(part, 0, z, g * rankOfGroup, rankOfGroup);
    }
    return times(a.woB(), z);
  }

  private double[][] candidates(int t, double[] rank) {
    int first = Math.max(0, t - window + 1);
    double[][] raw =
        IntStream.rangeClosed(first, t)
            .mapToObj(
                u -> {
                  double[] kv = norm(times(a.wkv(), x[u]), a.kvNorm());
                  turn(kv, u, 1);
                  return kv;
                })
            .toArray(double[][]::new);
    if (a.compressor() == null) {
      return raw;
    }
    int visible = (t + 1) / a.compressor().ratio();
    int[] entries = IntStream.range(0, visible).toArray();
    if (a.indexer() != null) {
      double[] scores = IntStream.of(entries).mapToDouble(w -> score(t, rank, w)).toArray();
      entries =
          IntStream.of(entries)
              .boxed()
              .sorted(Comparator.comparingDouble((Integer w) -> -scores[w]))
              .limit(a.indexer().topk())
              .mapToInt(w -> w)
              .toArray();
    }
    double[][] all = Arrays.copyOf(raw, raw.length + entries.length);
    for (int i = 0; i < entries.length; i++) {
      all[raw.length + i] = entry(a.compressor(), entries[i]);
    }
    return all;
  }

  private double score(int t, double[] rank, int w) {
    Indexer index = a.indexer();
    double[] queries = times(index.wqB(), rank);
    double[] weights = times(index.weightsProj(), x[t]);
    double[] key = entry(index.compressor(), w);
    double score = 0;
    for (int h = 0; h < index.heads(); h++) {
      int at = h * index.headDim();
      double[] q = Arrays.copyOfRange(queries, at, at + index.headDim());
      turn(q, t, 1);
      score += weights[h] * Math.max(0, dot(q, key));
    }
    return score / Math.sqrt(index.heads() * index.headDim());
  }

  private double[] entry(Compressor c, int w) {
    double[] entry = new double[c.headDim()];
    int first = c.overlap() ? Math.max(0, (w - 1) * c.ratio()) : w * c.ratio();
    for (int channel = 0; channel < entry.length; channel++) {
      double sum = 0;
      for (int t = first; t < (w + 1) * c.ratio(); t++) {
        int at = channel + (c.overlap() && t >= w * c.ratio() ? c.headDim() : 0);
        double gate = times(c.wgate(), x[t])[at] + c.ape()[t % c.ratio() * c.width() + at];
        sum += Math.exp(gate);
        entry[channel] += Math.exp(gate) * times(c.wkv(), x[t])[at];
      }
      entry[channel] /= sum;
    }
    double[] normed = norm(entry, c.norm());
    turn(normed, w * c.ratio(), 1);
    return normed;
  }

  private static double[] attend(double[] q, double[][] rows, double sink) {
    double[] o = new double[q.length];
    double sum = Math.exp(sink);
    for (double[] row : rows) {
      double e = Math.exp(dot(q, row) / Math.sqrt(q.length));
      sum += e;
      for (int d = 0; d < o.length; d++) {
        o[d] += e * row[d];
      }
    }
    for (int d = 0; d < o.length; d++) {
      o[d] /= sum;
    }
    return o;
  }

  private void turn(double[] v, int position, int way) {
    int tail = v.length - 2 * rope.pairs();
    for (int i = 0; i < rope.pairs(); i++) {
      double cos = rope.cos()[position * rope.pairs() + i];
      double sin = way * rope.sin()[position * rope.pairs() + i];
      double real = v[tail + 2 * i];
      double imaginary = v[tail + 2 * i + 1];
      v[tail + 2 * i] = real * cos - imaginary * sin;
      v[tail + 2 * i + 1] = real * sin + imaginary * cos;
    }
  }

  private double[] norm(double[] v, float[] weight) {
    double r = 1 / Math.sqrt(dot(v, v) / v.length + a.eps());
    double[] y = new double[v.length];
    for (int i = 0; i < y.length; i++) {
      y[i] = v[i] * r * (weight == null ? 1 : weight[i]);
    }
    return y;
  }

  private static double dot(double[] a, double[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> a[i] * b[i]).sum();
  }

  private static double[] times(PackedMatrix w, double[] v) {
    double[] y = new double[w.out];
    for (int o = 0; o < y.length; o++) {
      for (int k = 0; k < v.length; k++) {
        y[o] += w.get(o, k) * v[k];
      }
    }
    return y;
  }
}
