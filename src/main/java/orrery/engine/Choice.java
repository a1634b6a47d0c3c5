package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.batching.Sequence;
import orrery.sampling.AnswerText;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.speculation.Drafter;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;
import orrery.text.StreamDecoder;

/** One unfinished answer: its sequence, and the state that turns logits into tokens and text. */
final class Choice {
  final Sequence sequence;
  final Active request;
  private final History history;
  private final SamplingContext sampling;
  private final AnswerText text;
  private String heldBack = ""; // text of the last piece, if that has no token
  private final List<Logprobs> logprobs = new ArrayList<>();
  private int cachedTokens = -1;
  private long firstToken; // nanoseconds; 0 before the first token
  private long end;

  Choice(Active request, Sequence sequence, LoadedModel loaded) {
    this.request = request;
    this.sequence = sequence;
    int[] prompt = request.request.prompt();
    this.history = new History(loaded.model().vocab(), prompt);
    this.sampling =
        new SamplingContext(request.request.params(), history, request.seed, sequence.choice);
    this.text =
        new AnswerText(
            request.request.params(),
            loaded.eos(),
            sequence.longest - sequence.promptLength,
            loaded.tokenizer().map(t -> t.continuing(prompt)).orElse(StreamDecoder.NONE));
  }

  /**
   * Takes note that the sequence began to run.
   *
   * @param drafter the engine's drafter
   * @param hit how many tokens came from the prefix cache; kept from the first run only
   */
  void started(Drafter drafter, int hit) {
    sequence.drafts(drafter.start(sequence, sampling));
    cachedTokens = cachedTokens < 0 ? hit : cachedTokens;
  }

  /** Takes note that the sequence began to run as a fork of a sibling's. */
  void forked(Drafter drafter, Choice from) {
    sequence.drafts(drafter.fork(from.sequence.drafts(), sequence, sampling));
    cachedTokens = cachedTokens < 0 ? sequence.computed() : cachedTokens;
  }

  /** The drafts for the next tokens of the sequence; none of a sibling that does not run yet. */
  Drafts drafts() {
    return sequence.running() ? sequence.drafts() : new Drafts(sampling);
  }

  /**
   * Appends a token to the answer; {@code logits} at {@code offset} are the row that decided it.
   */
  Token take(int token, float[] logits, int offset, long now) {
    var params = request.request.params();
    Logprobs probabilities =
        params.logprobs() < 0
            ? null
            : Logprobs.of(logits, offset, history.vocab(), token, params.logprobs());
    String shown = text.accept(token);
    history.push(token);
    sequence.append(token);
    firstToken = firstToken == 0 ? now : firstToken;
    if (probabilities != null) {
      logprobs.add(probabilities);
    }
    FinishReason finish = finished() ? finish() : null;
    return new Token(sequence.choice, sequence.output() - 1, token, shown, probabilities, finish);
  }

  boolean finished() {
    return text.finished();
  }

  /** Ends the answer from outside; the last piece has the text that was held back. */
  Token abort(String why) {
    heldBack = text.abort(why);
    return new Token(sequence.choice, sequence.output(), Token.NONE, heldBack, null, finish());
  }

  /** The text of the last piece, if that piece has no token; else empty. */
  String heldBack() {
    return heldBack;
  }

  void end(long now) {
    end = now;
  }

  FinishReason finish() {
    return text.finishReason();
  }

  Answer answer() {
    int[] tokens = Arrays.copyOfRange(sequence.tokens(), sequence.promptLength, sequence.known());
    return new Answer(
        sequence.choice,
        sequence.promptLength,
        Math.max(0, cachedTokens),
        tokens,
        text.text(),
        text.offsets(),
        List.copyOf(logprobs),
        finish(),
        firstToken == 0 ? 0 : firstToken - request.submitted,
        end - request.submitted,
        sequence.retractions());
  }
}
