package orrery.speculation.rules;

import orrery.sampling.KeyedRandom;
import orrery.sampling.Sampler;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

/**
 * The published way to judge a draft. It is accepted with some probability; if not, a token is
 * drawn from a residual distribution. The two are such that the emitted token has the target's
 * distribution p. The text is not that of plain decoding, but it is as likely.
 *
 * <pre>
 *   for every token t:   Σ over drafts x of q(x) · ( a(x)·[t = x] + (1 − a(x))·residual_x(t) ) = p(t)
 * </pre>
 *
 * <p>p is {@link Sampler#distribution}. It includes penalties, bias, stops before {@code
 * min_tokens}, temperature, top-k, top-p and min-p, for the history of this very row. (SGLang
 * applies one penalty vector to all rows of a verification.)
 *
 * <p>The random numbers are keyed by the position of the row, in streams of their own, and each
 * position is judged once. A draft that an earlier step made for the position, and that was never
 * judged, decided nothing. So the random numbers of one emitted token are independent of all tokens
 * emitted before. The row behind the last draft is plain decoding. So the text depends on how many
 * drafts a step has room for, and with that on the other requests; its distribution does not.
 *
 * <p>A rule owns scratch memory, so each thread needs its own rule.
 */
public abstract sealed class DistributionRule implements AcceptanceRule
    permits TargetOnlyRule, RejectionRule {
  private final Sampler sampler;
  private double[] target = new double[0]; // [vocab]
  private double[] rest = new double[0]; // [vocab]

  DistributionRule(Sampler sampler) {
    this.sampler = sampler;
  }

  /**
   * The probability that a draft is accepted.
   *
   * @param p the target's distribution, [vocab]
   * @param q the distribution that the draft was drawn from, [vocab]; null if it was not drawn
   */
  public abstract double acceptance(double[] p, double[] q, int draft);

  /**
   * The distribution of the token that takes the place of a draft that was not accepted.
   *
   * @param p the target's distribution, [vocab]
   * @param q the distribution that the draft was drawn from, [vocab]; null if it was not drawn
   * @param out [vocab], overwritten; sums to 1
   */
  public abstract void residual(double[] p, double[] q, int draft, double[] out);

  @Override
  public final int judge(float[] logits, int offset, Drafts drafts, int i) {
    SamplingContext d = drafts.sampling();
    if (i == drafts.count()) {
      return sampler.sample(logits, offset, d.params(), d.history(), d.seed(), d.choice());
    }
    int vocab = d.history().vocab();
    if (target.length != vocab) {
      target = new double[vocab];
      rest = new double[vocab];
    }
    sampler.distribution(logits, offset, d.params(), d.history(), d.choice(), target);
    int draft = drafts.token(i);
    double[] q = drafts.distribution(i);
    if (uniform(d, KeyedRandom.ACCEPT) < acceptance(target, q, draft)) {
      return draft;
    }
    residual(target, q, draft, rest);
    return draw(rest, uniform(d, KeyedRandom.RESIDUAL));
  }

  private static double uniform(SamplingContext d, int stream) {
    return KeyedRandom.uniform(d.seed(), d.choice(), d.history().length(), stream);
  }

  /**
   * Inverts a distribution at u. The result is never a token of probability 0, even where rounding
   * made the sum too small.
   */
  private static int draw(double[] probabilities, double u) {
    double sum = 0;
    int drawn = -1;
    for (int t = 0; t < probabilities.length && sum <= u; t++) {
      if (probabilities[t] > 0) {
        sum += probabilities[t];
        drawn = t;
      }
    }
    return drawn;
  }

  /**
   * p without the draft, normalised; p itself if that leaves nothing (the result is then never
   * needed).
   */
  static void without(double[] p, int draft, double[] out) {
    System.arraycopy(p, 0, out, 0, p.length);
    out[draft] = 0;
    normalize(out, p);
  }

  /** Divides the weights by their sum; if the sum is 0, takes {@code otherwise} instead. */
  static void normalize(double[] weights, double[] otherwise) {
    double sum = 0;
    for (double weight : weights) {
      sum += weight;
    }
    if (sum == 0) {
      System.arraycopy(otherwise, 0, weights, 0, weights.length);
      return;
    }
    for (int t = 0; t < weights.length; t++) {
      weights[t] /= sum;
    }
  }
}
