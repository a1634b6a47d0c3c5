package orrery.prefix;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import orrery.events.BlockGone;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.Keyframe.CachedBlock;
import orrery.kv.KvCache;

/**
 * The blocks of a prefix cache as a reader of its events knows them, compared with the blocks that
 * the cache finds in its own structure, with the pools, and with what sequences hold.
 */
final class FoldedBlocks {
  private final KvCache kv;
  private final PrefixCache cache;
  private final Map<Integer, BlockKept> blocks = new HashMap<>(); // by number
  private final Set<Integer> gone = new HashSet<>(); // numbers

  FoldedBlocks(KvCache kv, PrefixCache cache) {
    this.kv = kv;
    this.cache = cache;
    cache.book().watch();
  }

  /** Takes in what changed since the last call, and compares. */
  void follow(Collection<Played> running) {
    for (Event.Books event : cache.book().changes(0)) {
      switch (event) {
        case BlockKept kept -> {
          BlockKept before = blocks.put(kept.block(), kept);
          require(before == null || mayReturn() || changed(before, kept), "what is told is new");
          require(!gone.contains(kept.block()), "a new block has a new number");
        }
        case BlockGone e -> {
          require(blocks.remove(e.block()) != null, "a block went that was there");
          gone.add(e.block());
        }
        default -> throw new AssertionError("not of blocks: " + event);
      }
    }
    List<CachedBlock> walked = cache.book().blocks();
    walked.forEach(b -> require(same(blocks.get(b.block()), b), "block " + b.block()));
    require(walked.size() == blocks.size(), "no block has gone untold");
    require(walked.size() == cache.blocks(), "as many blocks as the cache counts");
    requirePages();
    requireHolders(walked, running);
  }

  /** Whether between two calls a block may lose a page and get it again: only behind a window. */
  private boolean mayReturn() {
    return !IntStream.range(0, kv.geometry().pools()).allMatch(kv.geometry()::needsAll);
  }

  private static boolean changed(BlockKept before, BlockKept now) {
    return before.parent() != now.parent()
        || before.priority() != now.priority()
        || !Arrays.deepEquals(before.pages(), now.pages());
  }

  private static boolean same(BlockKept told, CachedBlock found) {
    return told != null
        && told.parent() == found.parent()
        && told.priority() == found.priority()
        && Arrays.equals(told.tokens(), found.tokens())
        && Arrays.deepEquals(told.pages(), found.pages());
  }

  /** The pages that blocks name are those that the pools call cached. */
  private void requirePages() {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      boolean[] named = new boolean[kv.pool(pool).total()]; // [pages]
      for (BlockKept b : blocks.values()) {
        require(b.pages()[pool].length == kv.geometry().perBlock(pool), "the pages of a block");
        for (int page : b.pages()[pool]) {
          if (page != BlockKept.GONE) {
            named[page] = true;
          }
        }
      }
      for (int page = 0; page < named.length; page++) {
        require(named[page] == kv.pool(pool).isCached(page), "page " + page + " of " + pool);
      }
    }
  }

  /**
   * Every sequence holds the blocks of its complete tokens. Twins count together, by a hash of the
   * tokens up to them: a way may go over any of them.
   */
  private void requireHolders(List<CachedBlock> walked, Collection<Played> running) {
    Map<Integer, Long> ways = new HashMap<>(); // by block
    Map<Long, Integer> difference = new HashMap<>();
    walked.forEach(b -> difference.merge(way(b.block(), ways), b.holders(), Integer::sum));
    int p = kv.geometry().pageTokens();
    for (Played s : running) {
      int block = cache.book().last(s.lease);
      for (int end = s.complete / p * p; end > 0; end -= p) {
        require(block != BlockKept.ROOT, "a lease holds all complete blocks");
        BlockKept b = blocks.get(block);
        require(Arrays.equals(b.tokens(), 0, p, s.tokens, end - p, end), "the lease's tokens");
        difference.merge(way(block, ways), -1, Integer::sum);
        block = b.parent();
      }
      require(block == BlockKept.ROOT, "and no others");
    }
    require(difference.values().stream().allMatch(d -> d == 0), "holders");
  }

  private long way(int block, Map<Integer, Long> known) {
    Long way = block == BlockKept.ROOT ? Long.valueOf(1) : known.get(block);
    if (way == null) {
      BlockKept b = blocks.get(block);
      way = 0x9E3779B97F4A7C15L * way(b.parent(), known) + Arrays.hashCode(b.tokens());
      known.put(block, way);
    }
    return way;
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
