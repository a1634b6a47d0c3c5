package orrery.model.deepseekv4;

import static orrery.model.ConfigChecks.only;

import java.util.List;
import orrery.checkpoint.JsonConfig;

/**
 * Fields of a {@code config.json} that {@code deepseek_v4} models have with one value only, or not
 * at all, but that other models or other engines understand. If such a field asks for a computation
 * that differs from this architecture's, the config is refused. A field that no class reads and
 * that is not listed here may hold anything.
 *
 * <p>{@code quantization_config} is not refused: it tells how a checkpoint is stored, and the
 * checkpoint tells that itself.
 */
final class UnknownMeaning {
  /** Fields that change weights, scores or logits with any value. */
  private static final List<String> ABSENT =
      List.of(
          "compression_config",
          "attn_logit_softcapping",
          "final_logit_softcapping",
          "kv_lora_rank",
          "v_head_dim");

  private UnknownMeaning() {}

  static void refuse(JsonConfig c) {
    ABSENT.forEach(c::requireAbsent);
    only(c, "hidden_act", "silu");
    only(c, "scoring_func", "sqrtsoftplus");
    only(c, "topk_method", "noaux_tc");
    only(c, "norm_topk_prob", true);
    only(c, "num_key_value_heads", 1);
    only(c, "n_shared_experts", 1);
    only(c, "n_group", 1);
    only(c, "topk_group", 1);
    only(c, "first_k_dense_replace", 0);
    only(c, "moe_layer_freq", 1);
    only(c, "attention_bias", false);
    only(c, "mlp_bias", false);
    only(c, "tie_word_embeddings", false);
    only(c, "rope_interleave", true);
    only(c, "use_sliding_window", true);
  }
}
