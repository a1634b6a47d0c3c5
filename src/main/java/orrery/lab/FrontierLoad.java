package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.options.Options;

/**
 * The requests of the frontier. Lengths are log-normal, and cut at four times their mean; prompts
 * are random tokens, so no two have a common beginning. An answer has exactly its max_tokens, as in
 * the benchmarks of the big engines.
 *
 * <p>The published measurement has 8,192 tokens in and 1,024 out. In the recipe that it names, 40
 * GPUs compute prompts and 32 answers, so each is about half of the work. What is kept here is this
 * balance, not the ratio of lengths: on two cores, a token of an answer in a large batch costs
 * about 2.5 times a token of a prompt. So the standard lengths are 8,192 / 128 in and 1,024 / 32
 * out.
 *
 * @param input mean tokens of a prompt, before the cut
 * @param output mean tokens of an answer, before the cut
 */
public record FrontierLoad(int input, int output) {
  /** What is measured unless the user says otherwise. */
  public static final FrontierLoad STANDARD = new FrontierLoad(64, 32);

  static final FrontierLoad QUICK = new FrontierLoad(12, 4);
  private static final int MOST = 1 << 16; // tokens
  private static final int LONGEST = 4; // times the mean
  private static final int LEAST = 2; // tokens of an answer: one alone has no time per token

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public FrontierLoad {
    Options.check(input >= 1 && input <= MOST, "input", "1 to " + MOST, input);
    Options.check(output >= 1 && output <= MOST, "output", "1 to " + MOST, output);
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
    return "random prompts of about %d tokens, answers of about %d, log-normal, at most %d times that"
        .formatted(input, output, LONGEST);
  }
}
