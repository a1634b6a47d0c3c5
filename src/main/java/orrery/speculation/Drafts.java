package orrery.speculation;

import java.util.Arrays;

/**
 * The guesses of one sequence for its next step. A {@link Drafter} extends this class with the
 * state that it carries from step to step.
 */
public class Drafts {
  private final SamplingContext sampling;
  private int[] tokens = new int[4]; // [>= count]
  private double[][] distributions = new double[4][]; // [>= count][vocab], null for a point mass
  private int count;

  /** Begins without guesses. */
  public Drafts(SamplingContext sampling) {
    this.sampling = sampling;
  }

  /** Everything that decides the sequence's tokens beside the logits. */
  public final SamplingContext sampling() {
    return sampling;
  }

  /** How many tokens are guessed. */
  public final int count() {
    return count;
  }

  /**
   * Guess {@code i}: the token at the next position plus {@code i}.
   *
   * @throws IndexOutOfBoundsException if there are not that many guesses
   */
  public final int token(int i) {
    if (i >= count) {
      throw new IndexOutOfBoundsException("draft " + i + " of " + count);
    }
    return tokens[i];
  }

  /** The distribution that guess {@code i} was drawn from, [vocab]; null if it was not drawn. */
  public final double[] distribution(int i) {
    return i < count ? distributions[i] : null;
  }

  /** Adds a guess. */
  public final void add(int token, double[] distribution) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
      distributions = Arrays.copyOf(distributions, 2 * count);
    }
    tokens[count] = token;
    distributions[count++] = distribution;
  }

  /** Forgets all guesses but the first {@code count}. */
  public final void keep(int count) {
    this.count = Math.min(this.count, count);
  }

  /** The guesses in order. */
  public final int[] toArray() {
    return Arrays.copyOf(tokens, count);
  }
}
