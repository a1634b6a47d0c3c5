package orrery.lab;

import orrery.sampling.SamplingParams;

/**
 * One request of a workload.
 *
 * @param prompt token ids
 * @param length tokens of the answer: the answer ends there, as if the model had ended it
 * @param params how the answer is drawn, and its max_tokens, which is all that a scheduler knows
 *     about the answer's length
 */
record Job(int[] prompt, int length, SamplingParams params) {
  Job {
    if (prompt.length == 0 || length < 1 || length > params.maxTokens()) {
      throw new IllegalArgumentException(
          "a job of "
              + prompt.length
              + " prompt tokens, "
              + length
              + " of at most "
              + params.maxTokens());
    }
  }

  /** A greedy answer that ends at its length and nowhere else. */
  Job(int[] prompt, int length, int limit) {
    this(
        prompt,
        length,
        SamplingParams.defaults().withTemperature(0).withMaxTokens(limit).withIgnoreEos(true));
  }

  /** An answer that ends as its parameters say. */
  Job(int[] prompt, SamplingParams params) {
    this(prompt, params.maxTokens(), params);
  }

  /** The beginning of an answer to another prompt. */
  Job briefly(int[] other, int tokens) {
    return new Job(other, Math.min(length, tokens), params);
  }

  /** Its max_tokens. */
  int limit() {
    return params.maxTokens();
  }

  /** Prompt and answer. */
  int tokens() {
    return prompt.length + length;
  }
}
