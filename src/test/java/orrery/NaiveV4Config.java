package orrery;

import java.util.Arrays;
import java.util.List;
import orrery.checkpoint.JsonConfig;

/**
 * The numbers of a {@code deepseek_v4} config that {@link NaiveV4} needs, read on its own: the keys
 * of DeepSeek's release, or those of transformers for the kinds of layers and for rotary positions.
 *
 * @param ratios [layers+1] tokens of a compressed entry, 0 in layers with a window only; the last
 *     one is the MTP layer's
 * @param overlap [layers+1] whether an entry also covers the window before, and an indexer selects
 * @param hashed [layers+1] whether the token selects the experts
 * @param plain [rope/2] turn of each pair from one position to the next, in layers with ratio 0
 * @param scaled [rope/2] the same for all other layers
 * @param mix streams of the residual
 */
record NaiveV4Config(
    int vocab,
    int hidden,
    int layers,
    int heads,
    int headDim,
    int rope,
    int queryRank,
    int outGroups,
    int outRank,
    int window,
    int[] ratios,
    boolean[] overlap,
    boolean[] hashed,
    float[] plain,
    float[] scaled,
    int indexHeads,
    int indexDim,
    int indexTopK,
    int experts,
    int topK,
    int intermediate,
    float routedScale,
    float limit,
    int mix,
    int mixIterations,
    float mixEps,
    float eps) {
  private static final String CSA = "compressed_sparse_attention";
  private static final String HCA = "heavily_compressed_attention";

  static NaiveV4Config read(JsonConfig c) {
    int layers = c.positiveInt("num_hidden_layers");
    int[] ratios = new int[layers + 1];
    boolean[] overlap = new boolean[layers + 1];
    List<String> kinds = c.stringsOrNone("layer_types");
    for (int l = 0; l < layers; l++) {
      if (kinds.isEmpty()) {
        ratios[l] = c.ints("compress_ratios")[l];
        overlap[l] = ratios[l] == 4;
      } else if (List.of(CSA, HCA).contains(kinds.get(l))) {
        ratios[l] = c.object("compress_rates").positiveInt(kinds.get(l));
        overlap[l] = kinds.get(l).equals(CSA);
      }
    }
    int headDim = c.positiveInt("head_dim");
    int rope =
        c.has("qk_rope_head_dim")
            ? c.positiveInt("qk_rope_head_dim")
            : (int) (headDim * rope(c, "main").number("partial_rotary_factor"));
    return new NaiveV4Config(
        c.positiveInt("vocab_size"),
        c.positiveInt("hidden_size"),
        layers,
        c.positiveInt("num_attention_heads"),
        headDim,
        rope,
        c.positiveInt("q_lora_rank"),
        c.positiveInt("o_groups"),
        c.positiveInt("o_lora_rank"),
        c.positiveInt("sliding_window"),
        ratios,
        overlap,
        hashed(c, layers),
        turns(rope, rope(c, "main").numberOr("rope_theta", c.numberOr("rope_theta", 10_000))),
        scaledTurns(c, rope),
        c.positiveInt("index_n_heads"),
        c.positiveInt("index_head_dim"),
        c.positiveInt("index_topk"),
        c.positiveInt("n_routed_experts"),
        c.positiveInt("num_experts_per_tok"),
        c.positiveInt("moe_intermediate_size"),
        (float) c.number("routed_scaling_factor"),
        (float) c.number("swiglu_limit"),
        c.positiveInt("hc_mult"),
        c.positiveInt("hc_sinkhorn_iters"),
        (float) c.number("hc_eps"),
        (float) c.number("rms_norm_eps"));
  }

  private static boolean[] hashed(JsonConfig c, int layers) {
    boolean[] hashed = new boolean[layers + 1];
    List<String> kinds = c.stringsOrNone("mlp_layer_types");
    for (int l = 0; l < layers; l++) {
      hashed[l] =
          kinds.isEmpty()
              ? l < c.nonNegativeInt("num_hash_layers")
              : kinds.get(l).equals("hash_moe");
    }
    return hashed;
  }

  /** The rotary fields of one kind of layer: in an object of their own, or at top level. */
  private static JsonConfig rope(JsonConfig c, String kind) {
    return c.optionalObject("rope_parameters").flatMap(r -> r.optionalObject(kind)).orElse(c);
  }

  private static float[] turns(int rope, double theta) {
    float[] turns = new float[rope / 2];
    for (int i = 0; i < turns.length; i++) {
      turns[i] = 1f / (float) StrictMath.pow(theta, (float) (2 * i) / rope);
    }
    return turns;
  }

  /** YaRN: slow pairs turn slower by the factor, fast ones do not, those between go over. */
  private static float[] scaledTurns(JsonConfig c, int rope) {
    JsonConfig yarn = c;
    if (rope(c, "compress") != c) {
      yarn = rope(c, "compress");
    } else if (c.has("rope_scaling")) {
      yarn = c.object("rope_scaling");
    } else if (c.has("rope_parameters")) {
      yarn = c.object("rope_parameters");
    }
    double theta = // transformers repeats it at top level, and does not read it there
        rope(c, "compress") == c
            ? c.numberOr("compress_rope_theta", 160_000)
            : yarn.number("rope_theta");
    float[] turns = turns(rope, theta);
    if (!yarn.stringOr("type", yarn.stringOr("rope_type", "default")).equals("yarn")) {
      return turns;
    }
    int original = yarn.positiveInt("original_max_position_embeddings");
    float factor = (float) yarn.number("factor");
    double fast = Math.floor(pair(yarn.numberOr("beta_fast", 32), rope, theta, original));
    double slow = Math.ceil(pair(yarn.numberOr("beta_slow", 1), rope, theta, original));
    double low = Math.max(fast, 0);
    double high = Math.min(slow, rope - 1);
    float width = (float) (low == high ? high + 0.001 - low : high - low);
    for (int i = 0; i < turns.length; i++) {
      float ramp = Math.clamp((i - (float) low) / width, 0f, 1f);
      float power = (float) StrictMath.pow(theta, (float) (2 * i) / rope);
      float keep = 1 - ramp;
      turns[i] = 1f / (factor * power) * (1 - keep) + 1f / power * keep;
    }
    return turns;
  }

  /** The pair, as a fraction, that makes so many turns within the original length. */
  private static double pair(double turns, int rope, double theta, int original) {
    return rope * StrictMath.log(original / (turns * 2 * Math.PI)) / (2 * StrictMath.log(theta));
  }

  @Override
  public String toString() {
    return "deepseek_v4 with ratios " + Arrays.toString(ratios);
  }
}
