package orrery.grammar;

import java.util.Arrays;

/**
 * The states of a constraint along one answer. Tokens of the answer can be taken back, so that each
 * draft of a token is looked at in its own state.
 */
public final class ConstraintPath {
  private final Constraint constraint;
  private int[] states = new int[16]; // [capacity > length] state after so many tokens
  private int length; // tokens whose states are known

  /**
   * @param prompt [any number of] the tokens before the answer
   */
  public ConstraintPath(Constraint constraint, int[] prompt) {
    this.constraint = constraint;
    states[0] = constraint.start(prompt);
  }

  /**
   * The state after the first tokens of the answer; tokens that were not looked at yet are now.
   *
   * @param tokens [at least count] the answer
   */
  public int after(int[] tokens, int count) {
    if (count >= states.length) {
      states = Arrays.copyOf(states, Math.max(count + 1, 2 * states.length));
    }
    for (; length < count; length++) {
      states[length + 1] = constraint.next(states[length], tokens[length]);
    }
    return states[count];
  }

  /** Forgets the states of all tokens but the first {@code count}. */
  public void rollback(int count) {
    length = Math.min(length, count);
  }
}
