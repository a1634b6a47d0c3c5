package orrery;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import orrery.checkpoint.JsonConfig;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.numerics.Elementary;

/**
 * DeepSeek-V4 in plain loops: the oracle of its tests, as {@link Naive} is for the classic model.
 * It computes all tokens again for every token, and shares no code with the engine but numerics and
 * checkpoints.
 *
 * <p>A state is float[mix*hidden] for each token: the streams of the residual, one after the other.
 * A weight is float[out][in].
 */
public final class NaiveV4 implements Oracle {
  private final NaiveV4Config c;
  private final NaiveV4Weights w;
  private final NaiveV4Attention attention;

  public NaiveV4(Path model) {
    this(model, true, KvDtype.F32, ActivationDtype.F32);
  }

  /**
   * @param sinks whether the sinks take part in the softmax
   * @param dtype of the rows that a cache would give back
   * @param activations what products with quantised weights multiply
   */
  public NaiveV4(Path model, boolean sinks, KvDtype dtype, ActivationDtype activations) {
    c = NaiveV4Config.read(JsonConfig.read(model.resolve("config.json")));
    w = new NaiveV4Weights(model, c.eps(), activations);
    attention = new NaiveV4Attention(c, w, sinks, dtype);
  }

  @Override
  public float[][][] streams(int[] ids) {
    float[][][] streams = new float[c.layers() + 1][][];
    float[][] embedding = w.matrix("embed.weight", c.vocab(), c.hidden());
    streams[0] = new float[ids.length][c.mix() * c.hidden()];
    for (int t = 0; t < ids.length; t++) {
      for (int i = 0; i < streams[0][t].length; i++) {
        streams[0][t][i] = embedding[ids[t]][i % c.hidden()];
      }
    }
    for (int l = 0; l < c.layers(); l++) {
      streams[l + 1] = block("layers." + l + ".", l, streams[l], ids);
    }
    return streams;
  }

  /** The streams after the last layer. */
  @Override
  public float[][] states(int[] ids) {
    return streams(ids)[c.layers()];
  }

  @Override
  public float[][] logits(int[] ids) {
    return head("", states(ids));
  }

  @Override
  public float[][] mtpLogits(int[] ids) {
    int rows = ids.length - 1;
    int[] next = Arrays.copyOfRange(ids, 1, ids.length);
    return mtpHead(mtpStates(Arrays.copyOf(states(ids), rows), next));
  }

  /**
   * What the MTP layer hands over, [rows][mix*hidden]. Row p is at RoPE position p.
   *
   * @param states [rows][mix*hidden] of the main model, or of this layer in a chain
   * @param next [rows] the token behind each row
   */
  public float[][] mtpStates(float[][] states, int[] next) {
    int d = c.hidden();
    float[][] embedding = w.matrix("embed.weight", c.vocab(), d);
    float[][] e = Arrays.stream(next).mapToObj(id -> embedding[id]).toArray(float[][]::new);
    float[][] fromToken = w.product("mtp.0.e_proj.weight", d, d, w.norm(e, "mtp.0.enorm"));
    float[][] x = new float[next.length][c.mix() * d];
    for (int j = 0; j < c.mix(); j++) {
      float[][] stream = NaiveV4Weights.columns(states, j * d, d);
      float[][] fromState = w.product("mtp.0.h_proj.weight", d, d, w.norm(stream, "mtp.0.hnorm"));
      for (int p = 0; p < x.length; p++) {
        for (int i = 0; i < d; i++) {
          x[p][j * d + i] = fromToken[p][i] + fromState[p][i];
        }
      }
    }
    return block("mtp.0.", c.layers(), x, next);
  }

  /** Logits of MTP states, [rows][vocab]. */
  public float[][] mtpHead(float[][] mtpStates) {
    return head("mtp.0.", mtpStates);
  }

