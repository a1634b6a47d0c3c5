package orrery;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import orrery.checkpoint.JsonConfig;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.model.classic.ClassicConfig;
import orrery.numerics.Elementary;
import orrery.numerics.Sum16;

/**
 * A transformer in plain loops: no cache, no batch, no vectors, no threads. For every token it
 * computes all tokens before that token again. It is the oracle of the tests: the engine must
 * always give these logits, to the bit. It is also chapter 0 of the docs.
 *
 * <p>A state is float[hidden] for each token; a weight is float[out][in].
 */
public final class Naive implements Oracle {
  private final NaiveTensors w;
  private final ClassicConfig c;
  private final KvDtype dtype; // of the keys and values that a cache would give back

  public Naive(Path model) {
    this(model, KvDtype.F32, ActivationDtype.F32);
  }

  /**
   * @param dtype of the keys and values that a cache would give back
   * @param activations what products with quantised weights multiply
   */
  public Naive(Path model, KvDtype dtype, ActivationDtype activations) {
    this.dtype = dtype;
    w = new NaiveTensors(model, activations);
    c = ClassicConfig.read(JsonConfig.read(model.resolve("config.json")));
  }

  /** States of all tokens after the embedding and after every layer, [layers+1][tokens][hidden]. */
  @Override
  public float[][][] streams(int[] ids) {
    float[][][] streams = new float[c.layers() + 1][][];
    float[][] embedding = w.matrix(embedding(), c.vocab(), c.hidden());
    streams[0] = Arrays.stream(ids).mapToObj(id -> embedding[id]).toArray(float[][]::new);
    for (int l = 0; l < c.layers(); l++) {
      streams[l + 1] = layer("model.layers." + l + ".", l, streams[l]);
    }
    return streams;
  }

  /** Hidden states after the final norm, [tokens][hidden]. */
  @Override
  public float[][] states(int[] ids) {
    return norm(streams(ids)[c.layers()], w.vector("model.norm.weight", c.hidden()));
  }

  /** Logits of every position, [tokens][vocab]. */
  @Override
  public float[][] logits(int[] ids) {
    return w.product(head(), c.vocab(), c.hidden(), states(ids));
  }

  /**
   * A tied checkpoint may have only the embedding or only the head; if it has both, each is used.
   */
  private String embedding() {
    String name = "model.embed_tokens.weight";
    return c.tied() && !w.has(name) ? "lm_head.weight" : name;
  }

  private String head() {
    return w.has("lm_head.weight") ? "lm_head.weight" : embedding();
  }

  /** MTP logits, [tokens-1][vocab]: row p pairs hidden state p with token p+1 and predicts p+2. */
  @Override
  public float[][] mtpLogits(int[] ids) {
    String p = "model.layers." + c.layers() + ".";
    String own = p + "embed_tokens.weight";
    String head = p + "shared_head.head.weight";
    float[][] embedding = w.matrix(w.has(own) ? own : embedding(), c.vocab(), c.hidden());
    float[][] e = Arrays.stream(ids).skip(1).mapToObj(id -> embedding[id]).toArray(float[][]::new);
    float[][] states = Arrays.copyOf(states(ids), ids.length - 1);
    float[][] pair = new float[ids.length - 1][]; // [tokens-1][2*hidden]
    float[][] normedE = norm(e, w.vector(p + "enorm.weight", c.hidden()));
    float[][] normedH = norm(states, w.vector(p + "hnorm.weight", c.hidden()));
    for (int t = 0; t < pair.length; t++) {
      pair[t] = Arrays.copyOf(normedE[t], 2 * c.hidden());
      System.arraycopy(normedH[t], 0, pair[t], c.hidden(), c.hidden());
    }
    float[][] x = w.product(p + "eh_proj.weight", c.hidden(), 2 * c.hidden(), pair);
    x = layer(p, c.layers(), x);
    x = norm(x, w.vector(p + "shared_head.norm.weight", c.hidden()));
    return w.product(w.has(head) ? head : head(), c.vocab(), c.hidden(), x);
  }

