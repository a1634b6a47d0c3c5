package orrery.madeup;

import static orrery.madeup.MadeUp.EPS;
import static orrery.madeup.MadeUp.HIDDEN;

import java.util.Arrays;
import orrery.numerics.Sum16;

/**
 * A made-up model in plain loops: no cache, no batch. For every token it computes all tokens before
 * that token again. It shares with the model that the engine runs only the numbers of the weights.
 */
public final class NaiveMadeUp {
  private final MadeUp m;

  public NaiveMadeUp(MadeUp m) {
    this.m = m;
  }

  /** Logits of every position, [tokens][vocab]. */
  public float[][] logits(int[] ids) {
    float[][] x =
        Arrays.stream(ids).mapToObj(id -> m.embedding[id].clone()).toArray(float[][]::new);
    MadeUp.Layers l = m.layers;
    int group = l.group();
    if (l.whole()) {
      float[][] rows = rows(m.whole, x);
      for (int t = 0; t < x.length; t++) {
        add(sum(rows, 0, t), x[t]);
      }
    }
    float[][] rows = rows(m.window, x);
    for (int t = 0; t < x.length; t++) {
      add(sum(rows, Math.max(0, t - l.window() + 1), t), x[t]);
    }
    rows = rows(m.state, x);
    float[][] entries = new float[x.length / group][]; // [complete groups][HIDDEN]
    for (int g = 0; g < entries.length; g++) {
      entries[g] = sum(rows, Math.max(0, (g - 1) * group), (g + 1) * group - 1);
    }
    for (int t = 0; t < x.length; t++) {
      int complete = (t + 1) / group;
      int groupBefore = Math.max(0, (t / group - 1) * group);
      add(l.compressed() ? sum(entries, 0, complete - 1) : sum(rows, groupBefore, t), x[t]);
    }
    if (l.heavy() > 0) {
      heavy(x);
    }
    return rows(m.head, x);
  }

  private void heavy(float[][] x) {
    int group = m.layers.heavy();
    float[][] rows = rows(m.heavy, x);
    float[][] entries = new float[x.length / group][]; // [complete groups][HIDDEN]
    for (int g = 0; g < entries.length; g++) {
      entries[g] = sum(rows, g * group, (g + 1) * group - 1);
    }
    for (int t = 0; t < x.length; t++) {
      add(sum(entries, 0, (t + 1) / group - 1), x[t]);
    }
  }

  private static float[][] rows(float[][] w, float[][] x) {
    return Arrays.stream(x).map(state -> product(w, norm(state))).toArray(float[][]::new);
  }

  /** The rows from {@code first} to {@code last}; the last one weighs 1, those before 1/2, 1/3 … */
  private static float[] sum(float[][] rows, int first, int last) {
    float[] y = new float[HIDDEN];
    for (int s = first; s <= last; s++) {
      for (int i = 0; i < HIDDEN; i++) {
        y[i] = Math.fma(1f / (1 + last - s), rows[s][i], y[i]);
      }
    }
    return y;
  }

  private static void add(float[] x, float[] y) {
    for (int i = 0; i < HIDDEN; i++) {
      y[i] += x[i];
    }
  }

  private static float[] product(float[][] w, float[] x) {
    float[] y = new float[w.length];
    for (int o = 0; o < w.length; o++) {
      for (int k = 0; k < HIDDEN; k++) {
        y[o] = Math.fma(w[o][k], x[k], y[o]);
      }
    }
    return y;
  }

  private static float[] norm(float[] x) {
    float[] partial = new float[16];
    for (int i = 0; i < HIDDEN; i++) {
      partial[i % 16] = Math.fma(x[i], x[i], partial[i % 16]);
    }
    float r = 1f / (float) Math.sqrt(Sum16.fold(partial) / HIDDEN + EPS);
    float[] y = new float[HIDDEN];
    for (int i = 0; i < HIDDEN; i++) {
      y[i] = x[i] * r;
    }
    return y;
  }
}
