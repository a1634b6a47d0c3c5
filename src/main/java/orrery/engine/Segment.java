package orrery.engine;

/**
 * The rows of one sequence in a step: first those of known tokens, then those of drafts.
 *
 * @param from how many tokens of the sequence were computed before
 * @param pending number of rows of known tokens
 * @param drafts number of rows of drafts; 0 unless the known rows reach the newest token
 * @param decodes whether the sequence decoded when the step was made; if not, the rows are those of
 *     a prompt, or are computed again
 * @param row the first row within the step
 * @param logitRow the logits row of the newest token, which those of the drafts follow; -1 if the
 *     newest token is not in this step
 */
record Segment(
    Choice choice, int from, int pending, int drafts, boolean decodes, int row, int logitRow) {
  int rows() {
    return pending + drafts;
  }

  /** Whether the sequence still runs: another choice of its request may have failed meanwhile. */
  boolean alive() {
    return choice.running();
  }
}