  private float[][] head(String p, float[][] x) {
    int n = c.mix();
    float[][] m = mixes(p + "hc_head_", x, n);
    float scale = w.vector(p + "hc_head_scale", 1)[0];
    float[] base = w.vector(p + "hc_head_base", n);
    float[][] y = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      y[t] = collapse(x[t], before(m[t], scale, base));
    }
    return w.product("head.weight", c.vocab(), c.hidden(), w.norm(y, p + "norm"));
  }

  private float[][] block(String p, int layer, float[][] x, int[] ids) {
    float[][] y = site(p, "attn", x, h -> attention.run(p + "attn.", layer, h));
    return site(p, "ffn", y, h -> mixture(p + "ffn.", layer, h, ids));
  }

  /** Streams to one vector, a sublayer, and back: new stream k = post[k]·f + Σ comb[j][k]·x[j]. */
  private float[][] site(String p, String name, float[][] x, UnaryOperator<float[][]> sublayer) {
    int n = c.mix();
    int d = c.hidden();
    String site = p + "hc_" + name + "_";
    float[][] m = mixes(site, x, (2 + n) * n);
    float[] scale = w.vector(site + "scale", 3);
    float[] base = w.vector(site + "base", (2 + n) * n);
    float[][] y = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      y[t] = collapse(x[t], before(m[t], scale[0], base));
    }
    float[][] f = sublayer.apply(w.norm(y, p + name + "_norm"));
    float[][] next = new float[x.length][n * d];
    for (int t = 0; t < x.length; t++) {
      float[][] comb = doublyStochastic(m[t], scale[2], base);
      for (int k = 0; k < n; k++) {
        float post = 2 * Elementary.sigmoid(m[t][n + k] * scale[1] + base[n + k]);
        for (int i = 0; i < d; i++) {
          float sum = post * f[t][i];
          for (int j = 0; j < n; j++) {
            sum = Math.fma(comb[j][k], x[t][j * d + i], sum);
          }
          next[t][k * d + i] = sum;
        }
      }
    }
    return next;
  }

  /** Projections of the normed streams, [tokens][out]. */
  private float[][] mixes(String p, float[][] x, int out) {
    float[][] m = w.product(p + "fn", out, c.mix() * c.hidden(), x);
    for (int t = 0; t < x.length; t++) {
      float r = w.inverseRms(x[t]);
      for (int i = 0; i < out; i++) {
        m[t][i] = m[t][i] * r;
      }
    }
    return m;
  }

  private float[] before(float[] m, float scale, float[] base) {
    float[] pre = new float[c.mix()];
    for (int j = 0; j < pre.length; j++) {
      pre[j] = Elementary.sigmoid(m[j] * scale + base[j]) + c.mixEps();
    }
    return pre;
  }

  private float[] collapse(float[] x, float[] pre) {
    float[] y = new float[c.hidden()];
    for (int i = 0; i < y.length; i++) {
      for (int j = 0; j < pre.length; j++) {
        y[i] = Math.fma(pre[j], x[j * y.length + i], y[i]);
      }
    }
    return y;
  }

  /** comb[j][k], rows and columns of sum 1 (Sinkhorn). */
  private float[][] doublyStochastic(float[] m, float scale, float[] base) {
    int n = c.mix();
    float[][] a = new float[n][n];
    for (int j = 0; j < n; j++) {
      float max = Float.NEGATIVE_INFINITY;
      for (int k = 0; k < n; k++) {
        int i = 2 * n + j * n + k;
        a[j][k] = m[i] * scale + base[i];
        max = Math.max(max, a[j][k]);
      }
      float sum = 0;
      for (int k = 0; k < n; k++) {
        a[j][k] = Elementary.exp(a[j][k] - max);
        sum += a[j][k];
      }
      for (int k = 0; k < n; k++) {
        a[j][k] = a[j][k] / sum + c.mixEps();
      }
    }
    divideColumns(a);
    for (int i = 1; i < c.mixIterations(); i++) {
      for (float[] row : a) {
        float sum = 0;
        for (float v : row) {
          sum += v;
        }
        for (int k = 0; k < n; k++) {
          row[k] /= sum + c.mixEps();
        }
      }
      divideColumns(a);
    }
    return a;
  }

  private void divideColumns(float[][] a) {
    for (int k = 0; k < a.length; k++) {
      float sum = 0;
      for (float[] row : a) {
        sum += row[k];
      }
      for (float[] row : a) {
        row[k] /= sum + c.mixEps();
      }
    }
  }

  private float[][] mixture(String p, int layer, float[][] h, int[] ids) {
    float[][] score = w.product(p + "gate.weight", c.experts(), c.hidden(), h);
    float[][] shared = feedForward(p + "shared_experts.", h);
    float[][] y = new float[h.length][c.hidden()];
    for (int t = 0; t < h.length; t++) {
      for (int e = 0; e < c.experts(); e++) {
        score[t][e] = (float) Math.sqrt(Elementary.softplus(score[t][e]));
      }
      int[] chosen = c.hashed()[layer] ? w.row(p + "gate.tid2eid", c, ids[t]) : best(p, score[t]);
      Arrays.sort(chosen);
      float sum = 0;
      for (int e : chosen) {
        sum += score[t][e];
      }
      for (int e : chosen) {
        float weight = score[t][e] / (sum + 1e-20f) * c.routedScale();
        float[] out = feedForward(p + "experts." + e + ".", new float[][] {h[t]})[0];
        for (int i = 0; i < out.length; i++) {
          y[t][i] = Math.fma(weight, out[i], y[t][i]);
        }
      }
    }
    return Naive.add(y, shared);
  }

  private int[] best(String p, float[] score) {
    float[] biased =
        Naive.add(new float[][] {score}, new float[][] {w.vector(p + "gate.bias", c.experts())})[0];
    return Naive.largest(biased, c.topK());
  }

  private float[][] feedForward(String p, float[][] h) {
    float[][] gate = w.product(p + "w1.weight", c.intermediate(), c.hidden(), h);
    float[][] up = w.product(p + "w3.weight", c.intermediate(), c.hidden(), h);
    float limit = c.limit() > 0 ? c.limit() : Float.POSITIVE_INFINITY;
    for (int t = 0; t < h.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        float g = Math.min(gate[t][i], limit);
        float u = Math.max(-limit, Math.min(up[t][i], limit));
        gate[t][i] = Elementary.silu(g) * u;
      }
    }
    return w.product(p + "w2.weight", c.hidden(), c.intermediate(), gate);
  }
}
