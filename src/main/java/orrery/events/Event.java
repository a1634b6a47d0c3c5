package orrery.events;

import java.util.List;

/**
 * Everything that happens in the engine, as it happens. Terminal view, traces, metrics and
 * benchmarks read these events; none of them looks into the engine.
 *
 * <p>Times are nanoseconds on the engine's clock, 0 at its start. A <em>sequence</em> is one choice
 * of one request; a request with n = 1 has one.
 */
public sealed interface Event {
  /** When the event happened, in nanoseconds on the engine's clock. */
  long nanos();

  /**
   * How the engine's books stand, or how they changed: which pages a sequence holds, and which the
   * prefix cache keeps. Such events say much, so they come only to sinks that {@link
   * EventSink#wantsBooks}. A reader that begins with a {@link Keyframe} and follows the others has
   * the books of every step, without a look into the engine.
   */
  sealed interface Books extends Event
      permits Keyframe, Vocabulary, BlockGone, BlockKept, Holds, StepRows {}

  /**
   * What moves between the tiers of the prefix cache: the KV cache's own pages ("device"), host
   * memory and files. An engine without a host tier has no such event.
   */
  sealed interface Tiers extends Event
      permits HostHit,
          Stored,
          NotStored,
          Loaded,
          HostPools,
          Prefetching,
          Prefetched,
          PartsRead,
          Written,
          StorageFault {}

  /**
   * A request came in.
   *
   * @param prompt [promptTokens]; the request's own: a sink must not change it
   */
  record Submitted(
      long nanos, int request, int promptTokens, int maxTokens, int choices, int[] prompt)
      implements Event {}

  /**
   * A sequence started, or started again after a retraction; {@code hit} tokens came from the
   * cache. In a decode engine it has got its pages; {@link Queued} says when it runs.
   */
  record Admitted(long nanos, int request, int sequence, int hit, int retractions)
      implements Event {}

  /** Another choice of a request started with {@code shared} tokens of its sibling's pages. */
  record Forked(long nanos, int request, int sequence, int sibling, int shared) implements Event {}

  /**
   * A sequence gave up its pages because memory was short; it will compute {@code lost} tokens
   * again.
   */
  record Retracted(long nanos, int request, int sequence, int lost) implements Event {}

  /**
   * A sequence has one more token of its answer.
   *
   * @param logprob its natural log-probability; NaN if the request asked for none
   * @param top the likeliest tokens at this place; empty if the request asked for none, or no sink
   *     wants the books
   */
  record TokenOut(
      long nanos,
      int request,
      int sequence,
      int index,
      int token,
      String text,
      Origin origin,
      float logprob,
      List<TopToken> top)
      implements Event {}

  /**
   * One of the likeliest tokens at a place.
   *
   * @param text of the token alone; empty without a tokenizer
   */
  record TopToken(int token, String text, float logprob) {}

  /** How a token came about. */
  enum Origin {
    /** No token had been guessed at this position. */
    PLAIN,
    /** This token had been guessed, and the model gave the same one. */
    ACCEPTED,
    /** Another token had been guessed, and the model gave this one. */
    RECOVERED,
    /** All guesses were accepted, and the model gave this token on top. */
    BONUS
  }

  /**
   * A step verified the guessed tokens of a sequence, together with its newest token.
   *
   * @param drafts the guesses
   * @param judged how many drafts were looked at: up to the first rejected one, itself included, or
   *     up to the end of the answer
   * @param accepted how many drafts became part of the answer
   * @param synthetic whether an experiment accepts drafts at a given rate, whatever the model says
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

  /**
   * A sequence ended: reason is stop, length, abort or error; text is what had been held back until
   * then and came with no token.
   */
  record Finished(
      long nanos,
      int request,
      int sequence,
      String reason,
      int promptTokens,
      int outputTokens,
      String text)
      implements Event {}

  /**
   * A request that begins in one engine and goes on in another has come into another queue.
   *
   * @param sequence its first choice
   */
  record Queued(long nanos, int request, int sequence, Queue queue) implements Event {}

  /**
   * Where a request stands on its way from a prefill engine to a decode engine. The names are those
   * of SGLang ({@code disaggregation/prefill.py}, {@code decode.py}); {@code WAITING} is a queue of
   * both sides.
   */
  enum Queue {
    /** Prefill: the decode engine has no pages for it yet. */
    BOOTSTRAP,
    /** Decode: it waits for pages. */
    PREALLOC,
    /** Decode: it has pages, and its rows are to come. */
    TRANSFER,
    /** Prefill: its prompt may be computed. Decode: its rows are here, and it waits for a place. */
    WAITING,
    /** Decode: it runs. */
    RUNNING,
    /** Prefill: its prompt is computed, and its pages stay until they are sent. */
    INFLIGHT
  }

  /** A request was refused when it was submitted; it got no number. */
  record Rejected(long nanos, String why) implements Event {}

  /** Complete blocks of a sequence entered the prefix cache. */
  record PrefixInserted(long nanos, int sequence, int tokens) implements Event {}

  /**
   * The prefix cache gave up pages of a pool.
   *
   * @param by these pages by their priority, the lowest first
   */
  record Evicted(long nanos, String pool, int pages, List<EvictedPages> by) implements Event {}

  /** The prefix cache was emptied, as a caller asked; it gave up {@code blocks} blocks. */
  record Flushed(long nanos, int blocks) implements Event {}

  /** A caller stopped the engine between two steps; it computes nothing until it is resumed. */
  record Paused(long nanos) implements Event {}

  /** A paused engine goes on, as a caller asked, or because it is being closed. */
  record Resumed(long nanos) implements Event {}

