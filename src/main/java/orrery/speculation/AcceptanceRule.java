package orrery.speculation;

import orrery.sampling.SamplingException;

/**
 * Decides, row by row of a verification, which token is emitted; a draft is accepted if it is the
 * emitted token. Rows are judged in order until one emits another token than its draft or the
 * answer ends, and the history holds all that was emitted before: penalties, bias and stop
 * conditions are exact at every row.
 */
public interface AcceptanceRule {
  /**
   * The token of one row.
   *
   * @param logits the main model's, row {@code [offset, offset + vocab)}
   * @param drafts of the sequence
   * @param i which draft is judged; {@code drafts.count()} for the row behind the last one, whose
   *     token is a bonus
   * @throws SamplingException as the plain sampler
   */
  int judge(float[] logits, int offset, Drafts drafts, int i);

  /** Whether what it emits is not drawn from the model at all, but for experiments. */
  default boolean synthetic() {
    return false;
  }
}
