package orrery.speculation;

import orrery.sampling.KeyedRandom;
import orrery.sampling.Sampler;

/**
 * The published way to judge a draft: accept it with some probability, else draw from a residual
 * distribution, such that whatever is emitted has the target's distribution p. The text is not that
 * of plain decoding, but as likely.
 *
 * <pre>
 *   for every token t:   Σ over drafts x of q(x) · ( a(x)·[t = x] + (1 − a(x))·residual_x(t) ) = p(t)
 * </pre>
 *
 * <p>p is {@link Sampler#distribution}: penalties, bias, stops before {@code min_tokens},
 * temperature, top-k, top-p and min-p are all in it, for the history of this very row. (SGLang
 * applies one penalty vector to all rows of a verification.)
 *
 * <p>The numbers are keyed by the position of the row, in streams of their own, and each position
 * is judged once: what was drafted for it in earlier steps, and never judged, decided nothing. So
 * the numbers behind one emitted token are independent of all emitted before. The row behind the
 * last draft is plain decoding.
 *
 * <p>A rule owns scratch memory: one per thread.
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
   * @param q the one that the draft was drawn from, [vocab]; null if it was not drawn
   */
  public abstract double acceptance(double[] p, double[] q, int draft);

  /**
   * The distribution of the token that takes the place of a draft that was not accepted.
   *
   * @param p the target's distribution, [vocab]
   * @param q the one that the draft was drawn from, [vocab]; null if it was not drawn
   * @param out [vocab], overwritten; sums to 1
   */
  public abstract void residual(double[] p, double[] q, int draft, double[] out);

  @Override
  public final int judge(float[] logits, int offset, Drafts drafts, int i) {
    Draw d = drafts.draw();
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

  private static double uniform(Draw d, int stream) {
    return KeyedRandom.uniform(d.seed(), d.choice(), d.history().length(), stream);
  }

  /**
   * Inverts a distribution at u; never a token of probability 0, even where rounding made the sum
   * too small.
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

  /** p without the draft, and p itself if that leaves nothing (it is then never needed). */
  static void without(double[] p, int draft, double[] out) {
    System.arraycopy(p, 0, out, 0, p.length);
    out[draft] = 0;
    normalize(out, p);
  }

  /** Divides by the sum; where there is none, takes {@code otherwise}. */
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
