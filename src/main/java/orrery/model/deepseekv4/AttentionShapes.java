package orrery.model.deepseekv4;

/**
 * The sizes that the attention of all layers has in common.
 *
 * @param heads {@code num_attention_heads}: query heads; keys and values have one
 * @param headDim {@code head_dim}: columns of a query head and of a cached row
 * @param rotaryDim {@code qk_rope_head_dim}: how many of the last columns are rotated
 * @param queryRank {@code q_lora_rank}
 * @param groups {@code o_groups}: groups of heads that are projected apart
 * @param groupRank {@code o_lora_rank}: columns of a group's projection
 * @param index the indexer of CSA layers, or null if there is no such layer
 */
public record AttentionShapes(
    int heads, int headDim, int rotaryDim, int queryRank, int groups, int groupRank, Index index) {
  /**
   * The indexer.
   *
   * @param heads {@code index_n_heads}
   * @param headDim {@code index_head_dim}: columns of such a head, and of a key
   * @param topK {@code index_topk}: the most entries that a token reads
   */
  public record Index(int heads, int headDim, int topK) {}
}
