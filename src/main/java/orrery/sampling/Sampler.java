package orrery.sampling;

import java.util.Arrays;
import orrery.numerics.Elementary;
import orrery.numerics.Highest;
import orrery.sampling.SamplingParams.TokenBias;

/**
 * Draws the next token of one choice from the model's logits. The steps, in this order:
 *
 * <ol>
 *   <li>penalties: repetition over prompt and answer, then frequency and presence over the answer;
 *   <li>logit bias;
 *   <li>before {@code min_tokens}, every token that would end the answer is ruled out; under a
 *       constraint, every token that its text so far cannot go on with, and every end while that
 *       text is not complete ({@link Exclusions});
 *   <li>temperature 0: take the highest logit and stop here; else divide by the temperature;
 *   <li>top-k: the k highest logits;
 *   <li>top-p: by falling logit, each token whose predecessors together have less than p of the
 *       probability that top-k has left; the first token always stays;
 *   <li>min-p: tokens at least min-p times as likely as the likeliest;
 *   <li>draw from what is left, in proportion.
 * </ol>
 *
 * <p>Steps 1 to 3 each round to float once; from step 4 on everything is double except the
 * exponential itself. The lowest id wins every tie. A logit of +infinity takes all the probability;
 * several such logits share it.
 *
 * <p>The draw is an exponential race, also known as Gumbel-max. Every token that is left gets its
 * own random number u, keyed by (seed, choice, position, token), and its time is −log(1 − u) /
 * probability; the token with the shortest time wins. So the token depends on the arguments alone,
 * to the bit, and not on other requests, machines or earlier draws.
 *
 * <p>Each token keeps its number, so two similar distributions mostly draw the same token from the
 * same key: with total variation distance d, at least (1 − d) / (1 + d) of the time (Daliri, Musco
 * and Suresh, "Coupling without communication and drafter-invariant speculative decoding",
 * arXiv:2408.07978). Coupled drafts are accepted for this reason. Inverting the cumulated
 * distribution with one number does not have this property: there, one token that is less likely
 * shifts all tokens after it.
 *
 * <p>Others: vLLM V1 ({@code v1/sample/sampler.py}) has bias and min_tokens before the penalties
 * and min-p between temperature and top-k; its top-p too is a share of what top-k has left. SGLang
 * ({@code layers/sampler.py}, {@code sampling_batch_info.py}) has penalties and the min_tokens mask
 * before the bias, then temperature, top-k, top-p, min-p as here, but without min-p its top-k and
 * top-p both look at the full distribution.
 *
 * <p>A sampler owns its scratch memory. So each thread needs its own, and no token allocates
 * anything.
 */
public final class Sampler {

  private final int vocab;
  private final Exclusions exclusions;
  private final float[] adjusted; // [vocab]: logits after steps 1 to 3
  private final double[] weights; // [vocab]: probabilities before division by their sum
  private final DescendingOrder order;

  /**
   * @param vocab number of token ids
   * @param eos [any number of] the model's end-of-sequence tokens
   */
  public Sampler(int vocab, int... eos) {
    this.vocab = vocab;
    exclusions = new Exclusions(vocab, eos);
    adjusted = new float[vocab];
    weights = new double[vocab];
    order = new DescendingOrder(vocab);
  }

  /**
   * The token after {@code history}.
   *
   * @param logits the model's row is {@code [offset, offset + vocab)}; the array is not changed
   * @param history the tokens of this choice; its length is the position of the token to be drawn
   * @param seed of the request
   * @param choice which of the request's n answers, from 0
   * @throws SamplingException if a logit is NaN, or if no token is left
   */
  public int sample(
      float[] logits, int offset, SamplingParams params, History history, long seed, int choice) {
    if (params.greedy()) {
      return likeliest(logits, offset, params, history, choice);
    }
    int best = adjust(logits, offset, params, history, choice);
    weigh(adjusted[best], params);
    return race(KeyedRandom.bits(seed, choice, history.length(), KeyedRandom.SAMPLE));
  }

  /**
   * The likeliest token after {@code history} by steps 1 to 3; {@link #sample} gives the same token
   * at temperature 0.
   *
   * @throws SamplingException as {@link #sample}
   */
  public int likeliest(
      float[] logits, int offset, SamplingParams params, History history, int choice) {
    return changes(params, history)
        ? adjust(logits, offset, params, history, choice)
        : found(logits, offset, logits, offset, history, choice);
  }

  /** Whether steps 1 to 3 may change a logit. */
  private static boolean changes(SamplingParams params, History history) {
    return params.penalizes()
        || !params.logitBias().isEmpty()
        || params.constraint().isPresent()
        || history.outputLength() < params.minTokens();
  }

  /**
   * The distribution that {@link #sample} draws from, for acceptance rules and for tests.
   *
   * @param probabilities [vocab], overwritten; with greedy sampling one entry is 1, all others 0
   * @throws SamplingException as {@link #sample}
   */
  public void distribution(
      float[] logits,
      int offset,
      SamplingParams params,
      History history,
      int choice,
      double[] probabilities) {
    int best = adjust(logits, offset, params, history, choice);
    if (params.greedy()) {
      Arrays.fill(probabilities, 0, vocab, 0);
      probabilities[best] = 1;
      return;
    }
    double total = weigh(adjusted[best], params);
    for (int i = 0; i < vocab; i++) {
      probabilities[i] = weights[i] / total;
    }
  }

