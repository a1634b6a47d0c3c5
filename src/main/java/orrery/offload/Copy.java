package orrery.offload;

/**
 * One copy of a part between pages of the KV cache and a host slot.
 *
 * <p>The engine's thread makes it and reads its {@link #state} when {@link Mover#settled} hands it
 * over, or after {@link Mover#finish} and {@link Mover#cancel}.
 */
public final class Copy {
  /** Where from, and where to. */
  public enum Way {
    /** From pages into a host slot. */
    STORE,
    /** From a host slot into pages. */
    LOAD
  }

  /** How far it is. */
  public enum State {
    WAITING,
    COPYING,
    DONE,
    FAILED,
    CANCELLED;

    /** Whether nothing will be copied any more. */
    public boolean ended() {
      return this != WAITING && this != COPYING;
    }
  }

  /** In place of a page that the copy leaves out. */
  public static final int NO_PAGE = 0; // the dummy, which no part has

  private final Way way;
  private final Part part;
  private final int slot;
  private final int[] pages; // [pages of a part] of the KV cache, or NO_PAGE
  private volatile State state = State.WAITING;

  /**
   * @param slot of the host pool
   * @param pages [pages of a part] of the pool; a load may leave pages out ({@link #NO_PAGE}), a
   *     store has all
   */
  public Copy(Way way, Part part, int slot, int[] pages) {
    this.way = way;
    this.part = part;
    this.slot = slot;
    this.pages = pages.clone();
  }

  public Way way() {
    return way;
  }

  public Part part() {
    return part;
  }

  public int slot() {
    return slot;
  }

  public int[] pages() {
    return pages;
  }

  public State state() {
    return state;
  }

  /** Only the mover changes the state. */
  void state(State now) {
    state = now;
  }

  @Override
  public String toString() {
    return way + " " + part + " " + state;
  }
}
