package orrery.offload;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Parts with rows that follow from their names, so that a wrong byte of any of them is seen. */
final class Parts {
  private Parts() {}

  /** The part of this number. */
  static Part part(int number) {
    BlockKey root = BlockKey.root("rows of a test", "");
    return new Part(root.next(new int[] {number}, 0, 1), number % 3);
  }

  /** Its rows. */
  static MemorySegment rows(Part part, int bytes) {
    byte[] rows = new byte[bytes];
    new Random(part.block().a() + part.pool()).nextBytes(rows);
    return Arena.ofAuto().allocateFrom(ValueLayout.JAVA_BYTE, rows);
  }

  /** The rows of the part of this number. */
  static MemorySegment rows(int number, int bytes) {
    return rows(part(number), bytes);
  }

  /** Room for rows, which has other bytes so far. */
  static MemorySegment room(int bytes) {
    MemorySegment room = Arena.ofAuto().allocate(Math.max(1, bytes)).asSlice(0, bytes);
    return room.fill((byte) 0x5A);
  }

  /** What a store has under this number: null for a miss. */
  static MemorySegment read(PartStore store, int number, int bytes) {
    MemorySegment into = room(bytes);
    return store.get(part(number), into) ? into : null;
  }

  /** Whether a store has the rows of this number; fails if it has others. */
  static boolean has(PartStore store, int number, int bytes) {
    MemorySegment found = read(store, number, bytes);
    if (found != null && found.mismatch(rows(number, bytes)) >= 0) {
      throw new AssertionError("part " + number + " has wrong bytes");
    }
    return found != null;
  }
}
