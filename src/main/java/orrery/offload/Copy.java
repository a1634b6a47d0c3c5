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
  private volatile State state = State.WAITING; // publishes what follows
  private Pieces own; // of a store that a mover has
  private int copied; // pieces
  private int taken; // pieces that another thread than the mover's copied
  private long began; // nanoseconds
  private long ended;
  private Throwable failure; // null unless it failed

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

  /** When its first piece was begun, in nanoseconds on the mover's clock; 0 if none was. */
  public long began() {
    return began;
  }

  /** When it ended. */
  public long ended() {
    return ended;
  }

  /** Pieces that another thread than the mover's copied, since it could not wait. */
  public int taken() {
    return taken;
  }

  /** Why it failed; null if it did not. */
  public Throwable failure() {
    return failure;
  }

  // What follows is for movers.

  void pieces(Pieces own) {
    this.own = own;
  }

  /**
   * The pieces of a store.
   *
   * @throws IllegalStateException if no mover has it
   */
  Pieces ownPieces() {
    if (own == null) {
      throw new IllegalStateException("no mover was asked to store " + part);
    }
    return own;
  }

  void begin(long nanos) {
    if (state == State.WAITING) {
      began = nanos;
      state = State.COPYING;
    }
  }

  void copied(boolean taken) {
    copied++;
    this.taken += taken ? 1 : 0;
  }

  /** How many pieces are copied. */
  int pieces() {
    return copied;
  }

  void failure(Throwable why) {
    failure = why;
  }

  void end(long nanos, State how) {
    ended = nanos;
    state = how;
  }

  @Override
  public String toString() {
    return way + " " + part + " " + state;
  }
}
