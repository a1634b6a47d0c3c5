package orrery.lab;

/**
 * One request of a workload.
 *
 * @param prompt token ids
 * @param length tokens of the answer: it ends there, as if the model had said so
 * @param limit max_tokens: all that a scheduler knows about the answer's length
 */
record Job(int[] prompt, int length, int limit) {
  Job {
    if (prompt.length == 0 || length < 1 || length > limit) {
      throw new IllegalArgumentException(
          "a job of " + prompt.length + " prompt tokens, " + length + " of at most " + limit);
    }
  }

  /** Prompt and answer. */
  int tokens() {
    return prompt.length + length;
  }
}
