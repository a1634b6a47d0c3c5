package orrery.speculation;

import orrery.sampling.SamplingException;

/**
 * Decides, row by row of a verification, which token is emitted. A draft is accepted if it is the
 * emitted token. Rows are judged in order until a row emits another token than its draft, or until
 * the answer ends. The history holds all tokens that were emitted before, so penalties, bias and
 * stop conditions are exact at every row.
 */
public interface AcceptanceRule {
  /**
   * The token of one row.
   *
   * @param logits of the main model; the row is {@code [offset, offset + vocab)}
   * @param drafts the drafts of the sequence
   * @param i which draft is judged; {@code drafts.count()} for the row behind the last draft, which
   *     gives a bonus token
   * @throws SamplingException as the plain sampler does
   */
  int judge(float[] logits, int offset, Drafts drafts, int i);

  /** Whether this rule serves experiments only: it accepts drafts that the model would not give. */
  default boolean synthetic() {
    return false;
  }
}
