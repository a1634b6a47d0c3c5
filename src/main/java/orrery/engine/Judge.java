package orrery.engine;

import java.util.Arrays;
import java.util.function.LongSupplier;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.EventSink;
import orrery.graph.Buffer;
import orrery.model.Forward;
import orrery.sampling.SamplingException;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.Drafts;
import orrery.text.TokenizerException;

/** Decides the tokens of a step's rows and hands them out. */
final class Judge {
  private final AcceptanceRule rule;
  private final TokenTexts texts;
  private final EventSink sink;
  private final LongSupplier clock;
  private final int[] drafted; // [drafts at most] sequences with a draft at a position
  private final int[] accepted; // [drafts at most] sequences whose draft there was accepted

  Judge(AcceptanceRule rule, int maxDrafts, TokenTexts texts, EventSink sink, LongSupplier clock) {
    this.rule = rule;
    this.texts = texts;
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
    requireNumbers(forward.states(), segment, 0, segment.pending());
    c.advance(segment.pending());
    if (segment.logitRow() < 0) {
      return;
    }
    int hits = 0;
    int i = 0;
    boolean goesOn = true;
    while (goesOn) {
      Token token = emit(c, segment, forward.logits(), i);
      boolean hit = i < segment.drafts() && token.id() == c.drafts().token(i);
      if (hit) {
        accepted[i]++;
        hits++;
      }
      i++;
      goesOn = hit && !c.finished();
      if (goesOn) {
        int row = segment.pending() + i - 1; // the draft's: its token is known now
        requireNumbers(forward.states(), segment, row, row + 1);
        c.advance(1);
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
              clock.getAsLong(), c.request, c.id, drafts, looked, hits, rule.synthetic()));
    }
  }

  /**
   * Emits the first token of another choice of the segment's request: the row of the prompt's last
   * token decides it.
   *
   * @throws SamplingException if the row leaves nothing to draw
   */
  void judgeSibling(Choice sibling, Segment segment, Forward forward) {
    emit(sibling, segment, forward.logits(), 0);
  }

  /**
   * Refuses a segment with NaN among its rows {@code [from, to)}. All rows that count are looked
   * at, since others may share any of them. A row that is NaN in the last layer, or behind a
   * window, is NaN alone: no later row shows it.
   */
  private static void requireNumbers(Buffer states, Segment segment, int from, int to) {
    for (int i = from; i < to; i++) {
      if (states.hasNaN(segment.row() + i)) {
        int position = segment.from() + i;
        int choice = segment.choice().choice;
        throw new SamplingException(choice, position, "the model's state is NaN");
      }
    }
  }

  /**
   * Decides the token of a segment's row {@code i}, counted from the newest token's, and hands it
   * out.
   */
  private Token emit(Choice c, Segment segment, Buffer logits, int i) {
    long now = clock.getAsLong();
    Drafts drafts = c.draftsOrNone();
    int count = drafts.count();
    int guess = i < count ? drafts.token(i) : -1;
    Token token = decide(c, drafts, logits, segment.logitRow() + i, i, now);
    Origin origin =
        count == 0
            ? Origin.PLAIN
            : i == count ? Origin.BONUS : token.id() == guess ? Origin.ACCEPTED : Origin.RECOVERED;
    c.active.completion.token(token);
    sink.accept(texts.out(now, c, token, origin));
    return token;
  }

  /**
   * Any exception while a token is decided fails that request only, even if it is a bug of the
   * engine.
   */
  private Token decide(Choice c, Drafts drafts, Buffer logits, int row, int i, long now) {
    int offset = logits.row(row);
    try {
      return c.take(rule.judge(logits.data, offset, drafts, i), logits.data, offset, now);
    } catch (SamplingException e) {
      throw e;
    } catch (RuntimeException e) {
      String why = e instanceof TokenizerException ? e.getMessage() : e.toString();
      SamplingException failure = new SamplingException(c.choice, c.known(), why);
      failure.initCause(e);
      throw failure;
    }
  }
}
