package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The requests of the frontier: those of the published measurement, 8,192 tokens in and 1,024 out,
 * divided by a number. Lengths are log-normal, and cut at four times their mean; prompts are random
 * tokens, so no two have a common beginning. An answer has exactly its max_tokens, as in the
 * benchmarks of the big engines.
 *
 * @param input mean tokens of a prompt, before the cut
 * @param output mean tokens of an answer, before the cut
 */
record FrontierLoad(int input, int output) {
  private static final int INPUT = 8192; // tokens
  private static final int OUTPUT = 1024; // tokens
  private static final int LONGEST = 4; // times the mean
  private static final int LEAST = 2; // tokens of an answer: one alone has no time per token

  /** The published lengths over {@code scale}. */
  static FrontierLoad over(int scale) {
    return new FrontierLoad(INPUT / scale, OUTPUT / scale);
  }

  /** The longest sequence, prompt and answer. */
  int context() {
    return LONGEST * (input + output);
  }

  /** Draws requests: the same seed gives the same ones. */
  List<Job> jobs(Draw draw, int count) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = draw.tokens(draw.logNormal(input, LONGEST * input));
      int length = Math.max(LEAST, draw.logNormal(output, LONGEST * output));
      jobs.add(new Job(prompt, length, length));
    }
    return jobs;
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "random prompts of about %d tokens, answers of about %d (%d and %d over %d), log-normal",
        input,
        output,
        INPUT,
        OUTPUT,
        INPUT / input);
  }
}
