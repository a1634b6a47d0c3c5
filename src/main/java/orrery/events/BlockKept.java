package orrery.events;

/**
 * A block is in the prefix cache with these pages. Comes at the end of a step in which the block
 * entered, or in which its pages or its priority changed; and after a flush.
 *
 * @param block its number, which no other block of this engine ever has
 * @param parent the block before it; -1 for the first block of a sequence
 * @param tokens [P]
 * @param pages [pools][pages of a block] numbered from 1 in each pool; {@link #GONE} where the
 *     cache has none: never kept, since no hit needs it, or evicted
 * @param priority 0 to 100, the lowest is evicted first; 35 if no request said anything about the
 *     block. A priority for a time stays until the cache evicts something after its end
 */
public record BlockKept(
    long nanos, int block, int parent, int[] tokens, int[][] pages, int priority)
    implements Event.Books {
  /** In place of a page that the cache does not have. */
  public static final int GONE = -1;

  /** In place of a block before the first one. */
  public static final int ROOT = -1;
}
