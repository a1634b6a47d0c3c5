package orrery.attention;

import orrery.graph.Step;

/** Whether shares of attention take whole sequences. */
final class WholeSequences {
  private static final int SEQUENCES_EACH = 4; // of a share, at least

  private WholeSequences() {}

  /** Whether all shares stay busy if each takes a whole sequence at a time. */
  static boolean enough(Step step, int rows, int shares) {
    int sequences = 1;
    for (int r = 1; r < rows && sequences < SEQUENCES_EACH * shares; r++) {
      sequences += step.sequence[r] == step.sequence[r - 1] ? 0 : 1;
    }
    return sequences >= SEQUENCES_EACH * shares;
  }

  /** Whether the rows [r, r + n) are all rows of their sequence. */
  static boolean isOne(Step step, int r, int n, int rows) {
    return (r == 0 || step.sequence[r - 1] != step.sequence[r])
        && (r + n == rows || step.sequence[r + n] != step.sequence[r]);
  }
}
