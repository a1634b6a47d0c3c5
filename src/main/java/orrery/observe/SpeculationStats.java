package orrery.observe;

import java.util.ArrayList;
import java.util.List;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.EventSink;

/**
 * Statistics of drafts, counted from events. They may be read while the engine runs.
 *
 * <p>A <em>verification</em> is one sequence's rows in one step: its newest token and the drafts
 * behind it. The <em>acceptance length</em> is the tokens that a verification gives on average.
 * Mostly that is one more than the drafts it accepts; but an answer that ends with an accepted
 * draft gets no further token. So the tokens are counted, and not concluded from the drafts.
 *
 * <p>A <em>round</em> is a step of the main model that gives an answer tokens after its first: one
 * token without drafts, or those of a verification. The first token comes from the prompt's rows,
 * and says nothing about drafts.
 */
public final class SpeculationStats implements EventSink {
  private final List<int[]> positions =
      new ArrayList<>(); // [drafted, judged, accepted] by position
  private long verifications;
  private long drafted;
  private long accepted;
  private long verified; // tokens that verifications gave
  private long plain; // rounds without drafts: one token each; an answer's first token is none
  private long tokens;
  private long targetSteps;
  private boolean synthetic;

  @Override
  public synchronized void accept(Event event) {
    switch (event) {
      case Event.Verified v -> add(v);
      case Event.TokenOut t -> add(t);
      case Event.StepDone s -> targetSteps++;
      default -> {}
    }
  }

  private void add(Event.TokenOut t) {
    tokens++;
    if (t.origin() != Origin.PLAIN) {
      verified++;
    } else if (t.index() > 0) {
      plain++;
    }
  }

  private void add(Event.Verified v) {
    verifications++;
    drafted += v.drafts().length;
    accepted += v.accepted();
    synthetic |= v.synthetic();
    while (positions.size() < v.drafts().length) {
      positions.add(new int[3]);
    }
    for (int i = 0; i < v.drafts().length; i++) {
      positions.get(i)[0]++;
      positions.get(i)[1] += i < v.judged() ? 1 : 0;
      positions.get(i)[2] += i < v.accepted() ? 1 : 0;
    }
  }

  /** Sequences' verifications, each with at least one draft. */
  public synchronized long verifications() {
    return verifications;
  }

  public synchronized long drafted() {
    return drafted;
  }

  public synchronized long accepted() {
    return accepted;
  }

  /** Tokens of all answers. */
  public synchronized long tokens() {
    return tokens;
  }

  /** Tokens that a verification gave, on average; 0 if there was none. */
  public synchronized double acceptanceLength() {
    return verifications == 0 ? 0 : (double) verified / verifications;
  }

  /** Steps of the main model. */
  public synchronized long targetSteps() {
    return targetSteps;
  }

  /**
   * Steps of the main model that an answer took for each of its tokens after the first: 1 without
   * drafts, 0 if there was no such token.
   */
  public synchronized double stepsPerToken() {
    return perToken(plain + verifications);
  }

  /**
   * Rows that the main model computed for each token after an answer's first: 1 without drafts,
   * more if drafts fail, 0 if there was no such token.
   */
  public synchronized double rowsPerToken() {
    return perToken(plain + verifications + drafted);
  }

  private double perToken(long count) {
    return plain + verified == 0 ? 0 : (double) count / (plain + verified);
  }

  /** Whether acceptance was synthetic, for an experiment. */
  public synchronized boolean synthetic() {
    return synthetic;
  }

  /** Positions that ever had a draft. */
  public synchronized int positions() {
    return positions.size();
  }

  /** Drafts at a position, from 0. */
  public synchronized int drafted(int position) {
    return positions.get(position)[0];
  }

  /** Of these, those that were judged: all drafts before them were accepted. */
  public synchronized int judged(int position) {
    return positions.get(position)[1];
  }

  /** Of these, those that became part of an answer. */
  public synchronized int accepted(int position) {
    return positions.get(position)[2];
  }
}
