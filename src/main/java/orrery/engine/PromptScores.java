package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.options.Options;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingException;
import orrery.sampling.SamplingParams;

/**
 * The log-probabilities of one prompt, as far as they are computed. The row of a token tells the
 * probability of the token behind it; so the row of the prompt's last token has no part in this.
 *
 * <p>A request keeps them through a retraction. All its choices share them: the other choices begin
 * when the prompt is computed.
 */
final class PromptScores {
  private static final int SCORE_BYTES = 100; // about what a Logprobs takes
  private static final int ALTERNATIVE_BYTES = 28; // and each of its likeliest tokens

  private final int[] prompt; // [tokens]
  private final int alternatives;
  private final int start; // the first row
  private final int end; // behind the last row; the start if no row is wanted
  private final List<Logprobs> scores = new ArrayList<>(); // of the rows from the start on

  PromptScores(Request request) {
    SamplingParams params = request.params();
    prompt = request.prompt();
    alternatives = params.promptLogprobs();
    start = params.logprobStartLen();
    end = alternatives < 0 ? start : Math.max(start, prompt.length - 1);
  }

  /**
   * Refuses a request whose prompt has no token to start at, or whose log-probabilities do not fit
   * the heap if every running request asks for as many.
   *
   * @param room bytes of the heap for requests
   * @throws IllegalArgumentException naming the field, what was expected and what was found
   */
  static void requirePossible(Request request, int maxRunning, long room) {
    SamplingParams params = request.params();
    int tokens = request.prompt().length;
    if (params.promptLogprobs() >= 0) {
      Options.check(
          params.logprobStartLen() < tokens,
          "logprob_start_len",
          "less than the prompt's " + tokens + " tokens",
          params.logprobStartLen());
      String what =
          String.format(
              Locale.ROOT,
              "log-probabilities of prompts of %,d tokens, of %d running requests,",
              tokens,
              maxRunning);
      long bytes = Heap.times(maxRunning, tokens, bytes(params.promptLogprobs()));
      Heap.require("prompt_logprobs", what, bytes, room);
    }
  }

  /** About what the log-probability of a token takes, with so many of the likeliest tokens. */
  static long bytes(int alternatives) {
    return SCORE_BYTES + (long) ALTERNATIVE_BYTES * alternatives;
  }

  /** The row to be scored next; {@link #end} if there is none. */
  int next() {
    return start + scores.size();
  }

  /** Behind the last row to be scored. */
  int end() {
    return end;
  }

  boolean complete() {
    return next() == end;
  }

  /**
   * Scores row {@link #next}.
   *
   * @param logits the row is {@code [offset, offset + vocab)}
   * @throws SamplingException if a logit is NaN
   */
  void add(float[] logits, int offset, int vocab) {
    int behind = next() + 1;
    for (int i = offset; i < offset + vocab; i++) {
      if (Float.isNaN(logits[i])) {
        throw new SamplingException(
            0, behind, "prompt_logprobs: the logit of token " + (i - offset) + " is NaN");
      }
    }
    scores.add(Logprobs.of(logits, offset, vocab, prompt[behind], alternatives));
  }

  /** How many there are when all are computed. */
  int count() {
    return end - start;
  }

  /** Takes all of them from another engine. */
  void arrived(List<Logprobs> all) {
    scores.clear();
    scores.addAll(all);
  }

  /** All of them; none before the last one is computed. */
  List<Logprobs> all() {
    return complete() ? List.copyOf(scores) : List.of();
  }
}
