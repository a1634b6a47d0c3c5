package orrery.offload;

/** How long a request waits for rows that come from files; the names are SGLang's. */
public enum PrefetchPolicy {
  /** Not at all: it takes what is there when the scheduler would run it. */
  BEST_EFFORT,
  /** Until all are there. */
  WAIT_COMPLETE,
  /** For a while, longer for more tokens; then it takes what is there. */
  TIMEOUT;

  private static final long BASE = 2_000_000_000L; // nanoseconds
  private static final long PER_KI_TOKENS = 100_000_000L;
  private static final long MOST = 30_000_000_000L;

  /** Whether the scheduler may run a request while its rows are on their way. */
  public boolean runsMeanwhile() {
    return this == BEST_EFFORT;
  }

  /**
   * The longest wait, in nanoseconds. {@link #TIMEOUT} has SGLang's: 2 s, and 0.1 s for each 1024
   * tokens, 30 s at most. It is far above what a disk takes that works, also above what computing
   * so many tokens takes here; it ends the wait for a disk that does not answer.
   */
  public long patience(int tokens) {
    return this == TIMEOUT ? Math.min(MOST, BASE + PER_KI_TOKENS * tokens / 1024) : Long.MAX_VALUE;
  }
}
