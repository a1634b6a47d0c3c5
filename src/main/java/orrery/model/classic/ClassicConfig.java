package orrery.model.classic;

import java.util.Optional;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.moe.RouterSpec;

/**
 * The configuration of a {@code glm4_moe} model (GLM-4.5), as transformers 4 and 5 write it.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}
 * @param layers {@code num_hidden_layers}
 * @param denseLayers {@code first_k_dense_replace}: so many first layers have a dense feed-forward
 * @param intermediate {@code intermediate_size} of dense layers
 * @param expertIntermediate {@code moe_intermediate_size}
 * @param sharedExperts {@code n_shared_experts}, fused to one of that many times the width
 * @param heads {@code num_attention_heads}
 * @param kvHeads {@code num_key_value_heads}
 * @param headDim {@code head_dim}
 * @param rotaryDim columns of a head that are rotated: head_dim · {@code partial_rotary_factor}
 * @param ropeTheta {@code rope_theta}
 * @param maxPositions {@code max_position_embeddings}
 * @param normEps {@code rms_norm_eps}
 * @param attentionBias q, k and v projections have a bias
 * @param qkNorm heads of q and k are normed
 * @param tied the output head is the embedding
 * @param mtpLayers {@code num_nextn_predict_layers}: 0 or 1
 * @param router how rows choose experts
 */
public record ClassicConfig(
    int vocab,
    int hidden,
    int layers,
    int denseLayers,
    int intermediate,
    int expertIntermediate,
    int sharedExperts,
    int heads,
    int kvHeads,
    int headDim,
    int rotaryDim,
    double ropeTheta,
    int maxPositions,
    float normEps,
    boolean attentionBias,
    boolean qkNorm,
    boolean tied,
    int mtpLayers,
    RouterSpec router) {

  /** {@code model_type} of these configs. */
  public static final String ARCHITECTURE = "glm4_moe";

  /**
   * Reads a {@code config.json}; fields that transformers lets a file omit get its defaults.
   *
   * @throws CheckpointException naming the field, what was expected and what was found
   */
  public static ClassicConfig read(JsonConfig c) {
    c.oneOf("model_type", ARCHITECTURE);
    if (c.has("hidden_act")) {
      c.oneOf("hidden_act", "silu");
    }
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
    String mtpField = c.has("num_mtp_layers") ? "num_mtp_layers" : "num_nextn_predict_layers";
    int mtpLayers = c.nonNegativeIntOr(mtpField, 1);
    require(mtpLayers <= 1, c, mtpField, "0 or 1", "" + mtpLayers);
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
        rotaryDim(c, headDim),
        theta(c),
        c.positiveInt("max_position_embeddings"),
        (float) positive(c, "rms_norm_eps", c.numberOr("rms_norm_eps", 1e-5)),
        c.boolOr("attention_bias", false),
        c.boolOr("use_qk_norm", false),
        c.boolOr("tie_word_embeddings", false),
        mtpLayers,
        router(c));
  }

  private static RouterSpec router(JsonConfig c) {
    int experts = c.positiveInt("n_routed_experts");
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
        "at most the " + eligible + " experts a row may choose among",
        "" + topK);
    return new RouterSpec(
        experts,
        topK,
        groups,
        topGroups,
        c.boolOr("norm_topk_prob", true),
        (float) c.numberOr("routed_scaling_factor", 1));
  }

  /** transformers 5 keeps RoPE values in {@code rope_parameters}, transformers 4 at top level. */
  private static double theta(JsonConfig c) {
    Optional<JsonConfig> rope = c.optionalObject("rope_parameters");
    rope.ifPresent(r -> refuseScaling(r, "rope_type"));
    c.optionalObject("rope_scaling")
        .ifPresent(r -> refuseScaling(r, r.has("rope_type") ? "rope_type" : "type"));
    JsonConfig from = rope.filter(r -> r.has("rope_theta")).orElse(c);
    return positive(from, "rope_theta", from.numberOr("rope_theta", 10_000));
  }

  private static void refuseScaling(JsonConfig rope, String field) {
    if (rope.has(field)) {
      rope.oneOf(field, "default");
    }
  }

  private static int rotaryDim(JsonConfig c, int headDim) {
    String field = "partial_rotary_factor";
    JsonConfig from = c.optionalObject("rope_parameters").filter(r -> r.has(field)).orElse(c);
    double factor = from.numberOr(field, 0.5);
    int rotary = (int) (headDim * factor);
    require(
        rotary >= 1 && (rotary + 1L) / 2 * 2 <= headDim,
        from,
        field,
        "1 to " + headDim + " rotated columns of head_dim " + headDim,
        "" + factor);
    return rotary;
  }

  private static double positive(JsonConfig c, String field, double value) {
    require(value > 0, c, field, "a positive number", "" + value);
    return value;
  }

  /** A width that is a product must be an int, or it would wrap around to a plausible one. */
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

  /** Whether any layer has a dense feed-forward, the MTP layer included. */
  boolean anyDense() {
    return denseLayers > 0;
  }

  /** Whether any layer has experts, the MTP layer included. */
  boolean anyExperts() {
    return denseLayers < layers + mtpLayers;
  }

  /** Whether a layer has experts; the MTP layer (index {@link #layers}) has. */
  boolean hasExperts(int layer) {
    return layer >= denseLayers;
  }

  /** The same with another number of MTP layers. */
  ClassicConfig withMtpLayers(int n) {
    return new ClassicConfig(
        vocab,
        hidden,
        layers,
        denseLayers,
        intermediate,
        expertIntermediate,
        sharedExperts,
        heads,
        kvHeads,
        headDim,
        rotaryDim,
        ropeTheta,
        maxPositions,
        normEps,
        attentionBias,
        qkNorm,
        tied,
        n,
        router);
  }
}
