package orrery.prefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import orrery.events.BlockGone;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.EvictedPages;
import orrery.events.Keyframe.CachedBlock;
import orrery.kv.PagePool;
import orrery.prefix.PrefixCache.Lease;

/**
 * The blocks of a prefix cache, for events. {@link #changes} says what became of them since the
 * last call, and {@link #blocks} reads them all from the cache's own structure. So each proves the
 * other.
 *
 * <p>A block gets its number when it is first told. What enters and leaves between two calls is not
 * told at all.
 */
public abstract class BlockBook {
  private final Set<Block> changed = new LinkedHashSet<>(); // in the cache
  private final Set<Block> retained = new LinkedHashSet<>(); // whose priority may have changed
  private final List<Integer> gone = new ArrayList<>(); // numbers
  private final int[] evicted = new int[PagePool.PRIORITIES]; // pages by priority
  private int evicting = -1; // the pool of these pages; -1 before the first eviction
  private boolean watched;
  private int numbers; // given so far

  /** Takes note of changes from now on. Without this, no change costs anything. */
  public final void watch() {
    watched = true;
  }

  /** Whether changes are taken note of. */
  final boolean watched() {
    return watched;
  }

  /** A block entered, its pages changed, or another block stands before it. */
  final void touched(Block block) {
    if (watched) {
      changed.add(block);
    }
  }

  /** A block has another retention. */
  final void retained(Block block) {
    if (watched) {
      retained.add(block);
    }
  }

  /** A block left the cache. */
  final void left(Block block) {
    if (watched) {
      changed.remove(block);
      retained.remove(block);
      if (block.number >= 0) {
        gone.add(block.number);
      }
    }
  }

  /** Pages of a pool are about to be evicted, which {@link #evicted} counts from now on. */
  public final void evicting(int pool) {
    evicting = pool;
    Arrays.fill(evicted, 0);
  }

  /** A page has left the cache whose block had this priority. */
  final void dropped(int pool, int priority) {
    if (pool == evicting) {
      evicted[priority]++;
    }
  }

  /** The pages of the pool that have left since {@link #evicting}, the lowest priority first. */
  public final List<EvictedPages> evicted() {
    return IntStream.range(0, evicted.length)
        .filter(priority -> evicted[priority] > 0)
        .mapToObj(priority -> new EvictedPages(priority, evicted[priority]))
        .toList();
  }

  /**
   * What became of the blocks since the last call: those that left, then those that entered or have
   * other pages or another priority now.
   *
   * @param nanos the events' time
   */
  public final List<Event.Books> changes(long nanos) {
    settle();
    retained.stream().filter(b -> b.toldPriority != b.stay().priority()).forEach(changed::add);
    List<Event.Books> events = new ArrayList<>(gone.size() + changed.size());
    gone.forEach(number -> events.add(new BlockGone(nanos, number)));
    for (Block b : changed) {
      int number = number(b);
      b.toldPriority = b.stay().priority();
      events.add(
          new BlockKept(nanos, number, number(before(b)), b.tokens, pages(b), b.toldPriority));
    }
    gone.clear();
    changed.clear();
    retained.clear();
    return events;
  }

  /** Every block of the cache, in no particular order. */
  public final List<CachedBlock> blocks() {
    settle();
    List<CachedBlock> all = new ArrayList<>();
    walk((b, before, holders) -> all.add(shown(b, number(before), holders)));
    return all;
  }

  /** The block as it is now; the record of the last time if nothing is different. */
  private CachedBlock shown(Block b, int before, int holders) {
    CachedBlock last = b.shown;
    if (last == null
        || last.parent() != before
        || last.holders() != holders
        || last.priority() != b.stay().priority()
        || !samePages(last.pages(), b)) {
      b.shown =
          new CachedBlock(number(b), before, b.tokens, pages(b), b.stay().priority(), holders);
    }
    return b.shown;
  }

  private static boolean samePages(int[][] told, Block block) {
    for (int pool = 0; pool < told.length; pool++) {
      for (int i = 0; i < told[pool].length; i++) {
        if (told[pool][i] != told(block.pages[pool][i])) {
          return false;
        }
      }
    }
    return true;
  }

  /** The number of the last block that a lease holds; {@link BlockKept#ROOT} if it holds none. */
  public final int last(Lease lease) {
    return number(end(lease.inPages()));
  }

  private int number(Block block) {
    if (block == null) {
      return BlockKept.ROOT;
    }
    if (block.number < 0) {
      block.number = numbers++;
    }
    return block.number;
  }

  private static int[][] pages(Block block) {
    int[][] pages = new int[block.pages.length][]; // [pools][pages of a block]
    for (int pool = 0; pool < pages.length; pool++) {
      pages[pool] = block.pages[pool].clone();
      for (int i = 0; i < pages[pool].length; i++) {
        pages[pool][i] = told(pages[pool][i]);
      }
    }
    return pages;
  }

  private static int told(int page) {
    return page == Block.GONE ? BlockKept.GONE : page;
  }

  /** Takes a block, the one before it (null for the first), and how many sequences hold it. */
  interface Visit {
    void block(Block block, Block before, int holders);
  }

  /** Visits every block. */
  abstract void walk(Visit visit);

  /** The block before another one; null for the first of a sequence. */
  abstract Block before(Block block);

  /** The last block that a lease holds; null if it holds none. */
  abstract Block end(Lease lease);

  /** Finds changes that were not seen when they happened. */
  void settle() {}
}