  /** Whether the request's constraint, if it has one, lets a token follow. */
  public boolean allows(int token, SamplingParams params, History history) {
    return exclusions.allows(token, params, history);
  }

  /** Whether the request's constraint, if it has one, lets only this token follow. */
  public boolean forces(int token, SamplingParams params, History history) {
    return exclusions.forces(token, params, history);
  }

  /** The token with the shortest time, by {@link #weights}; the lowest id of several. */
  private int race(long key) {
    double first = Double.POSITIVE_INFINITY;
    int winner = -1;
    for (int i = 0; i < vocab; i++) {
      if (weights[i] > 0) {
        double u = KeyedRandom.uniform(key, i);
        if (u < first * weights[i]) { // else it cannot win: −log(1 − u) is at least u
          double time = -StrictMath.log1p(-u) / weights[i];
          if (time < first) {
            first = time;
            winner = i;
          }
        }
      }
    }
    return winner;
  }

  /**
   * Writes the result of steps 1 to 3 into {@link #adjusted}; returns the token with the highest.
   */
  private int adjust(
      float[] logits, int offset, SamplingParams params, History history, int choice) {
    System.arraycopy(logits, offset, adjusted, 0, vocab);
    if (changes(params, history)) {
      requireNumbers(logits, offset, history, choice); // adding to NaN could hide where it was
      if (params.penalizes()) {
        penalize(params, history.seen());
      }
      bias(params);
      exclusions.apply(adjusted, params, history);
    }
    return found(adjusted, 0, logits, offset, history, choice);
  }

  private void bias(SamplingParams params) {
    for (int i = 0; i < params.logitBias().size(); i++) {
      TokenBias entry = params.logitBias().get(i);
      adjusted[entry.token()] =
          entry.bias() == Double.NEGATIVE_INFINITY
              ? Float.NEGATIVE_INFINITY
              : (float) (adjusted[entry.token()] + entry.bias());
    }
  }

  /**
   * The token with the highest logit of {@code row} at {@code at}: the model's row, at {@code
   * offset} of {@code logits}, after steps 1 to 3.
   */
  private int found(float[] row, int at, float[] logits, int offset, History history, int choice) {
    int best = Highest.of(row, at, vocab);
    if (best == Highest.NAN) {
      requireNumbers(logits, offset, history, choice);
      throw new SamplingException(choice, history.length(), "a logit became NaN");
    }
    if (row[at + best] == Float.NEGATIVE_INFINITY) {
      throw nothingLeft(logits, offset, history.length(), choice);
    }
    return best;
  }

  private void requireNumbers(float[] logits, int offset, History history, int choice) {
    for (int i = 0; i < vocab; i++) {
      if (Float.isNaN(logits[offset + i])) {
        String problem = "the logit of token " + i + " is NaN";
        throw new SamplingException(choice, history.length(), problem);
      }
    }
  }

  private SamplingException nothingLeft(float[] logits, int offset, int position, int choice) {
    boolean ruledOut = false;
    for (int i = 0; i < vocab; i++) {
      ruledOut |= logits[offset + i] > Float.NEGATIVE_INFINITY;
    }
    String problem =
        "no token is left: every logit is -Infinity, by the model,"
            + " by logit_bias, by min_tokens or by the constraint";
    return new SamplingException(choice, position, problem, ruledOut);
  }

  private void penalize(SamplingParams params, SeenTokens seen) {
    for (int entry = 0; entry < seen.size(); entry++) {
      if (seen.presentAt(entry)) {
        int token = seen.token(entry);
        adjusted[token] = penalized(adjusted[token], seen.countAt(entry), params);
      }
    }
  }

  private static float penalized(float logit, int count, SamplingParams params) {
    double repetition = params.repetitionPenalty();
    double result = logit > 0 ? logit / repetition : logit * repetition;
    if (count > 0) {
      result -= params.frequencyPenalty() * count + params.presencePenalty();
    }
    return (float) result;
  }

  /**
   * Writes the result of steps 4 to 7 into {@link #weights}, 1 for the likeliest token; returns the
   * sum.
   */
  private double weigh(float highest, SamplingParams params) {
    int kept = params.topK() > 0 ? Math.min(params.topK(), vocab) : vocab;
    if (kept < vocab) {
      order.reset(adjusted, kept);
    } else if (params.topP() < 1) {
      order.reset(adjusted);
    }
    long last = kept < vocab ? order.placeAt(kept - 1) : Long.MAX_VALUE;
    for (int i = 0; i < vocab; i++) {
      float logit = adjusted[i];
      if (DescendingOrder.place(logit, i) > last) {
        weights[i] = 0;
      } else if (logit == highest) {
        weights[i] = 1; // even if both logits are infinite
      } else {
        weights[i] = Elementary.exp((float) (((double) logit - highest) / params.temperature()));
      }
    }
    if (params.topP() < 1) {
      double enough = params.topP() * sum(weights);
      double before = 0;
      for (int rank = 0; rank < kept && before < enough; rank++) {
        last = order.placeAt(rank);
        before += weights[DescendingOrder.token(last)];
      }
      for (int i = 0; i < vocab; i++) {
        if (DescendingOrder.place(adjusted[i], i) > last) {
          weights[i] = 0;
        }
      }
    }
    for (int i = 0; i < vocab; i++) {
      if (weights[i] < params.minP()) {
        weights[i] = 0;
      }
    }
    return sum(weights);
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }
}
