package orrery.model.classic;

import static orrery.model.ConfigChecks.only;

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
      List.of("compression_config", "attn_logit_softcapping", "final_logit_softcapping");

  private UnknownMeaning() {}

  static void refuse(JsonConfig c) {
    ABSENT.forEach(c::requireAbsent);
    only(c, "hidden_act", "silu");
    only(c, "scoring_func", "sigmoid");
    only(c, "topk_method", "noaux_tc");
    only(c, "mlp_bias", false);
    only(c, "rope_interleave", false);
    only(c, "moe_layer_freq", 1);
    refuseWindow(c);
    for (String kind : c.stringsOrNone("layer_types")) {
      if (!kind.equals("full_attention")) {
        throw c.bad("layer_types", "full_attention in every layer", c.shown("layer_types"));
      }
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
