package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.batching.Sequence;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.sampling.Sampler;
import orrery.sampling.StopChecker;
import orrery.text.StreamDecoder;

/** One answer in the making: a sequence and what turns its logits into text. */
final class Choice {
  final Sequence sequence;
  final Active request;
  private final History history;
  private final StopChecker stop;
  private final StreamDecoder decoder; // null without a tokenizer
  private final int namedTokens; // tokens that have text
  private final StringBuilder text = new StringBuilder();
  private final List<Logprobs> logprobs = new ArrayList<>();
  private int cachedTokens = -1;
  private long firstToken; // nanoseconds, 0 before
  private long end;

  Choice(Active request, Sequence sequence, LoadedModel loaded) {
    this.request = request;
    this.sequence = sequence;
    int[] prompt = Arrays.copyOf(sequence.tokens(), sequence.promptLength);
    this.history = new History(loaded.model().vocab(), prompt);
    this.stop =
        new StopChecker(
            request.request.params(), loaded.eos(), sequence.longest - sequence.promptLength);
    this.decoder = loaded.tokenizer().map(t -> t.stream(true)).orElse(null);
    this.namedTokens = loaded.tokenizer().map(t -> t.vocabSize()).orElse(0);
  }

  /** Remembers how much of the prompt came from the prefix cache when it first ran. */
  void started(int hit) {
    if (cachedTokens < 0) {
      cachedTokens = hit;
    }
  }

  /**
   * Draws the next token from logits.
   *
   * @throws orrery.sampling.SamplingException if they are NaN or leave nothing to draw
   */
  Token judge(float[] logits, int offset, Sampler sampler, long now) {
    var params = request.request.params();
    int token = sampler.sample(logits, offset, params, history, request.seed, sequence.choice);
    Logprobs probabilities =
        params.logprobs() < 0
            ? null
            : Logprobs.of(logits, offset, history.vocab(), token, params.logprobs());
    String shown = stop.accept(token, token < namedTokens ? decoder.append(token) : "");
    if (decoder != null && finished() && stop.finishReason() instanceof FinishReason.Length) {
      shown += decoder.flush(); // cut off inside a character: show that something is missing
    }
    text.append(shown);
    history.push(token);
    sequence.append(token);
    firstToken = firstToken == 0 ? now : firstToken;
    if (probabilities != null) {
      logprobs.add(probabilities);
    }
    return new Token(sequence.choice, sequence.output() - 1, token, shown, probabilities);
  }

  boolean finished() {
    return stop.finished();
  }

  /** Ends the answer from outside; what was held back belongs to it. */
  void abort(String why) {
    text.append(stop.abort(why));
  }

  void end(long now) {
    end = now;
  }

  FinishReason finish() {
    return stop.finishReason();
  }

  Answer answer() {
    int[] tokens = Arrays.copyOfRange(sequence.tokens(), sequence.promptLength, sequence.known());
    return new Answer(
        sequence.choice,
        sequence.promptLength,
        Math.max(0, cachedTokens),
        tokens,
        text.toString(),
        List.copyOf(logprobs),
        stop.finishReason(),
        firstToken == 0 ? 0 : firstToken - request.submitted,
        end - request.submitted,
        sequence.retractions());
  }
}
