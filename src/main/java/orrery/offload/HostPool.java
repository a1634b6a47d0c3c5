package orrery.offload;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Host memory for parts (L2): for each pool of the KV cache a number of slots, each of which holds
 * one part in its {@link PartLayout}. The memory lies outside the Java heap, and is bounded by the
 * number of slots.
 *
 * <p>Only the engine's thread takes and gives slots; a mover reads and writes the bytes of slots
 * that are taken.
 */
public final class HostPool implements AutoCloseable {
  /** No slot. */
  public static final int NONE = -1;

  private final PartLayout layout;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment[] memory; // [pools] slots, one after the other
  private final int[][] free; // [pools][slots] the first `available` are free
  private final int[] available; // [pools]
  private final boolean[][] taken; // [pools][slots]

  /**
   * Takes the memory.
   *
   * @param slots [pools] of each pool; 0 where a pool has no parts
   * @throws IllegalArgumentException if a pool with parts has no slot, or one without has some
   */
  public HostPool(PartLayout layout, int[] slots) {
    this.layout = layout;
    this.memory = new MemorySegment[slots.length];
    this.free = new int[slots.length][];
    this.available = slots.clone();
    this.taken = new boolean[slots.length][];
    try {
      allocate(slots);
    } catch (Throwable e) {
      arena.close(); // the pools before the one that failed
      throw e;
    }
  }

  private void allocate(int[] slots) {
    for (int pool = 0; pool < slots.length; pool++) {
      if (slots[pool] > 0 != layout.pages(pool) > 0) {
        throw new IllegalArgumentException(
            "host slots of pool "
                + pool
                + ": found "
                + slots[pool]
                + " for parts of "
                + layout.pages(pool)
                + " pages");
      }
      memory[pool] = arena.allocate((long) slots[pool] * layout.bytes(pool), 64);
      taken[pool] = new boolean[slots[pool]];
      free[pool] = new int[slots[pool]];
      int last = slots[pool] - 1;
      Arrays.setAll(free[pool], i -> last - i); // slot 0 is taken first
    }
  }

  public PartLayout layout() {
    return layout;
  }

  /** All slots of a pool. */
  public int total(int pool) {
    return free[pool].length;
  }

  /** Free slots of a pool. */
  public int available(int pool) {
    return available[pool];
  }

  /** Takes a free slot; {@link #NONE} if there is none. */
  public int take(int pool) {
    if (available[pool] == 0) {
      return NONE;
    }
    int slot = free[pool][--available[pool]];
    taken[pool][slot] = true;
    return slot;
  }

  /**
   * Gives a slot back.
   *
   * @throws IllegalStateException if it is free
   */
  public void give(int pool, int slot) {
    if (!taken[pool][slot]) {
      throw new IllegalStateException("slot " + slot + " of pool " + pool + " is free already");
    }
    taken[pool][slot] = false;
    free[pool][available[pool]++] = slot;
    assert poisoned(pool, slot);
  }

  /** The bytes of a slot. */
  public MemorySegment at(int pool, int slot) {
    return memory[pool].asSlice((long) slot * layout.bytes(pool), layout.bytes(pool));
  }

  private boolean poisoned(int pool, int slot) {
    at(pool, slot).fill((byte) 0xFF); // NaN in every format
    return true;
  }

  /** Frees the memory; no mover may still use it. */
  @Override
  public void close() {
    arena.close();
  }
}
