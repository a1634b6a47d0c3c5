package orrery.speculation;

import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.model.GreedyForward;
import orrery.sampling.KeyedRandom;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingException;

/** Turns a drafter's logits into a guess, with the penalties and the bias of the answer. */
public final class DraftPicker {
  /** How a guess is chosen. */
  public enum How {
    /** The likeliest token. */
    LIKELIEST,
    /**
     * The token that the plain sampler would draw from these logits, with the random number of the
     * position. If the drafter's distribution is close to the model's, the same number often gives
     * the same token. This guess is then right more often than the likeliest token.
     */
    COUPLED,
    /**
     * A token drawn from the drafter's distribution with a random number of its own, for {@code
     * RejectionRule}.
     */
    DRAWN
  }

  /** The result of a pick if the drafter's logits allow no guess. */
  public static final int NONE = -1;

  private final Sampler sampler;
  private final How how;
  private final int vocab;
  private double[] distribution; // [vocab] of the last pick, or null

  /** A picker that draws with the sampler of one thread. */
  public DraftPicker(Sampler sampler, How how, int vocab) {
    this.sampler = sampler;
    this.how = how;
    this.vocab = vocab;
  }

  /**
   * Says of the row that was added to a step last, and of which a guess is wanted, whether the
   * head's highest logit is the guess.
   */
  void mark(Step step, SamplingContext d) {
    if (how != How.DRAWN && d.params().wantsOnlyHighest()) {
      step.greedy();
    }
  }

  /**
   * A guess for the token after the history, or {@link #NONE}. The logits may be NaN, or bias and
   * stops may leave no token. An answer does not fail for that, because it does not consist of
   * guesses.
   *
   * @param forward that has run a step whose rows were {@linkplain #mark marked}
   * @param row of the rows that want logits
   */
  int pick(GreedyForward forward, int row, SamplingContext d) {
    distribution = null;
    int highest = forward.mtpHighest(row);
    Buffer logits = forward.mtpLogits();
    return highest >= 0 ? highest : pick(logits.data, logits.row(row), d);
  }

  private int pick(float[] logits, int offset, SamplingContext d) {
    try {
      return switch (how) {
        case LIKELIEST -> sampler.likeliest(logits, offset, d.params(), d.history(), d.choice());
        case COUPLED ->
            sampler.sample(logits, offset, d.params(), d.history(), d.seed(), d.choice());
        case DRAWN -> draw(logits, offset, d);
      };
    } catch (SamplingException e) {
      return NONE;
    }
  }

  private int draw(float[] logits, int offset, SamplingContext d) {
    distribution = new double[vocab];
    sampler.distribution(logits, offset, d.params(), d.history(), d.choice(), distribution);
    double target =
        KeyedRandom.uniform(d.seed(), d.choice(), d.history().length(), KeyedRandom.DRAFT);
    double sum = 0;
    int drawn = NONE;
    for (int token = 0; token < vocab && sum <= target; token++) {
      if (distribution[token] > 0) {
        sum += distribution[token];
        drawn = token;
      }
    }
    return drawn;
  }

  /** The distribution that the last pick was drawn from, [vocab]; null if it was not drawn. */
  double[] distribution() {
    return distribution;
  }
}