  private float[][] layer(String p, int index, float[][] x) {
    float[][] h = norm(x, w.vector(p + "input_layernorm.weight", c.hidden()));
    float[][] y = add(x, attention(p + "self_attn.", h));
    h = norm(y, w.vector(p + "post_attention_layernorm.weight", c.hidden()));
    boolean dense = index < c.denseLayers();
    return add(y, dense ? feedForward(p + "mlp.", c.intermediate(), h) : mixture(p + "mlp.", h));
  }

  private float[][] attention(String p, float[][] h) {
    float[][] q = heads(p, "q", h, c.heads(), true);
    int d = c.headDim();
    float[][] k = NaiveRows.stored(dtype, heads(p, "k", h, c.kvHeads(), true), d, 0);
    float[][] v = NaiveRows.stored(dtype, heads(p, "v", h, c.kvHeads(), false), d, 0);
    float scale = (float) (1 / Math.sqrt(d));
    float[][] mixed = new float[h.length][c.heads() * d];
    for (int t = 0; t < h.length; t++) {
      for (int head = 0; head < c.heads(); head++) {
        int kv = head / (c.heads() / c.kvHeads()) * d;
        float[] weight = new float[t + 1];
        float max = Float.NEGATIVE_INFINITY;
        for (int s = 0; s <= t; s++) {
          float dot = 0;
          for (int i = 0; i < d; i++) {
            dot = Math.fma(q[t][head * d + i], k[s][kv + i], dot);
          }
          weight[s] = dot * scale;
          max = Math.max(max, weight[s]);
        }
        float[] partial = new float[16];
        for (int s = 0; s <= t; s++) {
          weight[s] = Elementary.exp(weight[s] - max);
          partial[s % 16] += weight[s];
        }
        float sum = Sum16.fold(partial);
        for (int i = 0; i < d; i++) {
          float mix = 0;
          for (int s = 0; s <= t; s++) {
            mix = Math.fma(weight[s], v[s][kv + i], mix);
          }
          mixed[t][head * d + i] = mix / sum;
        }
      }
    }
    return w.product(p + "o_proj.weight", c.hidden(), c.heads() * d, mixed);
  }

  /**
   * Projects to heads; then adds the bias, norms each head and rotates, each only if the config
   * says so.
   */
  private float[][] heads(String p, String name, float[][] h, int heads, boolean positioned) {
    int d = c.headDim();
    float[][] x = w.product(p + name + "_proj.weight", heads * d, c.hidden(), h);
    if (c.attentionBias()) {
      float[] bias = w.vector(p + name + "_proj.bias", heads * d);
      for (float[] row : x) {
        for (int i = 0; i < row.length; i++) {
          row[i] += bias[i];
        }
      }
    }
    for (int t = 0; positioned && t < x.length; t++) {
      for (int head = 0; head < heads; head++) {
        float[] one = Arrays.copyOfRange(x[t], head * d, (head + 1) * d);
        if (c.qkNorm()) {
          one = norm(new float[][] {one}, w.vector(p + name + "_norm.weight", d))[0];
        }
        rotate(one, t);
        System.arraycopy(one, 0, x[t], head * d, d);
      }
    }
    return x;
  }

  private void rotate(float[] head, int position) {
    int pairs = (c.rotaryDim() + 1) / 2;
    for (int i = 0; i < pairs; i++) {
      float exponent = (float) (2 * i) / c.rotaryDim();
      float angle = position * (1f / (float) StrictMath.pow(c.ropeTheta(), exponent));
      float cos = (float) StrictMath.cos(angle);
      float sin = (float) StrictMath.sin(angle);
      float a = head[i];
      float b = head[i + pairs];
      head[i] = Math.fma(a, cos, -(b * sin));
      head[i + pairs] = Math.fma(b, cos, a * sin);
    }
  }

