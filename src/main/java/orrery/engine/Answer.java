package orrery.engine;

import java.util.List;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/**
 * A finished answer.
 *
 * @param choice which of the request's answers
 * @param promptTokens tokens of the prompt
 * @param cachedTokens tokens of the prompt that came from the prefix cache when it first ran
 * @param tokens the answer's tokens, the one that ended it included
 * @param text the answer's text: that of all pieces handed out, together; empty without a tokenizer
 * @param textOffsets [tokens] where each token's text begins in {@code text}, in characters (code
 *     points); see {@link orrery.sampling.AnswerText#offsets}
 * @param logprobs of each token, empty if not asked for
 * @param finish why it ended
 * @param firstTokenNanos from submission to the first token; 0 if there was none
 * @param totalNanos from submission to the end
 * @param retractions how often it was retracted
 */
public record Answer(
    int choice,
    int promptTokens,
    int cachedTokens,
    int[] tokens,
    String text,
    int[] textOffsets,
    List<Logprobs> logprobs,
    FinishReason finish,
    long firstTokenNanos,
    long totalNanos,
    int retractions) {

  /** Seconds per token after the first (TPOT); 0 if there was none. */
  public double secondsPerToken() {
    return tokens.length > 1 ? (totalNanos - firstTokenNanos) / 1e9 / (tokens.length - 1) : 0;
  }
}
