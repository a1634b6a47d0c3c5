package orrery.speculation.length;

import java.util.Arrays;
import orrery.speculation.DraftLength.Round;

/**
 * Predicts from past rounds what a round of each length would bring, in tokens of a sequence per
 * nanosecond. A position that no draft has reached lately counts as good as the position before it.
 */
final class Prospects {
  /** Weight of past rounds in a new average, which covers the last 20 rounds or so. */
  private static final double KEEP = 0.95;

  /** Assumed acceptance of drafts at positions that a trial would explore. */
  private static final double HOPE = 0.95;

  private final int most;
  private final RoundTimes times;
  private final double[] reached; // [most] drafts with all drafts before accepted; fading sum
  private final double[] accepted; // [most] those of them that were accepted; fading sum
  private final double[] offered; // [most] share of sequences with a draft there; moving average
  private int lastLength = -1;

  Prospects(int most) {
    this.most = most;
    times = new RoundTimes(most);
    reached = new double[most];
    accepted = new double[most];
    offered = new double[most];
    Arrays.fill(offered, 1);
    reached[0] = 1; // begin with one half-accepted draft, so that one real draft gives no certainty
    accepted[0] = 0.5;
  }

  /**
   * Learns from a round. Returns whether its time counts and drafts were made if they were asked
   * for.
   */
  boolean learn(Round round) {
    int drafts = 0;
    for (int i = 0; i < most; i++) {
      drafts += round.drafted()[i];
      learn(round, i);
    }
    boolean typical = !round.prefill() && (lastLength != 0 || round.length() == 0);
    lastLength = round.length();
    int length = Math.min(most, Math.round((float) drafts / round.batch()));
    if (typical) {
      times.add(length, round.nanos());
    }
    return typical && (length > 0 || round.length() == 0);
  }

  /**
   * Learns from the drafts at one position. Old knowledge fades, also while no draft gets there.
   */
  private void learn(Round round, int i) {
    if (i >= round.length()) {
      return;
    }
    double share = (double) round.drafted()[i] / round.batch();
    offered[i] = KEEP * offered[i] + (1 - KEEP) * share;
    if (round.drafted()[0] == 0) {
      return;
    }
    reached[i] = KEEP * reached[i] + reached(round, i);
    accepted[i] = KEEP * accepted[i] + round.accepted()[i];
  }

  /**
   * How many drafts at position i had all drafts before them accepted. This is estimated: some
   * sequences with an accepted draft at i − 1 had no draft at i, and they count as average ones.
   */
  private static double reached(Round round, int i) {
    if (i == 0 || round.drafted()[i] == 0) {
      return round.drafted()[i];
    }
    return (double) round.accepted()[i - 1] * round.drafted()[i] / round.drafted()[i - 1];
  }

  /** Lets all knowledge of positions from {@code from} on count as one draft at most. */
  void fade(int from) {
    for (int i = from; i < most; i++) {
      if (reached[i] > 1) {
        accepted[i] /= reached[i];
        reached[i] = 1;
      }
    }
  }

  /** Tokens that a sequence gets in a nanosecond, with k drafts. */
  double rate(int k) {
    return hope(k, most, k);
  }

  /**
   * The rate with k drafts, if drafts from position {@code known} on were always there and nearly
   * all accepted, and if drafts from position {@code dear} on cost nothing.
   */
  double hope(int k, int known, int dear) {
    double tokens = 1;
    double drafts = 0;
    double chain = 1;
    double acceptance = accepted[0] / reached[0];
    for (int i = 0; i < k; i++) {
      if (i > 0) {
        acceptance = Math.min(1, (accepted[i] + acceptance) / (reached[i] + 1));
      }
      chain *= i < known ? acceptance : HOPE;
      double there = i < known ? offered[i] : 1;
      tokens += there * chain;
      drafts += i < dear ? there : 0;
    }
    return tokens / times.at(drafts);
  }

  /** The length with the highest rate; of several, the shortest. */
  int best() {
    int best = 0;
    for (int k = 1; k <= most; k++) {
      if (rate(k) > rate(best)) {
        best = k;
      }
    }
    return best;
  }

  /** Time of a round with k drafts, divided by the time of a round with {@code other} drafts. */
  double cost(int k, int other) {
    return times.at(k) / times.at(other);
  }
}
