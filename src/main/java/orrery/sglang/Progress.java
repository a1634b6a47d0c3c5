package orrery.sglang;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.engine.Answer;
import orrery.engine.Completion;
import orrery.engine.Token;
import orrery.sampling.FinishReason;
import orrery.sampling.Logprobs;

/** One answer as far as it has come; an answer that ended is one that has come to its end. */
public final class Progress {
  private final GenerateRequest.Prompt prompt;
  private final StringBuilder text = new StringBuilder();
  private int[] tokens = new int[16]; // [capacity >= count] token ids
  private int count;
  private final List<Logprobs> logprobs = new ArrayList<>(); // [count], if they are wanted
  private List<Logprobs> promptLogprobs = List.of();
  private FinishReason finish; // null while the answer goes on
  private int cachedTokens;
  private double seconds;

  /** An answer that has not begun. */
  public Progress(GenerateRequest.Prompt prompt) {
    this.prompt = prompt;
  }

  /** An answer that has ended. */
  public static Progress of(GenerateRequest.Prompt prompt, Answer answer) {
    Progress all = new Progress(prompt);
    all.finish = all.told(answer.finish());
    all.cachedTokens = answer.cachedTokens();
    all.promptLogprobs = answer.promptLogprobs();
    all.seconds = answer.totalNanos() / 1e9;
    if (!prompt.silent()) {
      all.text.append(answer.text());
      all.tokens = answer.tokens();
      all.count = answer.tokens().length;
      all.logprobs.addAll(answer.logprobs());
    }
    return all;
  }

  /**
   * Takes the next piece of the answer.
   *
   * @param from the completion that it comes from
   * @param nanos nanoseconds since the request was submitted
   */
  public void add(Token token, Completion from, long nanos) {
    if (!prompt.silent()) {
      text.append(token.text());
      if (token.id() != Token.NONE) {
        tokens = count == tokens.length ? Arrays.copyOf(tokens, 2 * count) : tokens;
        tokens[count++] = token.id();
      }
      if (token.logprobs() != null) {
        logprobs.add(token.logprobs());
      }
    }
    finish = told(token.finish());
    cachedTokens = from.cachedTokens();
    promptLogprobs = from.promptLogprobs();
    seconds = nanos / 1e9;
  }

  /** An answer that leaves its only token out was as long as it may be before that. */
  private FinishReason told(FinishReason why) {
    boolean whole = why == null || why instanceof FinishReason.Abort;
    return prompt.silent() && !whole ? new FinishReason.Length(0) : why;
  }

  GenerateRequest.Prompt prompt() {
    return prompt;
  }

  String text() {
    return text.toString();
  }

  /** [count] The tokens so far. */
  int[] tokens() {
    return Arrays.copyOf(tokens, count);
  }

  /** How many tokens the answer has so far. */
  public int count() {
    return count;
  }

  /** [count] Log-probabilities of the tokens so far; empty if they are not wanted. */
  List<Logprobs> logprobs() {
    return logprobs;
  }

  /** Log-probabilities of the prompt's tokens behind the one at the report's start. */
  List<Logprobs> promptLogprobs() {
    return promptLogprobs;
  }

  /** Why the answer ended; null while it goes on. */
  public FinishReason finish() {
    return finish;
  }

  int cachedTokens() {
    return cachedTokens;
  }

  /** Seconds from the submission to the latest piece. */
  double seconds() {
    return seconds;
  }
}
