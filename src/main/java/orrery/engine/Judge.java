package orrery.engine;

import java.util.Arrays;
import java.util.function.LongSupplier;
import orrery.batching.Sequence;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.EventSink;
import orrery.graph.Buffer;
import orrery.model.Forward;
import orrery.sampling.SamplingException;
import orrery.speculation.AcceptanceRule;
import orrery.text.TokenizerException;

/** Decides the tokens of a step's rows and hands them out. */
final class Judge {
  private final AcceptanceRule rule;
  private final EventSink sink;
  private final LongSupplier clock;
  private final int[] drafted; // [drafts at most] sequences with a draft at a position
  private final int[] accepted; // [drafts at most] sequences whose draft there was accepted

  Judge(AcceptanceRule rule, int maxDrafts, EventSink sink, LongSupplier clock) {
    this.rule = rule;
    this.sink = sink;
    this.clock = clock;
    this.drafted = new int[maxDrafts];
    this.accepted = new int[maxDrafts];
  }

  /** Begins a step. */
  void clear() {
    Arrays.fill(drafted, 0);
    Arrays.fill(accepted, 0);
  }

  /**
   * [drafts at most] How many drafts the step had at each position, also after the end of an
   * answer.
   */
  int[] drafted() {
    return drafted.clone();
  }

  /** [drafts at most] How many of them became part of an answer. */
  int[] accepted() {
    return accepted.clone();
  }

  /**
   * Emits the tokens that a sequence's rows decide, row by row, until a token is not the draft or
   * the answer ends. The rows up to there count as computed; the rows after them are void.
   *
   * @throws SamplingException if a row that counts is NaN or leaves nothing to draw
   */
  void judge(Segment segment, Forward forward) {
    Choice c = segment.choice();
    Sequence s = c.sequence;
    int last = segment.row() + segment.pending() - 1;
    requireFinite(forward.hidden(), last, s, segment.from() + segment.pending() - 1);
    s.advance(segment.pending());
    if (segment.logitRow() < 0) {
      return;
    }
    Buffer logits = forward.logits();
    int hits = 0;
    int i = 0;
    boolean goesOn = true;
    while (goesOn) {
      requireFinite(forward.hidden(), last + i, s, s.computed() - 1);
      Token token = emit(c, logits.data, logits.row(segment.logitRow() + i), i);
      boolean hit = i < segment.drafts() && token.id() == c.drafts().token(i);
      if (hit) {
        accepted[i]++;
        hits++;
      }
      i++;
      goesOn = hit && !c.finished();
      if (goesOn) {
        s.advance(1); // the draft's row: its token is known now
      }
    }
    for (int d = 0; d < segment.drafts(); d++) {
      drafted[d]++;
    }
    if (segment.drafts() > 0) {
      int looked = Math.min(i, segment.drafts());
      int[] drafts = c.drafts().toArray();
      sink.accept(
          new Event.Verified(
              clock.getAsLong(), s.request, s.id, drafts, looked, hits, rule.synthetic()));
    }
  }

  /**
   * Refuses a row with NaN. A row that attends to NaN becomes NaN too, so such a row must not enter
   * the prefix cache.
   */
  private static void requireFinite(Buffer hidden, int row, Sequence s, int position) {
    for (int i = 0; i < hidden.cols; i++) {
      if (Float.isNaN(hidden.data[hidden.row(row) + i])) {
        throw new SamplingException(s.choice, position, "the model's hidden state is NaN");
      }
    }
  }

  /** Decides the token of row {@code i}, counted from the newest token's, and hands it out. */
  Token emit(Choice c, float[] logits, int offset, int i) {
    long now = clock.getAsLong();
    int count = c.drafts().count();
    int guess = i < count ? c.drafts().token(i) : -1;
    Token token = decide(c, logits, offset, i, now);
    Origin origin =
        count == 0
            ? Origin.PLAIN
            : i == count ? Origin.BONUS : token.id() == guess ? Origin.ACCEPTED : Origin.RECOVERED;
    c.request.completion.token(token);
    sink.accept(
        new Event.TokenOut(
            now,
            c.sequence.request,
            c.sequence.id,
            token.index(),
            token.id(),
            token.text(),
            origin));
    return token;
  }

  /**
   * Any exception while a token is decided fails that request only, even if it is a bug of the
   * engine.
   */
  private Token decide(Choice c, float[] logits, int offset, int i, long now) {
    try {
      return c.take(rule.judge(logits, offset, c.drafts(), i), logits, offset, now);
    } catch (SamplingException e) {
      throw e;
    } catch (RuntimeException e) {
      String why = e instanceof TokenizerException ? e.getMessage() : e.toString();
      SamplingException failure = new SamplingException(c.sequence.choice, c.sequence.known(), why);
      failure.initCause(e);
      throw failure;
    }
  }
}
