package orrery.engine;

import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * A piece of an answer as it comes: a token, and the text that may be shown by now. The texts of
 * all pieces of a choice, one after the other, are its answer's text.
 *
 * <p>The last piece says how the answer ended. An answer that is ended from outside (cancelled,
 * past its deadline, failed) has a last piece without a token, for text that was held back until
 * then.
 *
 * @param choice which of the request's answers
 * @param index its place in the answer, from 0
 * @param id the token; {@link #NONE} in a last piece that has none
 * @param text what may be shown now; empty while a character or a stop string is incomplete
 * @param logprobs or null if not asked for, or without a token
 * @param finish why the answer ended with this piece; null while it goes on
 */
public record Token(
    int choice, int index, int id, String text, Logprobs logprobs, FinishReason finish) {

  /** The id of a piece without a token. */
  public static final int NONE = -1;
}
