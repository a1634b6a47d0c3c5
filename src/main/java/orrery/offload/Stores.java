package orrery.offload;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import orrery.prefix.Block;
import orrery.prefix.BlockCache;

/**
 * Copies blocks of the KV cache to host memory: when the {@link WritePolicy} says so, and at the
 * latest when a page of theirs is about to go.
 *
 * <pre>
 *   entered, used ──policy──> store ──> [mover's queue] ──> whole
 *                               ·             ·
 *   a page goes ────policy──> store and finish, or finish what waits, or cancel it
 * </pre>
 *
 * <p>So no copy keeps a page: what the pool calls idle can become free at once, after a copy of
 * microseconds at most.
 */
final class Stores implements BlockCache.Leaving {
  /** What is known of a block in the KV cache. */
  private static final class Known {
    final BlockKey key;
    int uses; // sequences that had it, the one that computed it too

    Known(BlockKey key) {
      this.key = key;
    }
  }

  private final PartLayout layout;
  private final HostIndex host;
  private final Mover mover;
  private final WritePolicy policy;
  private final TierReport report;
  private final Consumer<HostPart> whole;
  private final Map<Block, Known> known = new IdentityHashMap<>(); // all blocks of the KV cache
  private final List<Block> due = new ArrayList<>(); // to be stored at a better time
  private boolean forgetting; // whether what leaves now is not wanted any more

  /**
   * @param whole takes each part that came to lie on the host
   */
  Stores(
      PartLayout layout,
      HostIndex host,
      Mover mover,
      WritePolicy policy,
      TierReport report,
      Consumer<HostPart> whole) {
    this.whole = whole;
    this.layout = layout;
    this.host = host;
    this.mover = mover;
    this.policy = policy;
    this.report = report;
  }

  /** The name of a block of the KV cache. */
  BlockKey key(Block block) {
    return known.get(block).key;
  }

  /** Blocks of the KV cache. */
  int blocks() {
    return known.size();
  }

  /** A sequence has computed a block; it is in the KV cache now, or was there. */
  void entered(Block block, BlockKey key) {
    Known of = known.computeIfAbsent(block, _ -> new Known(key));
    of.uses++;
    if (policy.wants(of.uses)) {
      store(block, of);
    }
    retained(block);
  }

  /** A hit took a block. Its copy begins with {@link #begin}, since it may push out other parts. */
  void used(Block block) {
    Known of = known.get(block);
    of.uses++;
    if (policy.wants(of.uses)) {
      due.add(block);
    }
  }

  /** Begins the copies that used blocks wait for. */
  void begin() {
    for (Block block : due) {
      Known of = known.get(block);
      if (of != null) { // else it has left since
        store(block, of);
      }
    }
    due.clear();
  }

  private void store(Block block, Known of) {
    for (int pool = 0; pool < layout.pools(); pool++) {
      HostPart part = prepare(block, of, pool);
      if (part != null && !mover.store(part.storing())) {
        giveUp(part); // too many wait: it is stored when it leaves
      }
    }
  }

  /** Gives a part that is whole in the KV cache a slot; null if there is nothing to do, or none. */
  private HostPart prepare(Block block, Known of, int pool) {
    Part part = new Part(of.key, pool);
    int[] pages = pages(block, pool);
    if (pages.length == 0 || host.find(part) != null) {
      return null;
    }
    HostPart added = host.add(part, block.stay().priority());
    if (added == null) {
      report.notStored(part, host.why(pool));
      return null;
    }
    host.retain(part, block.stay());
    host.storing(pool, 1);
    added.storing(new Copy(Copy.Way.STORE, part, added.slot, pages), block);
    return added;
  }

  /** The pages of a part; none if the block lacks one. */
  private int[] pages(Block block, int pool) {
    int[] pages = new int[layout.pages(pool)]; // [pages of a part]
    for (int i = 0; i < pages.length; i++) {
      pages[i] = block.own(pool, layout.first(pool) + i);
      if (pages[i] == Block.GONE) {
        return new int[0];
      }
    }
    return pages;
  }

  @Override
  public void page(Block block, int pool, int i) {
    Known of = known.get(block);
    if (of == null) {
      return; // it has not entered yet
    }
    HostPart part = host.find(new Part(of.key, pool));
    if (forgetting) {
      if (part != null && part.comesFrom(block)) {
        cancel(part);
      }
    } else if (part == null && policy.wantsLeaving(of.uses)) {
      part = prepare(block, of, pool);
      if (part != null) {
        mover.store(part.storing()); // if it does not take it, finishing makes all of it
      }
    }
    if (part != null && part.comesFrom(block) && !forgetting) {
      finish(part);
    }
    if (host.whole(new Part(of.key, pool)) == null) {
      host.lost();
    }
  }

  private void finish(HostPart part) {
    Copy copy = part.storing();
    if (mover.finish(copy)) {
      stored(part);
    } else {
      drop(part, why(copy));
    }
  }

  /** Ends the copies that wait, on this thread, while it has nothing else to do. */
  void finishAll() {
    for (int pool = 0; pool < layout.pools(); pool++) {
      host.each(
          pool,
          part -> {
            if (part.storing() != null) {
              finish(part);
            }
          });
    }
  }

  private static String why(Copy copy) {
    return copy.failure() == null ? "cancelled" : copy.failure().toString();
  }

  /** Takes back the slot of a part that was on its way. */
  private void drop(HostPart part, String why) {
    report.notStored(part.part, why);
    giveUp(part);
  }

  private void giveUp(HostPart part) {
    host.storing(part.part.pool(), -1);
    host.remove(part);
  }

  private void stored(HostPart part) {
    report.stored(part.storing());
    part.stored();
    host.storing(part.part.pool(), -1);
    whole.accept(part);
  }

  private void cancel(HostPart part) {
    mover.cancel(part.storing());
    drop(part, "cancelled");
  }

  @Override
  public void block(Block block) {
    known.remove(block);
  }

  @Override
  public void retained(Block block) {
    Known of = known.get(block);
    for (int pool = 0; of != null && pool < layout.pools(); pool++) {
      host.retain(new Part(of.key, pool), block.stay());
    }
  }

  /** A store has ended; it may have been finished before. */
  void ended(Copy copy) {
    HostPart part = host.find(copy.part());
    if (part == null || part.storing() != copy) {
      return;
    }
    if (copy.state() == Copy.State.DONE) {
      stored(part);
    } else {
      drop(part, why(copy));
    }
  }

  /** Runs what takes blocks out of the KV cache that are not wanted any more, on no tier. */
  void forget(Runnable clear) {
    forgetting = true;
    try {
      clear.run();
    } finally {
      forgetting = false;
    }
  }

  /** Empties host memory; a slot that is being read or filled is free when that has ended. */
  void clearHost() {
    for (int pool = 0; pool < layout.pools(); pool++) {
      host.each(
          pool,
          part -> {
            if (part.storing() != null) {
              cancel(part);
            } else {
              host.flush(part);
            }
          });
    }
  }

  /**
   * Checks that the pages of each store are still those of its block.
   *
   * @throws IllegalStateException if not
   */
  void check() {
    for (int pool = 0; pool < layout.pools(); pool++) {
      for (Block block : known.keySet()) {
        HostPart part = host.find(new Part(key(block), pool));
        if (part != null
            && part.comesFrom(block)
            && !Arrays.equals(part.storing().pages(), pages(block, pool))) {
          throw new IllegalStateException(part.storing() + ": its pages have gone");
        }
      }
    }
  }
}
