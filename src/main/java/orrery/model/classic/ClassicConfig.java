package orrery.model.classic;

import java.util.OptionalInt;
import java.util.function.ToIntBiFunction;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.moe.RouterSpec;

/**
 * The configuration of a {@code glm4_moe} model (GLM-4.5), as transformers 4 and 5 write it.
 *
 * @param vocab {@code vocab_size}
 * @param hidden {@code hidden_size}
 * @param layers {@code num_hidden_layers}
 * @param denseLayers {@code first_k_dense_replace}: how many layers, from the first on, have a
 *     dense feed-forward
 * @param intermediate {@code intermediate_size} of dense layers
 * @param expertIntermediate {@code moe_intermediate_size}
 * @param sharedExperts {@code n_shared_experts}; they are fused to one expert of as many times the
 *     width
 * @param heads {@code num_attention_heads}
 * @param kvHeads {@code num_key_value_heads}
 * @param headDim {@code head_dim}
 * @param rotaryDim columns of a head that are rotated: head_dim · {@code partial_rotary_factor}
 * @param ropeTheta {@code rope_theta}
 * @param maxPositions {@code max_position_embeddings}
 * @param normEps {@code rms_norm_eps}
 * @param attentionBias q, k and v projections have a bias
 * @param qkNorm heads of q and k are normed
 * @param tied {@code tie_word_embeddings}: the output head is the embedding, unless the checkpoint
 *     has a head that differs from it
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
   * Reads a {@code config.json}. If a file omits a field that transformers allows it to omit, the
   * field gets transformers' default. Values that no model can have are refused, and so are fields
   * that contradict each other.
   *
   * @throws CheckpointException naming the field, what was expected and what was found
   */
  public static ClassicConfig read(JsonConfig c) {
    c.oneOf("model_type", ARCHITECTURE);
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
    int mtpLayers = mtpLayers(c).orElse(1);
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
        router(c));
  }

  private static RouterSpec router(JsonConfig c) {
    int experts =
        sameInt(c, "n_routed_experts", "num_local_experts", JsonConfig::positiveInt)
            .orElseGet(() -> c.positiveInt("n_routed_experts"));
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
    return new RouterSpec(
        experts, topK, groups, topGroups, c.boolOr("norm_topk_prob", true), scale(c));
  }

  /**
   * How many MTP layers the config announces. The field has two names; a config may have either,
   * both or none.
   */
  static OptionalInt mtpLayers(JsonConfig c) {
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

  /** The same config with another number of MTP layers. */
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
