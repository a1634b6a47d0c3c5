package orrery.kv;

/**
 * The state of every page of one pool. A page is
 *
 * <pre>
 *   free        on the stack                    take() ──> referenced
 *   referenced  by one or more sequences        retain / release
 *   idle        by no sequence, but the prefix cache keeps it: evictable, in a queue
 *   page 0      the dummy: written by padding rows, never handed out
 * </pre>
 *
 * and always {@code free + referenced + idle + 1 = total}. Sequences may also reference a page that
 * the prefix cache keeps. When the last of them releases it, the page becomes idle instead of free.
 * Idle pages of one priority stand in a queue in the order in which they became idle, as the free
 * blocks of vLLM do ({@code v1/core/block_pool.py}); each priority has a queue of its own, as in
 * TensorRT-LLM ({@code batch_manager/evictionPolicy.cpp}). To enter a queue, to leave it from any
 * place and to find the page that is evicted first takes constant time.
 */
public final class PagePool {
  /** The page that padding rows write to. */
  public static final int DUMMY = 0;

  /** Priorities of kept pages are less than this, and at least 0. */
  public static final int PRIORITIES = 101;

  private final int[] free; // [pages] the first `available` are free
  private final int[] references; // [pages] sequences that hold the page
  private final boolean[] cached; // [pages] the prefix cache keeps it
  private final IdlePages queue; // those that only the prefix cache keeps
  private int available;

  /**
   * @param pages all pages, the dummy included
   * @throws IllegalArgumentException if there are fewer than 2
   */
  public PagePool(int pages) {
    if (pages < 2) {
      throw new IllegalArgumentException(
          "pages: expected at least 2 (one is the dummy), found " + pages);
    }
    free = new int[pages];
    references = new int[pages];
    cached = new boolean[pages];
    queue = new IdlePages(pages, PRIORITIES);
    for (int page = pages - 1; page > DUMMY; page--) {
      free[available++] = page; // page 1 is taken first
    }
  }

  /** All pages, the dummy included. */
  public int total() {
    return free.length;
  }

  /** Free pages. */
  public int available() {
    return available;
  }

  /** Pages that only the prefix cache keeps. */
  public int idle() {
    return queue.size();
  }

  /**
   * The page that has been idle for longest, of those with the lowest priority, or {@link #DUMMY}
   * if none is idle.
   */
  public int firstIdle() {
    return queue.first();
  }

  /** The priority of a page that the prefix cache keeps. */
  public int priority(int page) {
    return queue.priority(page);
  }

  /** Pages that sequences hold. */
  public int referenced() {
    return total() - 1 - available - idle();
  }

  /** Sequences that hold a page. */
  public int references(int page) {
    return references[page];
  }

  /** Whether the prefix cache keeps a page. */
  public boolean isCached(int page) {
    return cached[page];
  }

  /**
   * Takes a free page for one sequence.
   *
   * @throws IllegalStateException if no page is free; see {@link #available}
   */
  public int take() {
    if (available == 0) {
      throw new IllegalStateException(
          "no free page: of "
              + total()
              + " are "
              + referenced()
              + " referenced, "
              + idle()
              + " idle");
    }
    int page = free[--available];
    references[page] = 1;
    return page;
  }

  /**
   * One more sequence holds a page that other sequences or the prefix cache hold already.
   *
   * @throws IllegalStateException if the page is the dummy or free
   */
  public void retain(int page) {
    require(page != DUMMY && (references[page] > 0 || cached[page]), page, "retained");
    if (references[page]++ == 0) {
      queue.leave(page);
    }
  }

  /**
   * A sequence gives a page up.
   *
   * @return whether the page became free
   * @throws IllegalStateException if no sequence holds the page
   */
  public boolean release(int page) {
    require(references[page] > 0, page, "released");
    if (--references[page] > 0) {
      return false;
    }
    if (cached[page]) {
      queue.enter(page);
      return false;
    }
    free[available++] = page;
    return true;
  }

  /**
   * The prefix cache begins to keep a page that a sequence holds.
   *
   * @param as its priority
   * @throws IllegalStateException if no sequence holds the page, or if it is kept already
   */
  public void keep(int page, int as) {
    require(references[page] > 0 && !cached[page], page, "cached");
    cached[page] = true;
    queue.prioritise(page, as);
  }

  /**
   * Gives a page that the prefix cache keeps another priority. If it is idle, it is the newest of
   * that priority.
   *
   * @throws IllegalStateException if the prefix cache does not keep the page
   */
  public void prioritise(int page, int as) {
    require(cached[page], page, "given a priority");
    if (queue.priority(page) == as) {
      return;
    }
    boolean moves = references[page] == 0;
    if (moves) {
      queue.leave(page);
    }
    queue.prioritise(page, as);
    if (moves) {
      queue.enter(page);
    }
  }

  /**
   * The prefix cache lets a page go.
   *
   * @return whether the page became free
   * @throws IllegalStateException if the prefix cache does not keep the page
   */
  public boolean drop(int page) {
    require(cached[page], page, "dropped from the cache");
    cached[page] = false;
    if (references[page] > 0) {
      return false;
    }
    queue.leave(page);
    free[available++] = page;
    return true;
  }

  private void require(boolean holds, int page, String what) {
    if (!holds) {
      throw new IllegalStateException(
          "page "
              + page
              + " cannot be "
              + what
              + ": it has "
              + references[page]
              + " references and is "
              + (cached[page] ? "" : "not ")
              + "cached");
    }
  }

  /**
   * Recounts everything.
   *
   * @throws IllegalStateException if the books do not balance
   */
  public void check() {
    boolean[] isFree = new boolean[total()];
    for (int i = 0; i < available; i++) {
      if (isFree[free[i]] || free[i] == DUMMY) {
        throw new IllegalStateException("page " + free[i] + " is on the free stack twice");
      }
      isFree[free[i]] = true;
    }
    int idleFound = 0;
    int referencedFound = 0;
    for (int page = 1; page < total(); page++) {
      if (references[page] > 0) {
        referencedFound++;
      } else if (cached[page]) {
        idleFound++;
      }
      boolean held = references[page] > 0 || cached[page];
      if (held == isFree[page]) {
        throw new IllegalStateException("page " + page + " is both free and held, or neither");
      }
    }
    if (available + referencedFound + idleFound + 1 != total() || idleFound != idle()) {
      throw new IllegalStateException(
          String.format(
              "free %d + referenced %d + idle %d (booked %d) + 1 dummy is not %d",
              available, referencedFound, idleFound, idle(), total()));
    }
    queue.check(page -> references[page] == 0 && cached[page]);
  }
}
