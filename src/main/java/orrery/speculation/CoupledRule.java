package orrery.speculation;

import orrery.sampling.Sampler;

/**
 * Runs the plain sampler at every row, with the random number that plain decoding would use there.
 * So the text is that of plain decoding, to the bit, at any temperature. A fixed draft is accepted
 * whenever the sampler happens to draw it, which is as often as under {@code TargetOnlyRule}. A
 * draft that was drawn with the random number of its position ({@link DraftPicker.How#COUPLED}) is
 * accepted more often.
 */
public final class CoupledRule implements AcceptanceRule {
  private final Sampler sampler;

  /** A rule that draws with the sampler of one thread. */
  public CoupledRule(Sampler sampler) {
    this.sampler = sampler;
  }

  @Override
  public int judge(float[] logits, int offset, Drafts drafts, int i) {
    SamplingContext d = drafts.sampling();
    return sampler.sample(logits, offset, d.params(), d.history(), d.seed(), d.choice());
  }
}
