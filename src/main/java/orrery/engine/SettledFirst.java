package orrery.engine;

/** Why a step was not planned before the step before it was settled. */
enum SettledFirst {
  /** It was: the two overlap. */
  NO,
  /** No other step was on its way. */
  IDLE,
  /** Drafts begin with known tokens, and how many are accepted says where the next rows lie. */
  SPECULATION,
  /** The other answers to a prompt begin with copies of its rows. */
  FORK,
  /** A prompt's log-probabilities take the head once more, right after the forward pass. */
  PROMPT_SCORES,
  /** Rows are loaded from host memory into pages that the step before may still use. */
  LOADS,
  /**
   * The plan would have retracted a sequence, evicted pages or had no rows: the step before may
   * free pages.
   */
  PAGES
}
