package orrery.kv;

import java.util.BitSet;
import java.util.function.IntPredicate;

/**
 * The idle pages of a {@link PagePool}: a queue for each priority. To enter a queue, to leave it
 * from any place and to find the first page takes constant time.
 */
final class IdlePages {
  private final int pages;
  private final byte[] priority; // [pages] of a page that the prefix cache keeps
  // A queue is a ring in which its head, pages + priority, stands between the newest and the
  // oldest.
  private final int[] older; // [pages + priorities] the page that became idle before this one
  private final int[] newer; // [pages + priorities] the page that became idle after this one
  private final BitSet waiting; // priorities whose queue has pages
  private int size;

  IdlePages(int pages, int priorities) {
    this.pages = pages;
    priority = new byte[pages];
    older = new int[pages + priorities];
    newer = new int[pages + priorities];
    waiting = new BitSet(priorities);
    for (int head = pages; head < older.length; head++) {
      older[head] = head;
      newer[head] = head;
    }
  }

  int size() {
    return size;
  }

  /** The oldest page of the lowest priority; the dummy if there is none. */
  int first() {
    return size == 0 ? PagePool.DUMMY : newer[pages + waiting.nextSetBit(0)];
  }

  int priority(int page) {
    return priority[page];
  }

  /** Gives a page that is in no queue another priority. */
  void prioritise(int page, int as) {
    priority[page] = (byte) as;
  }

  void enter(int page) {
    int head = pages + priority[page];
    int newest = older[head];
    older[page] = newest;
    newer[newest] = page;
    newer[page] = head;
    older[head] = page;
    waiting.set(priority[page]);
    size++;
  }

  void leave(int page) {
    newer[older[page]] = newer[page];
    older[newer[page]] = older[page];
    waiting.set(priority[page], newer[pages + priority[page]] < pages);
    size--;
  }

  /**
   * Recounts the queues.
   *
   * @param idle whether a page must be in one
   * @throws IllegalStateException if another is, or if the books do not balance
   */
  void check(IntPredicate idle) {
    int queued = 0;
    for (int head = pages; head < older.length; head++) {
      for (int page = newer[head]; page != head; page = newer[page]) {
        boolean here = pages + priority[page] == head && waiting.get(priority[page]);
        if (!idle.test(page) || !here || queued++ > size) {
          throw new IllegalStateException("page " + page + " is queued as idle, but is not");
        }
      }
    }
    if (queued != size) {
      throw new IllegalStateException(queued + " pages are queued as idle, " + size + " booked");
    }
  }
}
