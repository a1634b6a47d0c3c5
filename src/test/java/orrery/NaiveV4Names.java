package orrery;

/** The names of DeepSeek-V4's tensors in the files of transformers, for its oracle. */
final class NaiveV4Names {
  /** Parts of names inside transformers; the first one that fits decides, once for each name. */
  private static final String[][] PARAMETERS = {
    {"attn.indexer.compressor.wkv", "self_attn.compressor.indexer.kv_proj"},
    {"attn.indexer.compressor.wgate", "self_attn.compressor.indexer.gate_proj"},
    {"attn.indexer.compressor.ape", "self_attn.compressor.indexer.position_bias"},
    {"attn.indexer.compressor.norm", "self_attn.compressor.indexer.kv_norm"},
    {"attn.indexer.wq_b", "self_attn.compressor.indexer.q_b_proj"},
    {"attn.indexer.weights_proj", "self_attn.compressor.indexer.scorer.weights_proj"},
    {"attn.compressor.wkv", "self_attn.compressor.kv_proj"},
    {"attn.compressor.wgate", "self_attn.compressor.gate_proj"},
    {"attn.compressor.ape", "self_attn.compressor.position_bias"},
    {"attn.compressor.norm", "self_attn.compressor.kv_norm"},
    {"attn.attn_sink", "self_attn.sinks"},
    {"attn.q_norm", "self_attn.q_a_norm"},
    {"attn.wq_a", "self_attn.q_a_proj"},
    {"attn.wq_b", "self_attn.q_b_proj"},
    {"attn.wkv", "self_attn.kv_proj"},
    {"attn.wo_a", "self_attn.o_a_proj"},
    {"attn.wo_b", "self_attn.o_b_proj"},
    {"attn.", "self_attn."},
    {"attn_norm", "input_layernorm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"hc_attn_", "attn_hc."},
    {"hc_ffn_", "ffn_hc."},
    {"ffn.gate.bias", "mlp.gate.e_score_correction_bias"},
    {"ffn.", "mlp."},
    {"embed.", "embed_tokens."},
    {"hc_head_", "hc_head.hc_"},
  };

  private NaiveV4Names() {}

  /** What {@code save_pretrained} makes of a name of DeepSeek's release. */
  static String saved(String name) {
    return "model."
        + name.replace("embed.", "embed_tokens.")
            .replace("hc_head_", "hc_head.hc_")
            .replace("attn.kv_norm.", "attn.norm.");
  }

  /** The name of the parameter inside transformers. */
  static String parameter(String name) {
    if (name.startsWith("head.")) {
      return "lm_" + name;
    }
    String path = name.replaceFirst("^layers\\.\\d+\\.", "");
    String layer = name.substring(0, name.length() - path.length());
    for (String[] part : PARAMETERS) {
      if (path.startsWith(part[0])) {
        path = part[1] + path.substring(part[0].length());
        break;
      }
    }
    return "model."
        + layer
        + path.replace(".w1.", ".gate_proj.")
            .replace(".w2.", ".down_proj.")
            .replace(".w3.", ".up_proj.");
  }
}
