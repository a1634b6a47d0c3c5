package orrery.events;

/**
 * Everything that happens in the engine, as it happens. Terminal view, traces, metrics and
 * benchmarks read these; none of them looks into the engine.
 *
 * <p>Times are nanoseconds on the engine's clock, 0 at its start. A <em>sequence</em> is one choice
 * of one request; a request with n = 1 has one.
 */
public sealed interface Event {
  /** When it happened. */
  long nanos();

  /** A request came in. */
  record Submitted(long nanos, int request, int promptTokens, int maxTokens, int choices)
      implements Event {}

  /**
   * A sequence started, or started again after a retraction; {@code hit} tokens came from the
   * cache.
   */
  record Admitted(long nanos, int request, int sequence, int hit, int retractions)
      implements Event {}

  /** Another choice of a request started with {@code shared} tokens of its sibling's pages. */
  record Forked(long nanos, int request, int sequence, int sibling, int shared) implements Event {}

  /** A sequence gave its pages up for want of memory; {@code lost} tokens are computed again. */
  record Retracted(long nanos, int request, int sequence, int lost) implements Event {}

  /** A sequence has one more token of its answer. */
  record TokenOut(
      long nanos, int request, int sequence, int index, int token, String text, Origin origin)
      implements Event {}

  /** How a token came about. */
  enum Origin {
    /** Nothing had been guessed. */
    PLAIN,
    /** It had been guessed, and the model said the same. */
    ACCEPTED,
    /** Something else had been guessed. */
    RECOVERED,
    /** All guesses were accepted, and this one came on top. */
    BONUS
  }

  /**
   * Guessed tokens of a sequence were verified, in one step together with its newest token.
   *
   * @param drafts the guesses
   * @param judged how many of them were looked at: all up to the first that was rejected, or up to
   *     the end of the answer
   * @param accepted how many of them became part of the answer
   * @param synthetic whether they were accepted for an experiment's sake, whatever the model says
   */
  record Verified(
      long nanos,
      int request,
      int sequence,
      int[] drafts,
      int judged,
      int accepted,
      boolean synthetic)
      implements Event {}

  /** A sequence ended: reason is stop, length, abort or error. */
  record Finished(
      long nanos, int request, int sequence, String reason, int promptTokens, int outputTokens)
      implements Event {}

  /** A request was turned away when it was submitted; it has no number. */
  record Rejected(long nanos, String why) implements Event {}

  /** Complete blocks of a sequence entered the prefix cache. */
  record PrefixInserted(long nanos, int sequence, int tokens) implements Event {}

  /** The prefix cache gave up pages of a pool. */
  record Evicted(long nanos, int pool, int pages) implements Event {}

  /**
   * Who holds each page of a pool after a step; sent only to sinks that {@link
   * EventSink#wantsPageMap}.
   *
   * @param holder [pages] the request that holds the page (one of them, if it is shared), {@link
   *     #IDLE} if only the prefix cache does, {@link #FREE}, or {@link #SHARED} if several do
   */
  record PageMap(long nanos, int pool, int[] holder) implements Event {
    public static final int FREE = -1;
    public static final int IDLE = -2;
    public static final int SHARED = -3;
  }

  /**
   * A step ran.
   *
   * @param step number, from 0
   * @param prefillRows rows of prompts (and of recomputed answers)
   * @param decodeRows rows of newest tokens
   * @param draftRows rows of guesses, verified beside newest tokens
   * @param paddingRows rows of nobody
   * @param running sequences running after the plan
   * @param waiting sequences waiting after the plan
   * @param freePages of pool 0
   * @param referencedPages of pool 0
   * @param idlePages of pool 0, evictable
   * @param stop which check stopped admission
   * @param planNanos first, time to plan and to reserve pages
   * @param draftNanos then, to guess, and to put all rows together
   * @param launchNanos then, of the forward pass
   * @param judgeNanos then, to decide tokens
   * @param followNanos then, for the drafter to catch up with them
   * @param commitNanos at last, to share pages, fork and finish
   */
  record StepDone(
      long nanos,
      long step,
      int prefillRows,
      int decodeRows,
      int draftRows,
      int paddingRows,
      int running,
      int waiting,
      int freePages,
      int referencedPages,
      int idlePages,
      String stop,
      long planNanos,
      long draftNanos,
      long launchNanos,
      long judgeNanos,
      long followNanos,
      long commitNanos)
      implements Event {
    /** Time of the whole step. */
    public long busyNanos() {
      return planNanos + draftNanos + launchNanos + judgeNanos + followNanos + commitNanos;
    }

    /** Rows that were computed. */
    public int rows() {
      return prefillRows + decodeRows + draftRows + paddingRows;
    }
  }
}
