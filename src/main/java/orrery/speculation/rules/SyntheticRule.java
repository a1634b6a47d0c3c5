package orrery.speculation.rules;

import orrery.sampling.KeyedRandom;
import orrery.sampling.Sampler;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;

/**
 * Pretends an acceptance length L, for experiments. A verification emits ⌊L⌋ or ⌊L⌋ + 1 tokens, L
 * on average: first real drafts, accepted whatever the model says, then one token of the plain
 * sampler. The costs of a step are real. The text is <b>not</b> the model's, and every report of
 * such a run says so.
 *
 * <p>In the last row the sampler may happen to draw the draft of that row. That draft would count
 * as accepted, and L would come out too long, most of all with a good drafter. So the sampler then
 * draws again, with the draft's logit at −∞: the draft's probability goes to the other tokens
 * (greedy: to the second best). If the request has a constraint, a draft that breaks it is not
 * accepted, and a last row whose draft is the only token allowed emits the draft. So with a
 * constraint, L is only near what was asked. Without one, a verification emits fewer tokens than
 * asked only if it has too few drafts or if its answer ends.
 *
 * <p>SGLang does the same with {@code SGLANG_SIMULATE_ACC_LEN}, {@code SGLANG_SIMULATE_ACC_METHOD
 * =match-expected} and {@code SGLANG_SIMULATE_ACC_TOKEN_MODE=real-draft-token} ({@code
 * speculative/spec_utils.py}).
 */
public final class SyntheticRule implements AcceptanceRule {
  private final Sampler sampler;
  private final double length;
  private float[] others = new float[0]; // [vocab]

  /**
   * @param length tokens that a verification emits on average, at least 1
   * @throws IllegalArgumentException if it is less
   */
  public SyntheticRule(Sampler sampler, double length) {
    if (!(length >= 1)) {
      throw new IllegalArgumentException(
          "synthetic acceptance length: expected at least 1, found " + length);
    }
    this.sampler = sampler;
    this.length = length;
  }

  @Override
  public boolean synthetic() {
    return true;
  }

  /** Fails as the plain sampler does, and also if a last row leaves no token but its draft. */
  @Override
  public int judge(float[] logits, int offset, Drafts drafts, int i) {
    SamplingContext d = drafts.sampling();
    boolean drafted = i < drafts.count();
    if (drafted
        && i + 1 < emitted(d, i)
        && sampler.allows(drafts.token(i), d.params(), d.history())) {
      return drafts.token(i);
    }
    int token = sample(logits, offset, d);
    if (!drafted || token != drafts.token(i) || sampler.forces(token, d.params(), d.history())) {
      return token;
    }
    int vocab = d.history().vocab();
    if (others.length != vocab) {
      others = new float[vocab];
    }
    System.arraycopy(logits, offset, others, 0, vocab);
    others[token] = Float.NEGATIVE_INFINITY;
    return sample(others, 0, d);
  }

  private int sample(float[] logits, int offset, SamplingContext d) {
    return sampler.sample(logits, offset, d.params(), d.history(), d.seed(), d.choice());
  }

  /** How many tokens the verification of row i emits; the number is the same at all of its rows. */
  private int emitted(SamplingContext d, int i) {
    int whole = (int) length;
    int first = d.history().length() - i;
    double u = KeyedRandom.uniform(d.seed(), d.choice(), first, KeyedRandom.SYNTHETIC);
    return u < length - whole ? whole + 1 : whole;
  }
}
