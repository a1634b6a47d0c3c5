package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Pattern;
import orrery.grammar.Constraint;
import orrery.grammar.Grammars;
import orrery.sampling.SamplingParams;
import orrery.text.Tokenizer;

/**
 * Random requests for a model, and the answers that its oracle and the plain sampler give. The
 * requests have shared prefixes, greedy and sampled choices, penalties, stop tokens, stop strings,
 * patterns that the answer must match, and several choices; some ask for log-probabilities of their
 * prompts. The last few are follow-ups: each begins with an earlier prompt and its answer, so that
 * it can hit pages of tokens that were decoded one by one.
 *
 * @param decodedFrom [request] the first token of the earlier answer; -1 if it is no follow-up
 * @param expected [request][choice] tokens, log-probabilities to the bit, text and how it ended
 * @param expectedTokens [request][choice][tokens] of the answers
 */
record RequestSet(
    LoadedModel loaded,
    List<Request> requests,
    List<Integer> decodedFrom,
    List<List<String>> expected,
    List<List<int[]>> expectedTokens) {
  /** Requests that are no follow-ups. */
  static final int SIZE = 14;

  /**
   * Requests that others follow up: first each by one that cuts its answer, then each by one that
   * goes on behind it.
   */
  static final int FOLLOWED = 2;

  /** Patterns over the characters that all models of the matrix have as tokens. */
  private static final List<String> PATTERNS =
      List.of(
          "#[0-9]{2,4}(,[0-9]{2,4}){1,3}",
          "([A-F]+[0-9]?)+",
          "[^A-R]{1,30}",
          "(AB|AC|B[A-D])*[0-9]{3}",
          "(#|\\$)(!?[A-X]{1,3}){2,9}");

  /** Requests of all kinds. */
  static RequestSet of(Served model, Tokenizer tokenizer, long seed) {
    return of(model, tokenizer, seed, false);
  }

  /**
   * Requests with short prompts and long answers: each one needs more memory soon after it is
   * admitted.
   */
  static RequestSet crowd(Served model, Tokenizer tokenizer, long seed) {
    return of(model, tokenizer, seed, true);
  }

  private static RequestSet of(Served model, Tokenizer tokenizer, long seed, boolean crowd) {
    Growing set = new Growing(model.load(Optional.of(tokenizer)), model.oracle());
    Random r = new Random(seed);
    Random scoring = new Random(~seed); // of its own: the other draws do not depend on it
    int vocab = set.loaded.model().vocab();
    int[] system = r.ints(33, 0, vocab).toArray();
    while (set.requests.size() < SIZE) {
      int[] prompt = prompt(r, system, vocab);
      SamplingParams params = params(r, vocab);
      boolean followed = set.requests.size() < FOLLOWED;
      if (crowd) {
        prompt = Arrays.copyOf(prompt, Math.min(prompt.length, 1 + r.nextInt(6)));
        params = params.withStopTokenIds(List.of()).withIgnoreEos(true).withMaxTokens(40);
      } else if (followed) { // its answer reaches beyond the largest page
        prompt = Arrays.copyOf(system, model.wholePages() - 1 - r.nextInt(12));
        params = params.withStopTokenIds(List.of()).withIgnoreEos(true).withMaxTokens(24);
      } else if (r.nextInt(3) == 0) { // a stop inside the answer
        String text = Said.by(set.oracle, set.loaded, prompt, params, 0).text();
        int at = text.length() / 2;
        if (at > 0) {
          String stop = text.substring(at, Math.min(text.length(), at + 1 + r.nextInt(3)));
          params = params.withStop(List.of(stop));
        }
      }
      params = scored(scoring, prompt.length, params);
      if (set.requests.size() % 4 == 3) {
        set.addMatching(
            Request.of(prompt, params.withStopTokenIds(List.of())),
            tokenizer,
            PATTERNS.get((int) ((set.requests.size() / 4 + seed) % PATTERNS.size())));
      } else {
        set.add(Request.of(prompt, params), -1);
      }
    }
    for (int i = 0; i < FOLLOWED; i++) {
      set.followUp(r, scoring, i, model.wholePages());
    }
    for (int i = 0; i < FOLLOWED; i++) {
      set.followUp(r, scoring, i, 0);
    }
    return new RequestSet(set.loaded, set.requests, set.decodedFrom, set.expected, set.tokens);
  }

  /** A set that is being made. */
  private record Growing(
      LoadedModel loaded,
      Function<int[], float[][]> oracle,
      List<Request> requests,
      List<Integer> decodedFrom,
      List<List<String>> expected,
      List<List<int[]>> tokens) {
    Growing(LoadedModel loaded, Function<int[], float[][]> oracle) {
      this(
          loaded,
          oracle,
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>(),
          new ArrayList<>());
    }

    void add(Request request, int from) {
      List<Said> each = new ArrayList<>();
      for (int n = 0; n < request.params().n(); n++) {
        each.add(Said.by(oracle, loaded, request.prompt(), request.params(), n));
      }
      expect(request, from, each);
    }

    private void expect(Request request, int from, List<Said> each) {
      requests.add(request);
      decodedFrom.add(from);
      expected.add(each.stream().map(Said::toString).toList());
      tokens.add(each.stream().map(Said::tokens).toList());
    }

    /** Adds a request whose answer must match a pattern. */
    void addMatching(Request request, Tokenizer tokenizer, String pattern) {
      int vocab = loaded.model().vocab();
      SamplingParams params = request.params();
      NaivePattern naive = new NaivePattern(Pattern.compile(pattern), tokenizer, vocab);
      List<Said> each = new ArrayList<>();
      for (int n = 0; n < params.n(); n++) {
        each.add(Said.by(oracle, loaded, request.prompt(), params, n, naive));
      }
      Constraint constraint = Grammars.of(tokenizer, vocab).regex(pattern);
      expect(Request.of(request.prompt(), params.withConstraint(constraint)), -1, each);
    }

    /**
     * Adds a request that follows up request {@code i}.
     *
     * @param cut takes only so many tokens and one or two more, so that it forks right behind a hit
     *     that ends with decoded tokens; 0: it goes on behind the answer
     */
    void followUp(Random r, Random scoring, int i, int cut) {
      int[] before = requests.get(i).prompt();
      int[] answer = tokens.get(i).getFirst();
      int[] all = Arrays.copyOf(before, before.length + answer.length + 1 + r.nextInt(3));
      System.arraycopy(answer, 0, all, before.length, answer.length);
      for (int t = before.length + answer.length; t < all.length; t++) {
        all[t] = r.nextInt(loaded.model().vocab());
      }
      int[] prompt = cut > 0 ? Arrays.copyOf(all, cut + 1 + r.nextInt(2)) : all;
      SamplingParams params =
          params(r, loaded.model().vocab()).withMaxTokens(4 + r.nextInt(5)).withN(cut > 0 ? 3 : 1);
      params =
          cut > 0
              ? params.withPromptLogprobs(1).withLogprobStartLen(cut) // behind the hit
              : scored(scoring, prompt.length, params);
      add(Request.of(prompt, params), before.length);
    }
  }

  private static int[] prompt(Random r, int[] system, int vocab) {
    int shared = r.nextInt(3) == 0 ? 0 : r.nextInt(system.length + 1);
    int[] prompt = Arrays.copyOf(system, shared + 1 + r.nextInt(20));
    for (int t = shared; t < prompt.length; t++) {
      prompt[t] = r.nextInt(vocab);
    }
    return prompt;
  }

  /** In one of three cases, the prompt is scored too: all of it, or from some token on. */
  static SamplingParams scored(Random r, int prompt, SamplingParams params) {
    return r.nextInt(3) > 0
        ? params
        : params
            .withPromptLogprobs(r.nextInt(4))
            .withLogprobStartLen(r.nextBoolean() ? 0 : r.nextInt(prompt));
  }

  private static SamplingParams params(Random r, int vocab) {
    var params =
        SamplingParams.defaults()
            .withMaxTokens(1 + r.nextInt(24))
            .withIgnoreEos(r.nextInt(4) > 0)
            .withTemperature(r.nextBoolean() ? 0 : 0.9)
            .withTopP(r.nextBoolean() ? 1 : 0.9)
            .withRepetitionPenalty(r.nextInt(3) == 0 ? 1.2 : 1)
            .withFrequencyPenalty(r.nextInt(3) == 0 ? 0.4 : 0)
            .withLogprobs(2)
            .withN(r.nextInt(4) == 0 ? 3 : 1)
            .withSeed(r.nextLong());
    if (r.nextInt(3) == 0) {
      params =
          params.withStopTokenIds(List.of(r.nextInt(vocab), r.nextInt(vocab), r.nextInt(vocab)));
    }
    return params;
  }

  /** The answers' tokens by seed and choice of their request. */
  Map<String, int[]> tokens() {
    Map<String, int[]> all = new HashMap<>();
    for (int i = 0; i < requests.size(); i++) {
      for (int n = 0; n < expectedTokens.get(i).size(); n++) {
        long seed = requests.get(i).params().seed().getAsLong();
        all.put(Crammer.key(seed, n), expectedTokens.get(i).get(n));
      }
    }
    return all;
  }

  /** Tokens of the longest request. */
  int longest() {
    return requests.stream()
        .mapToInt(q -> q.prompt().length + q.params().maxTokens())
        .max()
        .orElseThrow();
  }

  /** A request that would go on to the longest length; the test cancels it. */
  Request victim(long seed) {
    int[] prompt = Arrays.copyOf(requests.getFirst().prompt(), 10);
    SamplingParams params =
        SamplingParams.defaults()
            .withMaxTokens(longest() - prompt.length)
            .withIgnoreEos(true)
            .withTemperature(0.9)
            .withSeed(seed)
            .withN(new Random(seed).nextBoolean() ? 1 : 2);
    return Request.of(prompt, params);
  }
}
