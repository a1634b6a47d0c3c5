package orrery.kv;

/**
 * Which sequence has which of the {@link DeviceBuffers}. A sequence takes one when it is first in a
 * step, and has it until its pages are released.
 *
 * <p>Each time that a buffer is taken it gets a new number, its term. An op that reads the buffer
 * compares the term with that of the entries in it, so a buffer need not be cleared when it is
 * given back, while a step may still read it.
 */
final class BufferTerms {
  private final int[] free; // [count] a stack
  private int available;
  private int terms; // drawn so far

  BufferTerms(int count) {
    free = new int[count];
    while (available < count) {
      free[available] = count - 1 - available++;
    }
  }

  /** Gives a table a buffer, unless it has one. */
  void take(PageTable table) {
    if (table.buffer() == PageTable.NO_BUFFER) {
      if (available == 0) {
        throw new IllegalStateException(
            "device buffers: all " + free.length + " are taken, and one more sequence runs");
      }
      table.buffer(free[--available], ++terms);
    }
  }

  /** Takes back the buffer of a table, if it has one. */
  void giveBack(PageTable table) {
    if (table.buffer() != PageTable.NO_BUFFER) {
      free[available++] = table.buffer();
      table.buffer(PageTable.NO_BUFFER, 0);
    }
  }
}
