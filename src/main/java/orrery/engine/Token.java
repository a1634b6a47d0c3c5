package orrery.engine;

import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * A piece of an answer as it comes: a token, and the text that may now be shown. The texts of all
 * pieces of a choice, one after the other, are the text of its answer.
 *
 * <p>The last piece says how the answer ended. If an answer is ended from outside (cancelled, past
 * its deadline, failed), its last piece has no token, but has the text that was held back.
 *
 * @param choice which of the request's answers, from 0
 * @param index its place in the answer, from 0
 * @param id the token; {@link #NONE} in a last piece without a token
 * @param text the text that may now be shown; empty while a character or a stop string is
 *     incomplete
 * @param offset where the token's text begins in the answer's, in characters (code points), as
 *     {@link Answer#textOffsets} has it; but a token that a stop string cuts off begins where the
 *     answer's text ends, which is known only then. 0 in a last piece without a token
 * @param logprobs log-probabilities of the token; null without a token, or if the request did not
 *     ask for them
 * @param finish why the answer ended with this piece; null while it goes on
 */
public record Token(
    int choice,
    int index,
    int id,
    String text,
    int offset,
    Logprobs logprobs,
    FinishReason finish) {

  /** The id of a piece without a token. */
  public static final int NONE = -1;
}
