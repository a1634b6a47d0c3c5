package orrery.model.deepseekv4;

import static orrery.model.ConfigChecks.epsilon;
import static orrery.model.ConfigChecks.format;
import static orrery.model.ConfigChecks.positive;
import static orrery.model.ConfigChecks.require;
import static orrery.model.ConfigChecks.requireExperts;
import static orrery.model.ConfigChecks.requireProduct;
import static orrery.model.ConfigChecks.sameInt;

import java.util.List;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.model.ConfigChecks;
import orrery.moe.RouterSpec;
import orrery.moe.RouterSpec.Score;

/** The fields of a {@code deepseek_v4} config, read and checked. */
final class ConfigFields {
  private static final int MOST_ITERATIONS = 1_000;
  private static final int MOST_STREAMS = 256;
  private static final int LEAST_WINDOW = 2;
  static final String MTP = "num_nextn_predict_layers";
  private static final String DSPARK = "dspark_block_size"; // another drafter in the place of MTP

  private ConfigFields() {}

  static DeepSeekV4Config read(JsonConfig c) {
    c.oneOf("model_type", DeepSeekV4Config.ARCHITECTURE);
    UnknownMeaning.refuse(c);
    int positions = c.positiveInt("max_position_embeddings");
    int headDim = c.positiveInt("head_dim");
    List<LayerPlan> plans = ScheduleFields.read(c, ConfigChecks.layers(c, "num_hidden_layers"));
    RopeFields rope = RopeFields.read(c, headDim);
    return new DeepSeekV4Config(
        c.positiveInt("vocab_size"),
        c.positiveInt("hidden_size"),
        plans,
        mtpLayers(c),
        c.has(MTP),
        attention(c, plans, headDim, rope.rotaryDim()),
        window(c, positions),
        rope.main(),
        rope.compress(),
        positions,
        intermediate(c),
        router(c, plans),
        positive(c, "swiglu_limit", 10),
        streams(c),
        iterations(c),
        epsilon(c, "hc_eps", 1e-6),
        epsilon(c, "rms_norm_eps", 1e-6),
        format(c),
        QuantizationConfig.read(c, true));
  }

  /** A window that no text outgrows hides nothing, so it need not be longer than the longest. */
  private static int window(JsonConfig c, int positions) {
    String field = "sliding_window";
    int window = c.positiveInt(field);
    // Engines disagree about a window of the token alone.
    require(window >= LEAST_WINDOW, c, field, "at least " + LEAST_WINDOW, "" + window);
    return Math.min(window, Math.max(LEAST_WINDOW, positions));
  }

  private static int mtpLayers(JsonConfig c) {
    if (c.has(DSPARK)) {
      return 0;
    }
    int layers = c.nonNegativeIntOr(MTP, 1);
    require(layers <= 1, c, MTP, "0 or 1", "" + layers);
    return layers;
  }

  private static AttentionShapes attention(
      JsonConfig c, List<LayerPlan> plans, int headDim, int rotaryDim) {
    int heads = c.positiveInt("num_attention_heads");
    requireProduct(c, "num_attention_heads", heads, "head_dim", headDim);
    int groups = c.positiveInt("o_groups");
    require(heads % groups == 0, c, "o_groups", "a divisor of " + heads + " heads", "" + groups);
    int rank = c.positiveInt("o_lora_rank");
    requireProduct(c, "o_lora_rank", rank, "o_groups", groups);
    int ratio = plans.stream().mapToInt(LayerPlan::ratio).max().orElse(0);
    requireState(c, "head_dim", headDim, ratio);
    AttentionShapes.Index index = null;
    if (plans.stream().anyMatch(p -> p.attention() == LayerPlan.Attention.CSA)) {
      index = index(c, rotaryDim, ratio);
    }
    return new AttentionShapes(
        heads, headDim, rotaryDim, c.positiveInt("q_lora_rank"), groups, rank, index);
  }

  private static AttentionShapes.Index index(JsonConfig c, int rotaryDim, int ratio) {
    int heads = c.positiveIntOr("index_n_heads", 64);
    int headDim = c.positiveIntOr("index_head_dim", 128);
    requireProduct(c, "index_n_heads", heads, "index_head_dim", headDim);
    String least = "at least the " + rotaryDim + " rotated columns";
    require(headDim >= rotaryDim, c, "index_head_dim", least, "" + headDim);
    requireState(c, "index_head_dim", headDim, ratio);
    int most = c.positiveInt("max_position_embeddings"); // there are never more entries
    return new AttentionShapes.Index(
        heads, headDim, Math.min(most, c.positiveIntOr("index_topk", 512)));
  }

  /** A row of state has 4 parts as wide as a head at most, and a table has one for each token. */
  private static void requireState(JsonConfig c, String field, int headDim, int ratio) {
    int most = Integer.MAX_VALUE / 4 / Math.max(1, ratio);
    require(headDim <= most, c, field, "at most " + most + " with ratio " + ratio, "" + headDim);
  }

  private static int intermediate(JsonConfig c) {
    return sameInt(c, "moe_intermediate_size", "intermediate_size", JsonConfig::positiveInt)
        .orElseGet(() -> c.positiveInt("moe_intermediate_size"));
  }

  private static RouterSpec router(JsonConfig c, List<LayerPlan> plans) {
    int experts =
        sameInt(c, "n_routed_experts", "num_local_experts", JsonConfig::positiveInt)
            .orElseGet(() -> c.positiveInt("n_routed_experts"));
    requireExperts(c, "n_routed_experts", experts, plans.size());
    int topK = c.positiveInt("num_experts_per_tok");
    require(topK <= experts, c, "num_experts_per_tok", "at most " + experts, "" + topK);
    if (plans.stream().anyMatch(LayerPlan::hashed)) {
      requireProduct(c, "vocab_size", c.positiveInt("vocab_size"), "num_experts_per_tok", topK);
    }
    float scale = (float) c.numberOr("routed_scaling_factor", 1.5);
    return new RouterSpec(Score.SQRT_SOFTPLUS, experts, topK, 1, 1, true, scale);
  }

  private static int streams(JsonConfig c) {
    String field = "hc_mult";
    int streams = c.positiveIntOr(field, 4);
    require(streams <= MOST_STREAMS, c, field, "at most " + MOST_STREAMS, "" + streams);
    requireProduct(c, "hidden_size", c.positiveInt("hidden_size"), field, streams);
    return streams;
  }

  private static int iterations(JsonConfig c) {
    String field = "hc_sinkhorn_iters";
    int iterations = c.positiveIntOr(field, 20);
    require(iterations <= MOST_ITERATIONS, c, field, "at most " + MOST_ITERATIONS, "" + iterations);
    return iterations;
  }
}
