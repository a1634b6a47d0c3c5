package orrery.engine;

import java.util.Arrays;
import java.util.function.LongSupplier;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.EventSink;
import orrery.sampling.SamplingException;
import orrery.text.TokenizerException;

/** Hands out the tokens that a step's rows decided, as text, events and pieces of answers. */
final class Judge {
  private final boolean synthetic; // whether an experiment accepts drafts at a given rate
  private final TokenTexts texts;
  private final EventSink sink;
  private final LongSupplier clock;
  private final int[] drafted; // [drafts at most] sequences with a draft at a position
  private final int[] accepted; // [drafts at most] sequences whose draft there was accepted

  Judge(boolean synthetic, int maxDrafts, TokenTexts texts, EventSink sink, LongSupplier clock) {
    this.synthetic = synthetic;
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
   * Hands out the tokens that were decided for a sequence, one by one, until a token is not the
   * draft or the answer ends. The rows up to there count as computed; the rows after them are void.
   *
   * @throws SamplingException if a row that counts is NaN or leaves nothing to draw
   */
  void judge(Decision decision) {
    Choice c = decision.choice;
    Segment segment = decision.segment;
    decision.requireRows();
    c.advance(segment.pending());
    if (segment.logitRow() < 0) {
      return;
    }
    int hits = 0;
    int i = 0;
    boolean goesOn = true;
    while (goesOn) {
      Token token = emit(decision, i);
      boolean hit = i < segment.drafts() && token.id() == c.drafts().token(i);
      if (hit) {
        accepted[i]++;
        hits++;
      }
      i++;
      goesOn = decision.has(i) && !c.finished();
      if (goesOn) {
        c.advance(1); // the draft's row: its token is known now
      }
    }
    c.drop(decision.count() - i);
    for (int d = 0; d < segment.drafts(); d++) {
      drafted[d]++;
    }
    if (segment.drafts() > 0) {
      int looked = Math.min(i, segment.drafts());
      int[] drafts = c.drafts().toArray();
      sink.accept(
          new Event.Verified(clock.getAsLong(), c.request, c.id, drafts, looked, hits, synthetic));
    }
  }

  /**
   * Hands out the first token of another choice of a segment's request: the row of the prompt's
   * last token decided it.
   *
   * @throws SamplingException if the row leaves nothing to draw
   */
  void judgeSibling(Decision decision) {
    emit(decision, 0);
  }

  /** Hands out token {@code i} of a decision. */
  private Token emit(Decision decision, int i) {
    Choice c = decision.choice;
    long now = clock.getAsLong();
    int count = decision.drafts.count();
    int guess = i < count ? decision.drafts.token(i) : -1;
    Token token = take(decision, i, now);
    Origin origin =
        count == 0
            ? Origin.PLAIN
            : i == count ? Origin.BONUS : token.id() == guess ? Origin.ACCEPTED : Origin.RECOVERED;
    c.active.completion.token(token);
    sink.accept(texts.out(now, c, token, origin));
    return token;
  }

  /**
   * Any exception while a token is decided or becomes text fails that request only, even if it is a
   * bug of the engine.
   */
  private Token take(Decision decision, int i, long now) {
    Choice c = decision.choice;
    try {
      return c.take(decision.token(i), decision.logprobs(i), now);
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
