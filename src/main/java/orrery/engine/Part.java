package orrery.engine;

/**
 * What one sequence computes in a step: rows of known tokens, then rows of guesses.
 *
 * @param from its computed tokens before
 * @param pending rows of known tokens
 * @param drafts rows of guesses behind them; only if the known ones reach the newest token
 * @param row the first row
 * @param logitRow the first of its rows' logits: that of the newest token; -1 if its prompt goes on
 */
record Part(Choice choice, int from, int pending, int drafts, int row, int logitRow) {
  int rows() {
    return pending + drafts;
  }

  /** Whether it computes the newest token of an answer, not a prompt. */
  boolean decodes() {
    return pending == 1
        && logitRow >= 0
        && from >= choice.sequence.promptLength; // so the newest token is one of the answer
  }
}
