package orrery.lab;

import orrery.prefix.RetentionConfig;
import orrery.sampling.SamplingParams;

/**
 * One request of a workload.
 *
 * @param prompt token ids
 * @param length tokens of the answer: the answer ends there, as if the model had ended it
 * @param params how the answer is drawn, and its max_tokens, which is all that a scheduler knows
 *     about the answer's length
 * @param retention what it says about how long its blocks are kept
 */
record Job(int[] prompt, int length, SamplingParams params, RetentionConfig retention) {
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

  /** A job that says nothing about how long its blocks are kept. */
  Job(int[] prompt, int length, SamplingParams params) {
    this(prompt, length, params, RetentionConfig.NONE);
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

  /** The same job, which says how long its blocks are kept. */
  Job with(RetentionConfig kept) {
    return new Job(prompt, length, params, kept);
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
