package orrery.hisparse;

import java.util.Arrays;

/**
 * Which entries of one sequence lie in which slots of its buffer. If all slots are taken, the next
 * entry gets the slot of the entry that was used the longest time ago (LRU).
 *
 * <pre>
 *   hash table                 slots                   list of slots, by use
 *   entry 41 ─> slot 2         0: entry 7              least recently used ─ 1 ─ 0 ─ 2 ─ newest
 *   entry  7 ─> slot 0         1: entry 12
 *   entry 12 ─> slot 1         2: entry 41
 * </pre>
 *
 * <p>It takes memory for its slots, however many entries there are, and no call allocates.
 */
public final class SlotMap {
  private static final int GOLDEN = 0x9E3779B9; // 2^32 divided by the golden ratio: spreads entries

  private final int slots;
  private final int[] entryOf; // [slots]
  private final int[] older; // [slots + 1] the slot used before; the last one is both ends
  private final int[] newer; // [slots + 1] the slot used after
  private final int[] table; // [2^n] slot + 1, or 0 if empty; open addressing, one by one
  private final int shift; // 32 - n
  private int size;

  /** A map without entries. */
  public SlotMap(int slots) {
    this.slots = slots;
    entryOf = new int[slots];
    older = new int[slots + 1];
    newer = new int[slots + 1];
    table = new int[tableSize(slots)];
    shift = 32 - Integer.numberOfTrailingZeros(table.length);
    clear();
  }

  private static int tableSize(int slots) {
    return Math.max(2, 2 * Integer.highestOneBit(Math.max(1, 2 * slots - 1))); // at most half full
  }

  /** Bytes of a map with so many slots. */
  public static long bytes(int slots) {
    return 4L * (3L * slots + 2 + tableSize(slots));
  }

  /** How many entries there are. */
  public int size() {
    return size;
  }

  /** Whether the next new entry takes the slot of another one. */
  public boolean full() {
    return size == slots;
  }

  /** The slot of an entry, or -1 if it has none. This is no use of the entry. */
  public int get(int entry) {
    int at = find(entry);
    return table[at] - 1;
  }

  /** Makes a slot the one that was used last. */
  public void touch(int slot) {
    unlink(slot);
    append(slot);
  }

  /**
   * Gives an entry a slot, which is the one used last then.
   *
   * @param entry that has none
   */
  public int put(int entry) {
    int slot;
    if (full()) {
      slot = newer[slots];
      unlink(slot);
      forget(entryOf[slot]);
    } else {
      slot = size++;
    }
    entryOf[slot] = entry;
    table[find(entry)] = slot + 1;
    append(slot);
    return slot;
  }

  /** Forgets all entries. */
  public void clear() {
    Arrays.fill(table, 0);
    older[slots] = slots;
    newer[slots] = slots;
    size = 0;
  }

  private void unlink(int slot) {
    newer[older[slot]] = newer[slot];
    older[newer[slot]] = older[slot];
  }

  private void append(int slot) {
    int last = older[slots];
    newer[last] = slot;
    older[slot] = last;
    newer[slot] = slots;
    older[slots] = slot;
  }

  /** Where an entry stands in the table, or the empty place where it would stand. */
  private int find(int entry) {
    int at = home(entry);
    while (table[at] != 0 && entryOf[table[at] - 1] != entry) {
      at = (at + 1) & (table.length - 1);
    }
    return at;
  }

  private int home(int entry) {
    return entry * GOLDEN >>> shift;
  }

  /**
   * Empties the place of an entry, and moves those behind it forward that would not be found any
   * more (Knuth, "The Art of Computer Programming", vol. 3, 6.4, algorithm R).
   */
  private void forget(int entry) {
    int mask = table.length - 1;
    int gap = find(entry);
    for (int at = (gap + 1) & mask; table[at] != 0; at = (at + 1) & mask) {
      int distance = (at - home(entryOf[table[at] - 1])) & mask; // from home to where it stands
      if (distance >= ((at - gap) & mask)) {
        table[gap] = table[at];
        gap = at;
      }
    }
    table[gap] = 0;
  }
}
