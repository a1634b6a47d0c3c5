package orrery.prefix;

import java.util.Arrays;
import orrery.events.Keyframe.CachedBlock;
import orrery.kv.KvGeometry;
import orrery.kv.PagePool;

/**
 * P tokens and the pages that hold their rows.
 *
 * <p>Each page is live or {@link #GONE} on its own: a page of a window that no hit needs was never
 * kept, and an idle page of a window may be evicted while those beside it stay. A block that has
 * lost a page is a tombstone. {@link KeptPages} moves pages from one state to the other. What a
 * slower memory holds of a block stands there, not here.
 */
public abstract class Block {
  /** In place of a page that the cache does not have. */
  public static final int GONE = PagePool.DUMMY;

  final int[] tokens; // [P]
  final int[][] pages; // [pools][P / span] of this block; GONE where it has none
  int number = -1; // in events; given by the BlockBook when it first tells of the block
  int toldPriority = -1; // in the newest event that told of it; -1 before the first
  CachedBlock shown; // in the newest keyframe that has it; null before the first

  /** Block {@code index} of a sequence, without pages yet. */
  Block(KvGeometry geometry, int[] sequence, int index) {
    int p = geometry.pageTokens();
    tokens = Arrays.copyOfRange(sequence, index * p, (index + 1) * p);
    pages = new int[geometry.pools()][];
    Arrays.setAll(pages, pool -> new int[geometry.perBlock(pool)]);
  }

  /** The page {@code i} of a pool that a hit may read, or {@link #GONE}. */
  public int page(int pool, int i) {
    return pages[pool][i];
  }

  /** The page {@code i} of a pool that belongs to this block and no other, or {@link #GONE}. */
  public final int own(int pool, int i) {
    return pages[pool][i];
  }

  /** The priority with which this block is kept. */
  public abstract Stay<?> stay();

  /** Whether no page is left. */
  boolean empty() {
    for (int[] ofPool : pages) {
      for (int page : ofPool) {
        if (page != GONE) {
          return false;
        }
      }
    }
    return true;
  }

  boolean holds(int[] sequence, int index) {
    return Arrays.equals(
        tokens, 0, tokens.length, sequence, index * tokens.length, (index + 1) * tokens.length);
  }
}