  private float[][] mixture(String p, float[][] h) {
    var r = c.router();
    float[][] y = feedForward(p + "shared_experts.", c.expertIntermediate() * c.sharedExperts(), h);
    float[][] logits = w.product(p + "gate.weight", r.experts(), c.hidden(), h);
    float[] bias = w.vector(p + "gate.e_score_correction_bias", r.experts());
    for (int t = 0; t < h.length; t++) {
      float[] score = new float[r.experts()];
      float[] biased = new float[r.experts()];
      for (int e = 0; e < score.length; e++) {
        score[e] = Elementary.sigmoid(logits[t][e]);
        biased[e] = score[e] + bias[e];
      }
      int size = r.experts() / r.groups();
      float[] group = new float[r.groups()];
      for (int g = 0; g < group.length; g++) {
        int[] best =
            largest(Arrays.copyOfRange(biased, g * size, (g + 1) * size), Math.min(2, size));
        group[g] = biased[g * size + best[0]] + (size > 1 ? biased[g * size + best[1]] : 0);
      }
      int[] allowed = largest(group, r.topGroups());
      for (int e = 0; e < biased.length; e++) {
        int g = e / size;
        if (Arrays.stream(allowed).noneMatch(a -> a == g)) {
          biased[e] = Float.NEGATIVE_INFINITY;
        }
      }
      int[] ids = largest(biased, r.topK());
      Arrays.sort(ids);
      float sum = 0;
      for (int e : ids) {
        sum += score[e];
      }
      float[] routed = new float[c.hidden()];
      for (int e : ids) {
        float weight = (r.normTopK() ? score[e] / (sum + 1e-20f) : score[e]) * r.scale();
        float[] out =
            feedForward(p + "experts." + e + ".", c.expertIntermediate(), new float[][] {h[t]})[0];
        for (int i = 0; i < routed.length; i++) {
          routed[i] = Math.fma(weight, out[i], routed[i]);
        }
      }
      y[t] = add(new float[][] {routed}, new float[][] {y[t]})[0];
    }
    return y;
  }

  private float[][] feedForward(String p, int intermediate, float[][] h) {
    float[][] gate = w.product(p + "gate_proj.weight", intermediate, c.hidden(), h);
    float[][] up = w.product(p + "up_proj.weight", intermediate, c.hidden(), h);
    for (int t = 0; t < h.length; t++) {
      for (int i = 0; i < intermediate; i++) {
        gate[t][i] = Elementary.silu(gate[t][i]) * up[t][i];
      }
    }
    return w.product(p + "down_proj.weight", c.hidden(), intermediate, gate);
  }

  static float[][] product(float[][] w, float[][] x) {
    float[][] y = new float[x.length][w.length];
    for (int t = 0; t < x.length; t++) {
      for (int o = 0; o < w.length; o++) {
        for (int k = 0; k < w[o].length; k++) {
          y[t][o] = Math.fma(w[o][k], x[t][k], y[t][o]);
        }
      }
    }
    return y;
  }

  private float[][] norm(float[][] x, float[] weight) {
    float[][] y = new float[x.length][weight.length];
    for (int t = 0; t < x.length; t++) {
      float[] partial = new float[16];
      for (int i = 0; i < weight.length; i++) {
        partial[i % 16] = Math.fma(x[t][i], x[t][i], partial[i % 16]);
      }
      float r = 1f / (float) Math.sqrt(Sum16.fold(partial) / weight.length + c.normEps());
      for (int i = 0; i < weight.length; i++) {
        y[t][i] = x[t][i] * r * weight[i];
      }
    }
    return y;
  }

  static float[][] add(float[][] x, float[][] y) {
    float[][] sum = new float[x.length][];
    for (int t = 0; t < x.length; t++) {
      sum[t] = x[t].clone();
      for (int i = 0; i < sum[t].length; i++) {
        sum[t][i] += y[t][i];
      }
    }
    return sum;
  }

  /** Indices of the n largest, best first, ties to the lower index. */
  static int[] largest(float[] x, int n) {
    return IntStream.range(0, x.length)
        .boxed()
        .sorted((a, b) -> x[a] != x[b] ? Float.compare(x[b], x[a]) : Integer.compare(a, b))
        .limit(n)
        .mapToInt(i -> i)
        .toArray();
  }
}
