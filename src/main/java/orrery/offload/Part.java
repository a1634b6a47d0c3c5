package orrery.offload;

/**
 * Names the pages of one pool that a block of tokens keeps. A part is what moves between tiers: it
 * lies in a slower tier as a whole or not at all.
 *
 * @param block the block of tokens
 * @param pool the pool of the KV cache
 */
public record Part(BlockKey block, int pool) {
  @Override
  public String toString() {
    return block + "." + pool;
  }
}
