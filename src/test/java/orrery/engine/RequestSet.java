package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import orrery.Naive;
import orrery.sampling.AnswerText;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.text.Tokenizer;

/**
 * Random requests for a model, and the answers that {@link Naive} and the plain sampler give. The
 * requests have shared prefixes, greedy and sampled choices, penalties, stop tokens, stop strings
 * and several choices.
 *
 * @param expected [request][choice] tokens, log-probabilities to the bit, text and how it ended
 * @param expectedTokens [request][choice][tokens] of the answers
 */
record RequestSet(
    LoadedModel loaded,
    List<Request> requests,
    List<List<String>> expected,
    List<List<int[]>> expectedTokens) {
  static final int SIZE = 14;

  /** Requests of all kinds. */
  static RequestSet of(Path model, Tokenizer tokenizer, long seed) {
    return of(model, tokenizer, seed, false);
  }

  /**
   * Requests with short prompts and long answers: each one needs more memory soon after it is
   * admitted.
   */
  static RequestSet crowd(Path model, Tokenizer tokenizer, long seed) {
    return of(model, tokenizer, seed, true);
  }

  private static RequestSet of(Path model, Tokenizer tokenizer, long seed, boolean crowd) {
    LoadedModel ids = LoadedModel.load(model);
    // A speck's ids are words of the storyteller's vocabulary: nonsense, but text.
    LoadedModel loaded =
        new LoadedModel(model, ids.model(), Optional.of(tokenizer), new int[] {5, 17});
    Naive naive = new Naive(model);
    List<Request> requests = new ArrayList<>();
    List<List<String>> expected = new ArrayList<>();
    List<List<int[]>> tokens = new ArrayList<>();
    Random r = new Random(seed);
    int[] system = r.ints(33, 0, loaded.model().vocab()).toArray();
    while (requests.size() < SIZE) {
      int[] prompt = prompt(r, system, loaded.model().vocab());
      SamplingParams params = params(r, loaded.model().vocab());
      if (crowd) {
        prompt = Arrays.copyOf(prompt, Math.min(prompt.length, 1 + r.nextInt(6)));
        params = params.withStopTokenIds(List.of()).withIgnoreEos(true).withMaxTokens(40);
      } else if (r.nextInt(3) == 0) { // a stop inside the answer
        String text = answer(naive, loaded, prompt, params, 0).text;
        int at = text.length() / 2;
        if (at > 0) {
          String stop = text.substring(at, Math.min(text.length(), at + 1 + r.nextInt(3)));
          params = params.withStop(List.of(stop));
        }
      }
      requests.add(Request.of(prompt, params));
      List<Said> each = new ArrayList<>();
      for (int n = 0; n < params.n(); n++) {
        each.add(answer(naive, loaded, prompt, params, n));
      }
      expected.add(each.stream().map(Said::toString).toList());
      tokens.add(each.stream().map(Said::tokens).toList());
    }
    return new RequestSet(loaded, requests, expected, tokens);
  }

  private static int[] prompt(Random r, int[] system, int vocab) {
    int shared = r.nextInt(3) == 0 ? 0 : r.nextInt(system.length + 1);
    int[] prompt = Arrays.copyOf(system, shared + 1 + r.nextInt(20));
    for (int t = shared; t < prompt.length; t++) {
      prompt[t] = r.nextInt(vocab);
    }
    return prompt;
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

  /** The parts of an answer that are compared. */
  private record Said(int[] tokens, String bits, String text, String finish) {
    @Override
    public String toString() {
      return bits + "| " + text + " | " + finish;
    }
  }

  private static Said answer(
      Naive naive, LoadedModel loaded, int[] prompt, SamplingParams p, int choice) {
    int vocab = loaded.model().vocab();
    int[] ids = prompt;
    History history = new History(vocab, ids);
    Sampler sampler = new Sampler(vocab, loaded.eos());
    AnswerText answer =
        new AnswerText(
            p, loaded.eos(), p.maxTokens(), loaded.requireTokenizer().continuing(prompt));
    StringBuilder bits = new StringBuilder();
    while (!answer.finished()) {
      float[][] logits = naive.logits(ids);
      float[] last = logits[logits.length - 1];
      int token = sampler.sample(last, 0, p, history, p.seed().getAsLong(), choice);
      bits.append(describe(token, Logprobs.of(last, 0, vocab, token, 2)));
      answer.accept(token);
      history.push(token);
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = token;
    }
    int[] tokens = Arrays.copyOfRange(ids, prompt.length, ids.length);
    return new Said(tokens, bits.toString(), answer.text(), answer.finishReason().toString());
  }

  private static String describe(int token, Logprobs logprobs) {
    StringBuilder s = new StringBuilder().append(token);
    s.append(':').append(Double.doubleToLongBits(logprobs.chosen().logprob()));
    logprobs.top().forEach(t -> s.append(',').append(Double.doubleToLongBits(t.logprob())));
    return s.append(' ').toString();
  }

  static String describe(Answer a) {
    StringBuilder bits = new StringBuilder();
    for (int i = 0; i < a.tokens().length; i++) {
      bits.append(describe(a.tokens()[i], a.logprobs().get(i)));
    }
    return new Said(a.tokens(), bits.toString(), a.text(), a.finish().toString()).toString();
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
