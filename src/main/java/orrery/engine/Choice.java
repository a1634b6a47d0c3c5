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
import orrery.speculation.Draw;
import orrery.text.StreamDecoder;

/** One answer in the making: a sequence and what turns its logits into text. */
final class Choice {
  final Sequence sequence;
  final Active request;
  private final History history;
  private final Draw draw;
  private final AnswerText text;
  private String heldBack = ""; // text of its end that came with no token
  private final List<Logprobs> logprobs = new ArrayList<>();
  private Drafts drafts; // of this run; none while waiting
  private int cachedTokens = -1;
  private long firstToken; // nanoseconds, 0 before
  private long end;

  Choice(Active request, Sequence sequence, LoadedModel loaded) {
    this.request = request;
    this.sequence = sequence;
    int[] prompt = request.request.prompt();
    this.history = new History(loaded.model().vocab(), prompt);
    this.draw = new Draw(request.request.params(), history, request.seed, sequence.choice);
    this.drafts = new Drafts(draw);
    this.text =
        new AnswerText(
            request.request.params(),
            loaded.eos(),
            sequence.longest - sequence.promptLength,
            loaded.tokenizer().map(t -> t.continuing(prompt)).orElse(StreamDecoder.NONE));
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

  /** Ends the answer from outside; what was held back is its last piece. */
  Token abort(String why) {
    heldBack = text.abort(why);
    return new Token(sequence.choice, sequence.output(), Token.NONE, heldBack, null, finish());
  }

  /** The text that came with no token, at the end. */
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
