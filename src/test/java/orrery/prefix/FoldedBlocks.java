package orrery.prefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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
  private final Map<Integer, BlockKept> blocks = new TreeMap<>(); // by number
  private int highest = -1; // number of a block

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
          boolean known = blocks.put(kept.block(), kept) != null;
          require(known || kept.block() > highest, "a new block has a new number");
          highest = Math.max(highest, kept.block());
        }
        case BlockGone gone ->
            require(blocks.remove(gone.block()) != null, "a block went that was there");
        default -> throw new AssertionError("not of blocks: " + event);
      }
    }
    List<CachedBlock> walked = cache.book().blocks();
    List<String> found = walked.stream().map(FoldedBlocks::words).toList();
    List<String> folded = blocks.values().stream().map(FoldedBlocks::words).toList();
    require(folded.equals(found), "told:\n" + folded + "\nfound:\n" + found);
    require(walked.size() == cache.blocks(), "as many blocks as the cache counts");
    requirePages();
    requireHolders(walked, running);
  }

  private static String words(BlockKept b) {
    return words(new CachedBlock(b.block(), b.parent(), b.tokens(), b.pages(), 0));
  }

  private static String words(CachedBlock b) {
    String pages = Arrays.deepToString(b.pages());
    return b.block() + "<" + b.parent() + Arrays.toString(b.tokens()) + pages;
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
   * Every sequence holds the blocks of its complete tokens. Twins count together: a way may go over
   * any of them.
   */
  private void requireHolders(List<CachedBlock> walked, Collection<Played> running) {
    Map<List<Integer>, Integer> difference = new HashMap<>(); // by tokens, of all salts
    walked.forEach(b -> difference.merge(way(b.block()), b.holders(), Integer::sum));
    int p = kv.geometry().pageTokens();
    for (Played s : running) {
      List<Integer> way = way(cache.book().last(s.lease));
      List<Integer> all = Arrays.stream(s.tokens).boxed().toList();
      require(way.equals(all.subList(0, s.complete / p * p)), "the way to what a lease holds");
      for (int n = p; n <= way.size(); n += p) {
        difference.merge(way.subList(0, n), -1, Integer::sum);
      }
    }
    require(difference.values().stream().allMatch(d -> d == 0), "holders: " + difference);
  }

  /** The tokens up to the end of a block. */
  private List<Integer> way(int block) {
    List<Integer> tokens = new ArrayList<>();
    for (int b = block; b != BlockKept.ROOT; b = blocks.get(b).parent()) {
      tokens.addAll(0, Arrays.stream(blocks.get(b).tokens()).boxed().toList());
    }
    return tokens;
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
