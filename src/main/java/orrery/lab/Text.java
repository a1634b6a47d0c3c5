package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.sampling.SamplingParams;

/**
 * A kind of text: the prompts of its answers, and how the answers are drawn.
 *
 * @param name for tables
 * @param prompts token ids of each
 * @param limit most tokens of an answer; it mostly ends before by itself, if that is less than in
 *     {@code endless}
 * @param endless whether answers go on up to any limit
 * @param stop text that ends an answer, "" for none
 * @param temperature 0 is greedy
 */
record Text(
    String name, List<int[]> prompts, int limit, boolean endless, String stop, double temperature) {
  private static final int CUT = 2; // tokens that a prompt loses each time it comes again

  Text {
    if (prompts.isEmpty()) {
      throw new IllegalArgumentException(name + ": expected prompts, found none");
    }
    prompts = List.copyOf(prompts);
  }

  /** The same prompts, sampled. */
  Text at(double temperature) {
    return new Text(name + ", T " + temperature, prompts, limit, endless, stop, temperature);
  }

  /**
   * Requests from prompt number {@code first} on, in a circle. A prompt that comes again has
   * another seed; a greedy one lacks its first tokens instead, since a batch of equal requests
   * would choose the same experts.
   *
   * @param tokens of endless answers, at most
   */
  List<Job> jobs(int first, int count, int tokens, long seed) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] prompt = prompts.get((first + i) % prompts.size());
      int again = endless && temperature == 0 ? i / prompts.size() : 0;
      int cut = Math.min(prompt.length - 1, again * CUT);
      int most = endless ? Math.min(tokens, limit) : limit;
      jobs.add(
          new Job(Arrays.copyOfRange(prompt, cut, prompt.length), params(most, seed + first + i)));
    }
    return jobs;
  }

  private SamplingParams params(int most, long seed) {
    return SamplingParams.defaults()
        .withTemperature(temperature)
        .withMaxTokens(most)
        .withStop(stop.isEmpty() ? List.of() : List.of(stop))
        .withSeed(seed);
  }
}
