package orrery.model.classic;

import static orrery.model.ConfigChecks.epsilon;
import static orrery.model.ConfigChecks.format;
import static orrery.model.ConfigChecks.layers;
import static orrery.model.ConfigChecks.positive;
import static orrery.model.ConfigChecks.require;
import static orrery.model.ConfigChecks.requireExperts;
import static orrery.model.ConfigChecks.requireProduct;
import static orrery.model.ConfigChecks.sameInt;

import java.util.OptionalInt;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.moe.RouterSpec;
import orrery.moe.RouterSpec.Score;

/** The fields of a {@code glm4_moe} config, read and checked. */
final class ConfigFields {
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
    int layers = layers(c, "num_hidden_layers");
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
        epsilon(c, "rms_norm_eps", 1e-5),
        c.boolOr("attention_bias", false),
        c.boolOr("use_qk_norm", false),
        c.boolOr("tie_word_embeddings", false),
        mtpLayers,
        announced.isPresent(),
        router(c, layers),
        format(c),
        QuantizationConfig.read(c, false));
  }

  private static RouterSpec router(JsonConfig c, int layers) {
    int experts =
        sameInt(c, "n_routed_experts", "num_local_experts", JsonConfig::positiveInt)
            .orElseGet(() -> c.positiveInt("n_routed_experts"));
    requireExperts(c, "n_routed_experts", experts, layers);
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
        Score.SIGMOID,
        experts,
        topK,
        groups,
        topGroups,
        normTopK,
        positive(c, "routed_scaling_factor", 1));
  }

  /**
   * How many MTP layers the config announces. The field has two names; a config may have either,
   * both or none.
   */
  private static OptionalInt mtpLayers(JsonConfig c) {
    return sameInt(c, "num_nextn_predict_layers", "num_mtp_layers", JsonConfig::nonNegativeInt);
  }
}
