package orrery.prefix;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.ObjIntConsumer;
import orrery.events.BlockGone;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.Keyframe.CachedBlock;
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
  private final List<Integer> gone = new ArrayList<>(); // numbers
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

  /** A block left the cache. */
  final void left(Block block) {
    if (watched) {
      changed.remove(block);
      if (block.number >= 0) {
        gone.add(block.number);
      }
    }
  }

  /**
   * What became of the blocks since the last call: those that left, then those that entered or have
   * other pages now.
   *
   * @param nanos the events' time
   */
  public final List<Event.Books> changes(long nanos) {
    settle();
    List<Event.Books> events = new ArrayList<>(gone.size() + changed.size());
    gone.forEach(number -> events.add(new BlockGone(nanos, number)));
    for (Block b : changed) {
      int number = number(b);
      events.add(new BlockKept(nanos, number, number(before(b)), b.tokens, pages(b)));
    }
    gone.clear();
    changed.clear();
    return events;
  }

  /** Every block of the cache, by rising number. */
  public final List<CachedBlock> blocks() {
    settle();
    List<CachedBlock> all = new ArrayList<>();
    walk(
        (b, holders) ->
            all.add(new CachedBlock(number(b), number(before(b)), b.tokens, pages(b), holders)));
    all.sort(Comparator.comparingInt(CachedBlock::block));
    return all;
  }

  /** The number of the last block that a lease holds; {@link BlockKept#ROOT} if it holds none. */
  public final int last(Lease lease) {
    return number(end(lease));
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
        pages[pool][i] = pages[pool][i] == Block.GONE ? BlockKept.GONE : pages[pool][i];
      }
    }
    return pages;
  }

  /** Visits every block, with the number of sequences that hold it. */
  abstract void walk(ObjIntConsumer<Block> visit);

  /** The block before another one; null for the first of a sequence. */
  abstract Block before(Block block);

  /** The last block that a lease holds; null if it holds none. */
  abstract Block end(Lease lease);

  /** Finds changes that were not seen when they happened. */
  void settle() {}
}
