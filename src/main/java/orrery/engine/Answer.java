package orrery.engine;

import java.util.List;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * A finished answer.
 *
 * @param choice which of the request's answers, from 0
 * @param promptTokens number of tokens of the prompt
 * @param cachedTokens how many of the prompt's tokens came from the prefix cache when the choice
 *     first ran
 * @param tokens [tokens] the answer's tokens, with the token that ended it
 * @param text the text of all pieces handed out, together; empty without a tokenizer
 * @param textOffsets [tokens] where each token's text begins in {@code text}, in characters (code
 *     points); see {@link orrery.sampling.AnswerText#offsets}
 * @param logprobs log-probabilities of each token; empty if the request did not ask for them
 * @param promptLogprobs log-probabilities of the prompt's tokens, each after the tokens before it:
 *     entry i is of token {@code logprobStartLen + 1 + i}, and the last entry of the prompt's last
 *     token. The same list for all choices. Empty if the request did not ask for them, or was cut
 *     off before its prompt was computed
 * @param finish why the answer ended
 * @param firstTokenNanos nanoseconds from submission to the first token (TTFT); 0 if there was none
 * @param totalNanos nanoseconds from submission to the end
 * @param retractions how often the choice was retracted
 */
public record Answer(
    int choice,
    int promptTokens,
    int cachedTokens,
    int[] tokens,
    String text,
    int[] textOffsets,
    List<Logprobs> logprobs,
    List<Logprobs> promptLogprobs,
    FinishReason finish,
    long firstTokenNanos,
    long totalNanos,
    int retractions) {

  /** Seconds per token after the first (TPOT); 0 if the answer has no second token. */
  public double secondsPerToken() {
    return tokens.length > 1 ? (totalNanos - firstTokenNanos) / 1e9 / (tokens.length - 1) : 0;
  }
}