  /**
   * The engine has nothing to compute: no request is there, it is paused, or a static batch fills.
   * Requests may have come or gone since the last step, so this is how things stand now.
   *
   * @param running sequences that run
   * @param waiting sequences that wait
   * @param pools each pool's pages, as in {@link StepDone}
   */
  record Idle(long nanos, int running, int waiting, List<PoolPages> pools) implements Event {}

  /**
   * Which request holds each page of a pool after a step; comes before {@link StepDone}, for each
   * pool, and only to sinks that {@link EventSink#wantsPageMap}.
   *
   * @param holder [pages] entry i is of page i + 1, as pages are numbered from 1: the request that
   *     holds it, {@link #IDLE} if only the prefix cache does, {@link #FREE}, or {@link #SHARED} if
   *     several sequences do
   */
  record PageMap(long nanos, String pool, int[] holder) implements Event {
    public static final int FREE = -1;
    public static final int IDLE = -2;
    public static final int SHARED = -3;
  }

  /**
   * The pages of a pool after a step.
   *
   * @param pool its name: {@code all}, or {@code window 128} after what it keeps
   * @param span slots of a page
   * @param free free pages
   * @param referenced pages that sequences hold
   * @param idle pages that only the prefix cache holds; it may evict them
   * @param passed pages that sequences gave up in this step, because their windows had passed them;
   *     such a page is free or idle then, unless another sequence holds it
   */
  record PoolPages(String pool, int span, int free, int referenced, int idle, int passed) {
    /** All pages but the dummy. */
    public int total() {
      return free + referenced + idle;
    }
  }

  /**
   * When the two lanes of an engine that overlaps steps worked at one of them; comes before its
   * {@link StepDone}. The engine's own thread plans and settles, another one computes. Times are
   * nanoseconds on the engine's clock, as the event's own, which is when the step was settled.
   *
   * <p>The next step is planned before this one is settled. So {@link Admitted} and {@link Evicted}
   * of step k + 1 come before the {@link StepDone} of step k. And a step may have rows of answers
   * that have ended meanwhile; they count as {@link StepDone#decodeRows}, and mean nothing.
   *
   * @param step number, as in {@link StepDone}
   * @param settledFirst why the step before was settled before this one was planned; {@code NO} if
   *     it was not, and computed meanwhile
   * @param plan when the engine's thread began to plan
   * @param planned when the step was ready to be computed
   * @param launch when its forward pass began
   * @param computed when its forward pass ended
   * @param decided when its tokens were decided
   * @param settle when the engine's thread began to settle it
   */
  record Overlapped(
      long nanos,
      long step,
      String settledFirst,
      long plan,
      long planned,
      long launch,
      long computed,
      long decided,
      long settle)
      implements Event {
    /** Time in which the step was computed; this time alone is not shared with other steps. */
    public long computing() {
      return decided - launch;
    }
  }

  /**
   * What a step read of the entries that lie on the host, of which the device keeps a buffer for
   * each running sequence; comes before its {@link StepDone}. All numbers are sums over the layers
   * with such entries. A step without rows of them has no such event, nor has an engine without
   * sparse offload.
   *
   * <p>Rows of one sequence share what they read: an entry that several of them chose counts once
   * as chosen. {@code chosen = hits + misses}.
   *
   * @param step number, as in {@link StepDone}
   * @param sequences sequences whose rows read from their buffers, in all layers or in some
   * @param chosen entries that their rows chose
   * @param hits of these, those that lay in the buffers, or were completed by rows of this step: no
   *     copy from the host
   * @param misses of these, those that were copied from the host
   * @param evicted entries that gave up their slot of a buffer to another one
   * @param written entries that rows of this step completed: they go to the host at once, and stay
   *     in the buffer as far as it has room
   * @param direct entries that rows read on the host, row by row, since those that a sequence chose
   *     together were more than its buffer holds. They count in no other number
   * @param bytesDown copied from the host to buffers, for the misses
   * @param bytesDirect read on the host in place
   * @param bytesUp copied to the host, for what was written
   */
  record SparseReads(
      long nanos,
      long step,
      int sequences,
      long chosen,
      long hits,
      long misses,
      long evicted,
      long written,
      long direct,
      long bytesDown,
      long bytesDirect,
      long bytesUp)
      implements Event {}

  /**
   * A step ran.
   *
   * @param step number, from 0
   * @param prefillRows rows of prompts (and of recomputed answers)
   * @param decodeRows rows of newest tokens
   * @param draftRows rows of guesses, verified beside newest tokens
   * @param paddingRows rows that belong to no sequence
   * @param running sequences that run after the plan
   * @param waiting sequences that wait after the plan
   * @param pools each pool's pages; the first pool has the rows that live longest
   * @param stop which check ended the admission of waiting sequences
   * @param planNanos time to plan and to reserve pages
   * @param draftNanos time to guess tokens and to put all rows together
   * @param launchNanos time of the forward pass
   * @param judgeNanos time to decide tokens
   * @param followNanos time in which the drafter catches up with the decided tokens
   * @param commitNanos time to share pages, fork sequences and finish them
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
      List<PoolPages> pools,
      String stop,
      long planNanos,
      long draftNanos,
      long launchNanos,
      long judgeNanos,
      long followNanos,
      long commitNanos)
      implements Event {
    /**
     * Time of the whole step: the sum of its phases. If steps overlap, that is more than passes
     * between two steps; {@link Overlapped#computing} is then the time to divide by.
     */
    public long busyNanos() {
      return planNanos + draftNanos + launchNanos + judgeNanos + followNanos + commitNanos;
    }

    /** The pages of the pool whose rows live longest, the only one of most models. */
    public PoolPages pages() {
      return pools.getFirst();
    }

    /** Rows that were computed. */
    public int rows() {
      return prefillRows + decodeRows + draftRows + paddingRows;
    }
  }
}
