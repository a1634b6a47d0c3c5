package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.batching.Sequence;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.sampling.StopChecker;
import orrery.speculation.Drafter;
import orrery.speculation.Drafts;
import orrery.speculation.Draw;
import orrery.text.StreamDecoder;

/** One answer in the making: a sequence and what turns its logits into text. */
final class Choice {
  final Sequence sequence;
  final Active request;
  private final History history;
  private final Draw draw;
  private final StopChecker stop;
  private final StreamDecoder decoder; // null without a tokenizer
  private final int namedTokens; // tokens that have text
  private final StringBuilder text = new StringBuilder();
  private final List<Logprobs> logprobs = new ArrayList<>();
  private Drafts drafts; // of this run; none while waiting
  private int cachedTokens = -1;
  private long firstToken; // nanoseconds, 0 before
  private long end;

  Choice(Active request, Sequence sequence, LoadedModel loaded) {
    this.request = request;
    this.sequence = sequence;
    int[] prompt = Arrays.copyOf(sequence.tokens(), sequence.promptLength);
    this.history = new History(loaded.model().vocab(), prompt);
    this.draw = new Draw(request.request.params(), history, request.seed, sequence.choice);
    this.drafts = new Drafts(draw);
    this.stop =
        new StopChecker(
            request.request.params(), loaded.eos(), sequence.longest - sequence.promptLength);
    this.decoder = loaded.tokenizer().map(t -> t.stream(true)).orElse(null);
    this.namedTokens = loaded.tokenizer().map(t -> t.vocabSize()).orElse(0);
  }

  /**
   * Its sequence began to run.
   *
   * @param hit how much of the prompt came from the prefix cache; remembered the first time
   */
  void started(Drafter drafter, int hit) {
    drafts = drafter.start(sequence, draw);
    cachedTokens = cachedTokens < 0 ? hit : cachedTokens;
  }

  /** Its sequence began to run beside a sibling's, with all that it has computed. */
  void forked(Drafter drafter, Choice from) {
    drafts = drafter.fork(from.drafts, sequence, draw);
    cachedTokens = cachedTokens < 0 ? sequence.computed() : cachedTokens;
  }

  /** Its sequence was retracted. */
  void retracted() {
    drafts = new Drafts(draw);
  }

  /** The guesses for its next tokens. */
  Drafts drafts() {
    return drafts;
  }

  /** Takes one more token, decided from logits, into the answer. */
  Token take(int token, float[] logits, int offset, long now) {
    var params = request.request.params();
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
