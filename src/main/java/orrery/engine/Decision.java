package orrery.engine;

import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.HighestLogits;
import orrery.model.GreedyForward;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingException;
import orrery.speculation.AcceptanceRule;
import orrery.speculation.Drafts;

/**
 * The tokens that one segment's rows decide for one choice: nearly all of the work of judging, and
 * independent of every other choice. So the decisions of a step may be made at the same time on
 * several threads. A decision touches nothing of the engine but the history of its choice, and its
 * tokens mean nothing until {@link Judge} hands them out, one choice after the other.
 *
 * <p>Where an answer ends is known only then, since its text decides it. So a decision goes on
 * until a token is not the draft, and may have more tokens than the answer takes.
 */
final class Decision {
  final Choice choice;
  final Segment segment;
  final int place; // of the segment among those of its step
  final boolean sibling; // takes its first token from a row of the segment's choice
  final Drafts drafts;
  private int[] tokens = new int[1]; // [>= count]
  private Logprobs[] logprobs = new Logprobs[1]; // [>= count], null if the request asked for none
  private int count;
  private RuntimeException failure; // in place of token `count`

  private Decision(Choice choice, Segment segment, int place, boolean sibling) {
    this.choice = choice;
    this.segment = segment;
    this.place = place;
    this.sibling = sibling;
    this.drafts = choice.draftsOrNone();
  }

  /** A segment's own tokens. */
  static Decision of(Segment segment, int place) {
    return new Decision(segment.choice(), segment, place, false);
  }

  /** The first token of another choice of the segment's request. */
  static Decision of(Choice sibling, Segment segment, int place) {
    return new Decision(sibling, segment, place, true);
  }

  /** How many tokens were decided. */
  int count() {
    return count;
  }

  /** Whether token {@code i} was decided, or could not be: its draft's row counts then. */
  boolean has(int i) {
    return i < count || failure != null;
  }

  /**
   * Token {@code i}.
   *
   * @throws RuntimeException why it could not be decided
   */
  int token(int i) {
    if (i >= count) {
      throw failure;
    }
    return tokens[i];
  }

  /** The log-probabilities of token {@code i}; null if the request asked for none. */
  Logprobs logprobs(int i) {
    return logprobs[i];
  }

  /**
   * Refuses rows that cannot be judged.
   *
   * @throws SamplingException if a row is NaN
   */
  void requireRows() {
    if (count == 0 && failure instanceof SamplingException e) {
      throw e;
    }
  }

  /** Multiply-adds that take about as long: what tells how many threads are worth it. */
  long cost() {
    boolean greedy = drafts.sampling().params().greedy();
    boolean scored = drafts.sampling().params().logprobs() >= 0;
    long each = (greedy ? 1 : 8) + (scored ? 16 : 0); // measured: exponentials cost that much
    long numbers = choice.onlyHighest ? HighestLogits.parts(choice.vocab()) : choice.vocab();
    return segment.logitRow() < 0
        ? 0
        : (1L + segment.drafts()) * each * numbers * HighestLogits.LOOK;
  }

  /**
   * Decides the tokens. An exception while a token is decided, even if it is a bug of the engine,
   * waits in the decision: it fails the request when the tokens before it have been handed out.
   */
  void decide(AcceptanceRule rule, GreedyForward forward) {
    try {
      if (!sibling) {
        requireNumbers(forward.states(), 0, segment.pending());
      }
    } catch (SamplingException e) {
      failure = e;
      return;
    }
    if (segment.logitRow() >= 0) {
      try {
        decideTokens(rule, forward);
      } catch (RuntimeException e) {
        failure = e;
      }
    }
  }

  private void decideTokens(AcceptanceRule rule, GreedyForward forward) {
    int guesses = sibling ? 0 : segment.drafts();
    boolean hit = true;
    for (int i = 0; hit; i++) {
      if (i > 0) { // the draft's row: its token is known now
        requireNumbers(forward.states(), segment.pending() + i - 1, segment.pending() + i);
      }
      Buffer logits = forward.logits();
      int token = token(rule, forward, i);
      add(token, logits, logits.row(segment.logitRow() + i));
      hit = i < guesses && token == drafts.token(i);
    }
  }

  /**
   * The token of one row. A greedy one was found with the logits, unless the row has NaN or nothing
   * but −∞; then the rule says what is wrong. Greedy answers are the same by every rule that is not
   * synthetic.
   */
  private int token(AcceptanceRule rule, GreedyForward forward, int i) {
    int row = segment.logitRow() + i;
    int highest =
        choice.onlyHighest && !rule.synthetic() ? forward.highest(row) : HighestLogits.NONE;
    Buffer logits = forward.logits();
    return highest >= 0 ? highest : rule.judge(logits.data, logits.row(row), drafts, i);
  }

  private void add(int token, Buffer logits, int offset) {
    int alternatives = drafts.sampling().params().logprobs();
    Logprobs told =
        alternatives < 0
            ? null
            : Logprobs.of(logits.data, offset, choice.vocab(), token, alternatives);
    drafts.sampling().history().push(token);
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
      logprobs = Arrays.copyOf(logprobs, 2 * count);
    }
    tokens[count] = token;
    logprobs[count++] = told;
  }

  /**
   * Refuses NaN among the segment's rows {@code [from, to)}. All rows that count are looked at,
   * since others may share any of them. A row that is NaN in the last layer, or behind a window, is
   * NaN alone: no later row shows it.
   */
  private void requireNumbers(Buffer states, int from, int to) {
    for (int i = from; i < to; i++) {
      if (states.hasNaN(segment.row() + i)) {
        int position = segment.from() + i;
        throw new SamplingException(choice.choice, position, "the model's state is NaN");
      }
    }
  }

  /** Sums the costs of a step's decisions. */
  static long cost(List<Decision> decisions) {
    long cost = 0;
    for (Decision d : decisions) {
      cost += d.cost();
    }
    return cost;
  }
}
