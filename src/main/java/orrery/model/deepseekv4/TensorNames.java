package orrery.model.deepseekv4;

import java.util.List;
import java.util.Set;

/**
 * The three ways in which a checkpoint names its tensors. The code of the model uses the names of
 * DeepSeek's release; {@link #of} tells what a file calls the same tensor. transformers has no MTP
 * layer, so the tensors of that layer have one way of names.
 *
 * <pre>
 *   RELEASE   layers.0.attn.wq_a.weight                    layers.0.ffn.experts.7.w1.weight
 *   SAVED     model.layers.0.attn.wq_a.weight              model.layers.0.ffn.experts.7.w1.weight
 *   STATE     model.layers.0.self_attn.q_a_proj.weight     model.layers.0.mlp.experts.gate_up_proj,
 *                                                          one tensor of all experts
 * </pre>
 */
enum TensorNames {
  /** DeepSeek's release. */
  RELEASE,
  /** What {@code save_pretrained} of transformers writes: nearly the names of the release. */
  SAVED,
  /** The names of the parameters inside transformers ({@code state_dict}). */
  STATE;

  /** From the release to {@link #SAVED}: where a name has the first, the second takes its place. */
  private static final String[][] SAVED_PARTS = {
    {"embed.weight", "embed_tokens.weight"},
    {"hc_head_", "hc_head.hc_"},
    {".attn.kv_norm.", ".attn.norm."},
  };

  /** From the release to {@link #STATE}, applied in this order. */
  private static final String[][] STATE_PARTS = {
    {"embed.weight", "embed_tokens.weight"},
    {"hc_head_", "hc_head.hc_"},
    {".attn_norm.", ".input_layernorm."},
    {".ffn_norm.", ".post_attention_layernorm."},
    {".hc_attn_", ".attn_hc."},
    {".hc_ffn_", ".ffn_hc."},
    {".ffn.gate.bias", ".ffn.gate.e_score_correction_bias"},
    {".shared_experts.w1.", ".shared_experts.gate_proj."},
    {".shared_experts.w2.", ".shared_experts.down_proj."},
    {".shared_experts.w3.", ".shared_experts.up_proj."},
    {".ffn.", ".mlp."},
    {".indexer.compressor.", ".compressor.indexer."},
    {".indexer.weights_proj.", ".compressor.indexer.scorer.weights_proj."},
    {".attn.indexer.wq_b.", ".attn.compressor.indexer.q_b_proj."},
    {".compressor.norm.", ".compressor.kv_norm."},
    {".indexer.norm.", ".indexer.kv_norm."},
    {".ape", ".position_bias"},
    {".attn_sink", ".sinks"},
    {".q_norm.", ".q_a_norm."},
    {".wq_a.", ".q_a_proj."},
    {".wq_b.", ".q_b_proj."},
    {".wkv.", ".kv_proj."},
    {".wgate.", ".gate_proj."},
    {".wo_a.", ".o_a_proj."},
    {".wo_b.", ".o_b_proj."},
    {".attn.", ".self_attn."},
  };

  /** Ends of the names, in any way, of tensors [width][hidden] of experts. */
  static final List<String> FEED_FORWARD_ROWS =
      List.of(
          ".w1.weight",
          ".w3.weight",
          ".shared_experts.gate_proj.weight",
          ".shared_experts.up_proj.weight");

  /** As {@link #FEED_FORWARD_ROWS}, of tensors [experts][2 · width][hidden]. */
  static final List<String> FEED_FORWARD_PAIRS = List.of(".experts.gate_up_proj");

  /** As {@link #FEED_FORWARD_ROWS}, of tensors with the width as last dimension. */
  static final List<String> FEED_FORWARD_COLUMNS =
      List.of(".w2.weight", ".shared_experts.down_proj.weight", ".experts.down_proj");

  /**
   * Ends of the names, in the release's way, of matrices that the release has in FP8 or FP4. The
   * products of the compressors and the weights of the indexer's heads are not among them.
   */
  static final List<String> QUANTIZED =
      List.of(
          ".attn.wq_a.weight",
          ".attn.wq_b.weight",
          ".attn.wkv.weight",
          ".attn.wo_a.weight",
          ".attn.wo_b.weight",
          ".attn.indexer.wq_b.weight",
          ".w1.weight",
          ".w2.weight",
          ".w3.weight",
          ".e_proj.weight",
          ".h_proj.weight");

  /** The way of a checkpoint with these tensors. */
  static TensorNames of(Set<String> tensors) {
    if (tensors.contains("embed.weight")) {
      return RELEASE;
    }
    if (tensors.stream().anyMatch(name -> name.contains(".self_attn."))) {
      return STATE;
    }
    return tensors.stream().anyMatch(name -> name.startsWith("model.")) ? SAVED : RELEASE;
  }

  /** What a tensor of the release is called. */
  String of(String name) {
    if (this == RELEASE || name.startsWith("mtp.")) {
      return name;
    }
    if (name.equals("head.weight")) {
      return this == SAVED ? name : "lm_head.weight";
    }
    String renamed = name;
    for (String[] part : this == SAVED ? SAVED_PARTS : STATE_PARTS) {
      renamed = renamed.replace(part[0], part[1]);
    }
    return "model." + renamed;
  }
}
