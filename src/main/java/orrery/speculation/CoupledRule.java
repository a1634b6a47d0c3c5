package orrery.speculation;

import orrery.sampling.Sampler;

/**
 * The plain sampler, at every row, with the random number that plain decoding would use there: the
 * text is that of plain decoding, to the bit, at any temperature. A fixed draft is accepted as
 * often as the sampler happens to draw it, so as often as under {@link TargetOnlyRule}; one that
 * was drawn with the position's own numbers ({@link DraftPicker.How#COUPLED}) more often.
 */
public final class CoupledRule implements AcceptanceRule {
  private final Sampler sampler;

  public CoupledRule(Sampler sampler) {
    this.sampler = sampler;
  }

  @Override
  public int judge(float[] logits, int offset, Drafts drafts, int i) {
    Draw d = drafts.draw();
    return sampler.sample(logits, offset, d.params(), d.history(), d.seed(), d.choice());
  }
}
