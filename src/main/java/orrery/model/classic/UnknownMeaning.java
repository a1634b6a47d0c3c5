package orrery.model.classic;

import java.util.List;
import orrery.checkpoint.JsonConfig;

/**
 * Fields of a {@code config.json} that {@code glm4_moe} models do not have, but that other models
 * or other engines understand. If such a field asks for a computation that differs from this
 * architecture's, the config is refused: a model that answers a little wrong is worse than none. A
 * field that no class reads and that is not listed here may hold anything.
 */
final class UnknownMeaning {
  /** Fields that change weights, scores or logits with any value. */
  private static final List<String> ABSENT =
      List.of(
          "quantization_config",
          "compression_config",
          "attn_logit_softcapping",
          "final_logit_softcapping");

  private UnknownMeaning() {}

  static void refuse(JsonConfig c) {
    ABSENT.forEach(c::requireAbsent);
    only(c, "hidden_act", "silu");
    only(c, "scoring_func", "sigmoid");
    only(c, "topk_method", "noaux_tc");
    onlyFalse(c, "mlp_bias");
    onlyFalse(c, "rope_interleave");
    if (c.positiveIntOr("moe_layer_freq", 1) != 1) {
      throw c.bad("moe_layer_freq", "1", c.shown("moe_layer_freq"));
    }
    refuseWindow(c);
    for (String kind : c.stringsOrNone("layer_types")) {
      if (!kind.equals("full_attention")) {
        throw c.bad("layer_types", "full_attention in every layer", c.shown("layer_types"));
      }
    }
  }

  private static void only(JsonConfig c, String field, String value) {
    if (c.has(field)) {
      c.oneOf(field, value);
    }
  }

  private static void onlyFalse(JsonConfig c, String field) {
    if (c.boolOr(field, false)) {
      throw c.bad(field, "false", "true");
    }
  }

  /**
   * Refuses a sliding window that hides tokens. A window that is switched off, or that is at least
   * as long as the longest text, hides none.
   */
  private static void refuseWindow(JsonConfig c) {
    String field = "sliding_window";
    if (c.has(field)
        && c.boolOr("use_sliding_window", true)
        && c.positiveInt(field) < c.positiveInt("max_position_embeddings")) {
      throw c.bad(field, "none, or at least max_position_embeddings", c.shown(field));
    }
  }
}
