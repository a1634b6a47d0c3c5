package orrery.speculation;

import java.util.Arrays;
import orrery.speculation.DraftLength.Round;

/**
 * What rounds of each length would bring, from what the rounds so far brought: tokens a sequence
 * over nanoseconds. A position that has not been reached lately is thought to be as good as the one
 * before it.
 */
final class Prospects {
  /** Weight of what was known before a round; an average over the last 20 rounds or so. */
  private static final double KEEP = 0.95;

  /** Acceptance of drafts that one would like to know more about. */
  private static final double HOPE = 0.95;

  private final int most;
  private final RoundTimes times;
  private final double[] reached; // [most], drafts with all before accepted; fading sum
  private final double[] accepted; // [most], those of them that were accepted
  private final double[] offered; // [most], share of sequences with a draft there; moving average
  private int lastLength = -1;

  Prospects(int most) {
    this.most = most;
    times = new RoundTimes(most);
    reached = new double[most];
    accepted = new double[most];
    offered = new double[most];
    Arrays.fill(offered, 1);
    reached[0] = 1; // one draft that was half accepted, so that the first real one is no certainty
    accepted[0] = 0.5;
  }

  /** Gives whether the round's time, with drafts as asked for, was one to learn from. */
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

  /** What was seen at a position fades also while no draft gets there. */
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
   * Drafts at a position with all before accepted. Some of those accepted before may have had no
   * further draft; they are thought to be average.
   */
  private static double reached(Round round, int i) {
    if (i == 0 || round.drafted()[i] == 0) {
      return round.drafted()[i];
    }
    return (double) round.accepted()[i - 1] * round.drafted()[i] / round.drafted()[i - 1];
  }

  /** All that is known of positions from {@code from} on shall count as one draft at most. */
  void fade(int from) {
    for (int i = from; i < most; i++) {
      if (reached[i] > 1) {
        accepted[i] /= reached[i];
        reached[i] = 1;
      }
    }
  }

  /** Tokens of a sequence in a nanosecond, with k drafts. */
  double rate(int k) {
    return hope(k, most, k);
  }

  /**
   * The same if drafts from position {@code known} on were always there and nearly all good, and
   * those from position {@code dear} on cost nothing more.
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

  /** The length of the highest rate; the shortest of several. */
  int best() {
    int best = 0;
    for (int k = 1; k <= most; k++) {
      if (rate(k) > rate(best)) {
        best = k;
      }
    }
    return best;
  }

  /** Time of a round with k drafts over that of one with {@code other}. */
  double cost(int k, int other) {
    return times.at(k) / times.at(other);
  }
}
