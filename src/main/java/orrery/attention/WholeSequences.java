package orrery.attention;

import orrery.graph.Step;

/** Whether shares of attention take whole sequences. */
final class WholeSequences {
  private static final int SEQUENCES_EACH = 4; // of a thread, at least

  private WholeSequences() {}

  /** Whether all threads stay busy if each takes a whole sequence at a time. */
  static boolean enough(Step step, int rows, int shares) {
    int wanted = SEQUENCES_EACH * Math.min(shares, step.threads());
    int sequences = 1;
    for (int r = 1; r < rows && sequences < wanted; r++) {
      sequences += step.sequence[r] == step.sequence[r - 1] ? 0 : 1;
    }
    return sequences >= wanted;
  }

  /** Whether the rows [r, r + n) are all rows of their sequence. */
  static boolean isOne(Step step, int r, int n, int rows) {
    return (r == 0 || step.sequence[r - 1] != step.sequence[r])
        && (r + n == rows || step.sequence[r + n] != step.sequence[r]);
  }
}
