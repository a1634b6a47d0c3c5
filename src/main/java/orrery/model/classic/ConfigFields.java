package orrery.model.classic;

import java.util.OptionalInt;
import java.util.function.ToIntBiFunction;
import orrery.checkpoint.JsonConfig;
import orrery.kernels.PackedMatrix;
import orrery.moe.RouterSpec;

/** The fields of a {@code glm4_moe} config, read and checked. */
final class ConfigFields {
  private static final int MOST_LAYERS = 10_000;
  private static final int MOST_EXPERTS = 1_000_000; // of all layers

  private ConfigFields() {}

  static ClassicConfig read(JsonConfig c) {
    c.oneOf("model_type", ClassicConfig.ARCHITECTURE);
    UnknownMeaning.refuse(c);
    int hidden = c.positiveInt("hidden_size");
    int heads = c.positiveInt("num_attention_heads");
    int kvHeads = c.positiveIntOr("num_key_value_heads", 8);
    require(heads % kvHeads == 0, c, "num_key_value_heads", "a divisor of " + heads, "" + kvHeads);
    int headDim = c.has("head_dim") ? c.positiveInt("head_dim") : Math.max(1, hidden / heads);
    requireProduct(c, "num_attention_heads", heads, "head_dim", headDim);
    int expertIntermediate = c.positiveInt("moe_intermediate_size");
    int sharedExperts = c.positiveIntOr("n_shared_experts", 1);
    requireProduct(
        c, "n_shared_experts", sharedExperts, "moe_intermediate_size", expertIntermediate);
    int layers = c.positiveInt("num_hidden_layers");
    require(layers <= MOST_LAYERS, c, "num_hidden_layers", "at most " + MOST_LAYERS, "" + layers);
    OptionalInt announced = mtpLayers(c);
    int mtpLayers = announced.orElse(1);
    String mtpField = c.has("num_mtp_layers") ? "num_mtp_layers" : "num_nextn_predict_layers";
    require(mtpLayers <= 1, c, mtpField, "0 or 1", "" + mtpLayers);
    RopeFields rope = RopeFields.read(c, headDim);
    return new ClassicConfig(
        c.positiveInt("vocab_size"),
        hidden,
        layers,
        c.nonNegativeIntOr("first_k_dense_replace", 1),
        c.positiveInt("intermediate_size"),
        expertIntermediate,
        sharedExperts,
        heads,
        kvHeads,
        headDim,
        rope.rotaryDim(),
        rope.theta(),
        c.positiveInt("max_position_embeddings"),
        eps(c),
        c.boolOr("attention_bias", false),
        c.boolOr("use_qk_norm", false),
        c.boolOr("tie_word_embeddings", false),
        mtpLayers,
        announced.isPresent(),
        router(c, layers),
        format(c));
  }

  /** How matrices are kept in memory: bf16 as it is, anything else as f32. */
  private static PackedMatrix.Format format(JsonConfig c) {
    Object dtype = c.any(c.has("dtype") ? "dtype" : "torch_dtype");
    return "bfloat16".equals(dtype) ? PackedMatrix.Format.BF16 : PackedMatrix.Format.F32;
  }

  private static RouterSpec router(JsonConfig c, int layers) {
    int experts =
        sameInt(c, "n_routed_experts", "num_local_experts", JsonConfig::positiveInt)
            .orElseGet(() -> c.positiveInt("n_routed_experts"));
    int most = MOST_EXPERTS / layers;
    require(
        experts <= most,
        c,
        "n_routed_experts",
        "at most " + most + " with num_hidden_layers " + layers,
        "" + experts);
    int topK = c.positiveInt("num_experts_per_tok");
    int groups = c.positiveIntOr("n_group", 1);
    int topGroups = c.positiveIntOr("topk_group", 1);
    require(experts % groups == 0, c, "n_group", "a divisor of " + experts, "" + groups);
    require(
        groups == 1 || experts / groups >= 2,
        c,
        "n_group",
        "groups of 2 or more experts",
        "" + groups);
    require(topGroups <= groups, c, "topk_group", "at most n_group = " + groups, "" + topGroups);
    int eligible = experts / groups * topGroups;
    require(
        topK <= eligible,
        c,
        "num_experts_per_tok",
        "at most the " + eligible + " experts that a row may choose from",
        "" + topK);
    boolean normTopK = c.boolOr("norm_topk_prob", true);
    return new RouterSpec(
        RouterSpec.Score.SIGMOID, experts, topK, groups, topGroups, normTopK, scale(c));
  }

  /**
   * How many MTP layers the config announces. The field has two names; a config may have either,
   * both or none.
   */
  private static OptionalInt mtpLayers(JsonConfig c) {
    return sameInt(c, "num_nextn_predict_layers", "num_mtp_layers", JsonConfig::nonNegativeInt);
  }

  /** The value of a field that has two names. */
  private static OptionalInt sameInt(
      JsonConfig c, String name, String alias, ToIntBiFunction<JsonConfig, String> read) {
    if (c.has(name) && c.has(alias)) {
      int value = read.applyAsInt(c, name);
      int other = read.applyAsInt(c, alias);
      require(value == other, c, alias, value + ", as " + name + " says", "" + other);
    }
    String there = c.has(name) ? name : alias;
    return c.has(there) ? OptionalInt.of(read.applyAsInt(c, there)) : OptionalInt.empty();
  }

  private static float eps(JsonConfig c) {
    String field = "rms_norm_eps";
    float eps = (float) c.numberOr(field, 1e-5);
    require(eps > 0 && eps < 1, c, field, "a number above 0 and below 1", c.shown(field));
    return eps;
  }

  private static float scale(JsonConfig c) {
    String field = "routed_scaling_factor";
    float scale = (float) c.numberOr(field, 1);
    require(scale > 0, c, field, "a number above 0", c.shown(field));
    return scale;
  }

  /** Refuses a product of widths that is no int: it would overflow to a plausible width. */
  private static void requireProduct(JsonConfig c, String field, int n, String other, int width) {
    int most = Integer.MAX_VALUE / width;
    require(n <= most, c, field, "at most " + most + " with " + other + " " + width, "" + n);
  }

  private static void require(
      boolean holds, JsonConfig c, String field, String expected, String found) {
    if (!holds) {
      throw c.bad(field, expected, found);
    }
  }
}
