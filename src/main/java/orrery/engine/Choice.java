package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import orrery.batching.Sequence;
import orrery.sampling.AnswerText;
import orrery.sampling.FinishReason;
import orrery.sampling.History;
import orrery.sampling.Logprobs;
import orrery.speculation.Drafter;
import orrery.speculation.Drafts;
import orrery.speculation.SamplingContext;
import orrery.text.StreamDecoder;

/** One unfinished answer: a sequence, with the state that turns its logits into tokens and text. */
final class Choice extends Sequence {
  final Active active; // its request
  final boolean onlyHighest; // its tokens are those with the highest logits, and nothing is told
  private final History history;
  private final SamplingContext sampling;
  private final AnswerText text;
  private String heldBack = ""; // text of the last piece, if that has no token
  private final List<Logprobs> logprobs = new ArrayList<>();
  private int cachedTokens = -1;
  private long firstToken; // nanoseconds; 0 before the first token
  private long end;
  private int place; // in the newest step that is on its way

  /** A choice of a request; the numbers are those of its {@link Sequence}. */
  Choice(Active active, LoadedModel loaded, int id, int choice, int longest, long arrival) {
    super(
        id,
        active.completion.id(),
        choice,
        active.request.prompt(),
        longest,
        active.request.priority(),
        arrival,
        TimeUnit.NANOSECONDS.toMillis(active.submitted),
        active.request.salt());
    this.active = active;
    this.onlyHighest = active.request.params().wantsOnlyHighest();
    int[] prompt = active.request.prompt();
    this.history = new History(loaded.model().vocab(), prompt);
    this.sampling = new SamplingContext(active.request.params(), history, active.seed, choice);
    this.text =
        new AnswerText(
            active.request.params(),
            loaded.eos(),
            longest - promptLength,
            loaded.tokenizer().map(t -> t.continuing(prompt)).orElse(StreamDecoder.NONE));
  }

  /** The choice that a sequence is: an engine's queues hold no others. */
  static Choice of(Sequence s) {
    return (Choice) s;
  }

  /** A row of the prompt that is to be scored must be computed, although it may be cached. */
  @Override
  public int mayHit() {
    PromptScores scores = active.scores;
    return scores.complete() ? super.mayHit() : scores.next();
  }

  /**
   * Takes note that it began to run.
   *
   * @param drafter the engine's drafter
   * @param hit how many tokens came from the prefix cache; kept from the first run only
   */
  void started(Drafter drafter, int hit) {
    drafts(drafter.start(this, sampling));
    if (cachedTokens < 0) {
      cachedTokens = hit;
      if (choice == 0) {
        active.completion.cachedTokens(hit);
      }
    }
  }

  /** Takes note that it began to run as a fork of a sibling. */
  void forked(Drafter drafter, Choice from) {
    drafts(drafter.fork(from.drafts(), this, sampling));
    cachedTokens = cachedTokens < 0 ? computed() : cachedTokens;
  }

  /** The drafts for its next tokens; empty for a sibling that does not run yet. */
  Drafts draftsOrNone() {
    return running() ? drafts() : new Drafts(sampling);
  }

  /**
   * Appends a token to the answer.
   *
   * @param probabilities of the token; null if the request asked for none
   */
  Token take(int token, Logprobs probabilities, long now) {
    String shown = text.accept(token);
    append(token);
    firstToken = firstToken == 0 ? now : firstToken;
    if (probabilities != null) {
      logprobs.add(probabilities);
    }
    FinishReason finish = finished() ? finish() : null;
    return new Token(choice, output() - 1, token, shown, text.offset(), probabilities, finish);
  }

  /** Forgets tokens that were decided, but are not part of the answer, since it ended before. */
  void drop(int tokens) {
    if (tokens > 0) {
      history.rollback(history.outputLength() - tokens);
    }
  }

  /** Number of token ids. */
  int vocab() {
    return history.vocab();
  }

  /** Where it stands among the sequences of the newest step that is on its way. */
  int place() {
    return place;
  }

  void place(int place) {
    this.place = place;
  }

  boolean finished() {
    return text.finished();
  }

  /** Ends the answer from outside; the last piece has the text that was held back. */
  Token abort(String why) {
    heldBack = text.abort(why);
    return new Token(choice, output(), Token.NONE, heldBack, 0, null, finish());
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
    int[] tokens = Arrays.copyOfRange(tokens(), promptLength, known());
    return new Answer(
        choice,
        promptLength,
        Math.max(0, cachedTokens),
        tokens,
        text.text(),
        text.offsets(),
        List.copyOf(logprobs),
        active.completion.promptLogprobs(),
        finish(),
        firstToken == 0 ? 0 : firstToken - active.submitted,
        end - active.submitted,
        retractions());
  }
}
