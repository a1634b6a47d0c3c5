package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import orrery.sampling.AnswerText;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingParams;
import orrery.text.StreamDecoder;

/**
 * The parts of an answer that are compared.
 *
 * @param bits every token with the bits of log-probabilities
 * @param scores log-probabilities of the prompt's tokens, whose digits tell their bits
 */
record Said(int[] tokens, String bits, String text, String finish, String scores) {
  /** What an oracle and the plain sampler say. */
  static Said by(
      Function<int[], float[][]> oracle,
      LoadedModel loaded,
      int[] prompt,
      SamplingParams p,
      int choice) {
    return by(oracle, loaded, prompt, p, choice, null);
  }

  /**
   * What they say if the answer must match a pattern; the parameters have no constraint.
   *
   * @param pattern null for any text
   */
  static Said by(
      Function<int[], float[][]> oracle,
      LoadedModel loaded,
      int[] prompt,
      SamplingParams p,
      int choice,
      NaivePattern pattern) {
    int vocab = loaded.model().vocab();
    int[] ids = prompt;
    History history = new History(vocab, ids);
    Sampler sampler = new Sampler(vocab, loaded.eos());
    StreamDecoder decoder =
        loaded.tokenizer().map(t -> t.continuing(prompt)).orElse(StreamDecoder.NONE);
    AnswerText answer = new AnswerText(p, loaded.eos(), p.maxTokens(), decoder);
    StringBuilder bits = new StringBuilder();
    boolean closed = false;
    while (!answer.finished() && !closed) {
      float[] last = oracle.apply(ids)[ids.length - 1];
      int[] said = Arrays.copyOfRange(ids, prompt.length, ids.length);
      float[] allowed = pattern == null ? last : pattern.filter(last, said, p, loaded.eos());
      int token = sampler.sample(allowed, 0, p, history, p.seed().getAsLong(), choice);
      bits.append(describe(token, Logprobs.of(last, 0, vocab, token, 2)));
      answer.accept(token);
      history.push(token);
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = token;
      boolean open = !answer.finished() || answer.finishReason() instanceof FinishReason.Length;
      int[] now = Arrays.copyOfRange(ids, prompt.length, ids.length);
      closed = open && pattern != null && pattern.closed(now);
    }
    if (!answer.finished()) {
      answer.abort("complete");
    }
    FinishReason why = closed ? new FinishReason.Complete() : answer.finishReason();
    int[] tokens = Arrays.copyOfRange(ids, prompt.length, ids.length);
    return new Said(
        tokens,
        bits.toString(),
        answer.text(),
        why.toString(),
        scores(oracle, vocab, prompt, p).toString());
  }

  private static List<Logprobs> scores(
      Function<int[], float[][]> oracle, int vocab, int[] prompt, SamplingParams p) {
    List<Logprobs> scores = new ArrayList<>();
    if (p.promptLogprobs() >= 0) {
      float[][] logits = oracle.apply(prompt);
      for (int t = p.logprobStartLen() + 1; t < prompt.length; t++) {
        scores.add(Logprobs.of(logits[t - 1], 0, vocab, prompt[t], p.promptLogprobs()));
      }
    }
    return scores;
  }

  /** What the engine said. */
  static Said of(Answer a) {
    StringBuilder bits = new StringBuilder();
    for (int i = 0; i < a.tokens().length; i++) {
      bits.append(describe(a.tokens()[i], a.logprobs().get(i)));
    }
    return new Said(
        a.tokens(),
        bits.toString(),
        a.text(),
        a.finish().toString(),
        a.promptLogprobs().toString());
  }

  private static String describe(int token, Logprobs logprobs) {
    StringBuilder s = new StringBuilder().append(token);
    s.append(':').append(Double.doubleToLongBits(logprobs.chosen().logprob()));
    logprobs.top().forEach(t -> s.append(',').append(Double.doubleToLongBits(t.logprob())));
    return s.append(' ').toString();
  }

  @Override
  public String toString() {
    return bits + "| " + text + " | " + finish + " | " + scores;
  }
}
