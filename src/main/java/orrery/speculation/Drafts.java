package orrery.speculation;

import java.util.Arrays;

/**
 * The guesses of one sequence for its next step, and whatever its {@link Drafter} carries from step
 * to step.
 */
public class Drafts {
  private final Draw draw;
  private int[] tokens = new int[4]; // [>= count]
  private double[][] distributions = new double[4][]; // [>= count][vocab], null for a point mass
  private int count;

  /** No guesses, and nobody who could make any. */
  public Drafts(Draw draw) {
    this.draw = draw;
  }

  /** How the sequence's tokens are drawn. */
  public final Draw draw() {
    return draw;
  }

  /** Guessed tokens. */
  public final int count() {
    return count;
  }

  /** Guess {@code i}, for the position that many tokens behind the next one. */
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

  /** One more guess. */
  public final void add(int token, double[] distribution) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
      distributions = Arrays.copyOf(distributions, 2 * count);
    }
    tokens[count] = token;
    distributions[count++] = distribution;
  }

  /** Forgets the guesses from the {@code count}th on. */
  public final void keep(int count) {
    this.count = Math.min(this.count, count);
  }

  /** The guesses in order. */
  public final int[] toArray() {
    return Arrays.copyOf(tokens, count);
  }
}
