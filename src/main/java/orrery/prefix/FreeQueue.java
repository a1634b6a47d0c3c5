package orrery.prefix;

import java.util.Comparator;
import java.util.TreeSet;
import orrery.prefix.HashBlock.Twins;

/**
 * The blocks of a {@link HashBlockCache} that can go: no sequence holds them, and no block of the
 * table needs them to be reached. The lowest priority goes first; among equals, the block that
 * became free first. A finished sequence frees its tail before its head, which other sequences are
 * likelier to share.
 *
 * <p>vLLM's queue has all free blocks. With one priority for all that is the same order: who holds
 * a block holds those before it, so a block never becomes free before those behind it. With
 * priorities, a head of low priority could go before its tail, which no look-up finds then.
 */
final class FreeQueue {
  private final TreeSet<HashBlock> queue =
      new TreeSet<>(
          Comparator.<HashBlock>comparingInt(e -> e.stay.priority())
              .thenComparingLong(e -> e.freed));
  private long clock;

  /** The last sequence that held a block has ended. */
  void freed(HashBlock e) {
    e.freed = ++clock;
    if (e.last()) {
      queue.add(e);
    }
  }

  /** Puts a block back to its place. */
  void add(HashBlock e) {
    queue.add(e);
  }

  /** Takes a block out; returns whether it was here. */
  boolean remove(HashBlock e) {
    return queue.remove(e);
  }

  boolean contains(HashBlock e) {
    return queue.contains(e);
  }

  boolean isEmpty() {
    return queue.isEmpty();
  }

  /** Takes the block out that is evicted first. */
  HashBlock take() {
    return queue.pollFirst();
  }

  /** Which of these others need to be reached has changed. */
  void settle(Twins twins) {
    for (HashBlock e : twins.all) {
      if (e.holders == 0) {
        if (e.last()) {
          queue.add(e);
        } else {
          queue.remove(e);
        }
      }
    }
  }
}
