package orrery.engine;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import orrery.sampling.Logprobs;
import orrery.speculation.DrafterState;

/**
 * What a prefill engine knows of a request when its prompt is computed, beside the cached rows. All
 * else follows from the request and its tokens: text, stop strings, the state of a grammar,
 * penalties. A draw depends on the seed and its place alone, so another engine draws the same.
 *
 * @param first [pools] the first page that the rows to come can need
 * @param tokens [choices] the first token of each answer
 * @param promptLogprobs as {@link Answer#promptLogprobs} has them; empty if the request asked for
 *     none
 * @param cachedTokens how many tokens of the prompt came from the prefix cache
 * @param drafter what the drafter knows of the first choice
 */
public record Prefilled(
    List<Integer> first,
    List<FirstToken> tokens,
    List<Logprobs> promptLogprobs,
    int cachedTokens,
    DrafterState drafter) {
  /**
   * The first token of an answer.
   *
   * @param logprobs nothing if the request asked for none
   */
  public record FirstToken(int token, Optional<Logprobs> logprobs) {
    public FirstToken {
      Objects.requireNonNull(logprobs, "logprobs: expected an optional, found null");
    }
  }

  public Prefilled {
    first = List.copyOf(first);
    tokens = List.copyOf(tokens);
    promptLogprobs = List.copyOf(promptLogprobs);
    Objects.requireNonNull(drafter, "drafter: expected its state, found null");
  }
}
