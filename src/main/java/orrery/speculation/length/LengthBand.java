package orrery.speculation.length;

import orrery.speculation.DraftLength.Round;

/** The draft length for one band of batch sizes, by the rules of {@link AdaptiveLength}. */
final class LengthBand {
  /** A move must promise this many times the tokens a second. */
  private static final double GAIN = 1.05;

  /** A gain that allows another move at once. */
  private static final double LARGE_GAIN = 1.25;

  /** Rounds between decisions. */
  private static final int DECISION = 4;

  /**
   * The longest length at the start. If all drafts are rejected, longer ones would cost too much.
   */
  private static final int FEW = 5;

  /** Timed rounds of each length at the start. */
  private static final int FIRST_ROUNDS = 2;

  private static final int SHORTEST_TRIAL = 4;
  private static final int LONGEST_TRIAL = 16;

  /** Rounds of a new measurement of length 0; half the window of {@link RoundTimes}. */
  private static final int REFRESH = 5;

  /**
   * If drafting is this many times better than no drafts, the exact time of no drafts does not
   * matter.
   */
  private static final double OUT_OF_QUESTION = 1.5;

  private static final int SHORTEST_REFRESH_PAUSE = 64;
  private static final int LONGEST_REFRESH_PAUSE = 512;
  private static final int SHORTEST_PAUSE = 32;
  private static final int LONGEST_PAUSE = 512;
  private static final int SHORTEST_DWELL = 8;

  /** The cost of a failed trial, as a share of the pause before it. */
  private static final double TRIAL_BUDGET = 0.02;

  /** The purpose of the current rounds. */
  private enum Mode {
    START,
    SETTLED,
    TRIAL,
    REFRESH
  }

  private final int most;
  private final Prospects prospects;
  private Mode mode = Mode.START;
  private int home; // the chosen length
  private int away; // the length in all modes but SETTLED
  private int rounds; // rounds in this mode; in START, only those with a time to learn from
  private int settled; // rounds at home since the last move
  private int drafting; // rounds since home was last 0
  private int untilTrial;
  private int offPause = SHORTEST_PAUSE; // pause between trials from home 0
  private int onPause = SHORTEST_PAUSE; // pause between trials from other homes
  private int untilRefresh;
  private int refreshPause = SHORTEST_REFRESH_PAUSE;
  private int dwell = SHORTEST_DWELL; // rounds at a length before a move to another length above 0

  LengthBand(int most) {
    this.most = most;
    prospects = new Prospects(most);
  }

  int next() {
    return mode == Mode.SETTLED ? home : away;
  }

  void observe(Round round) {
    boolean timed = prospects.learn(round);
    if (round.length() != next()) {
      return; // planned before the last move, or cut to 0 by OffAbove
    }
    switch (mode) {
      case START -> start(timed);
      case SETTLED -> stay();
      case TRIAL -> judgeTrial();
      case REFRESH -> {
        if (++rounds == REFRESH) {
          mode = Mode.SETTLED;
        }
      }
    }
  }

  /**
   * Measures 0 drafts, then 1, then a few if the line through the times of 0 and 1 says that they
   * may pay. If the line says no, 2 drafts are measured where they could still pay: the first draft
   * can be costly and the next ones cheap. Longer lengths are left to trials.
   */
  private void start(boolean timed) {
    rounds += timed ? 1 : 0;
    if (rounds < (away == 0 ? FIRST_ROUNDS + 1 : FIRST_ROUNDS)) {
      return;
    }
    rounds = 0;
    if (away == 0) {
      away = 1;
    } else if (away == 1 && most > 1 && hope(1) > 0) {
      away = Math.min(FEW, most);
    } else if (away == 1 && most > 1 && prospects.hope(most, 1, 1) > GAIN * prospects.rate(0)) {
      away = 2;
    } else {
      mode = Mode.SETTLED;
      home = prospects.best();
      untilTrial = home == 0 ? trialPause() : SHORTEST_DWELL;
      untilRefresh = refreshPause;
    }
  }

  private void stay() {
    settled++;
    drafting++;
    if (home > 0 && settled % DECISION == 0) {
      decide();
    }
    if (--untilTrial <= 0) {
      beginTrial();
    } else if (home > 0 && --untilRefresh <= 0) {
      refresh();
    }
  }

  private void decide() {
    int best = prospects.best();
    double gain = prospects.rate(best) / prospects.rate(home);
    if (gain <= GAIN || best > 0 && settled < dwell && gain <= LARGE_GAIN) {
      return;
    }
    if (best > 0) {
      dwell = settled < LONGEST_PAUSE ? Math.min(2 * dwell, LONGEST_PAUSE) : SHORTEST_DWELL;
    }
    boolean down = best < home;
    home = best;
    settled = 0;
    if (best == 0) {
      offPause = drafting >= offPause ? SHORTEST_PAUSE : offPause;
      failed();
    } else if (down) {
      untilTrial = trialPause();
    }
  }

  /** Measures 0 drafts again, unless drafting is better by far. */
  private void refresh() {
    refreshPause = Math.min(2 * refreshPause, LONGEST_REFRESH_PAUSE);
    untilRefresh = refreshPause;
    if (prospects.rate(home) < OUT_OF_QUESTION * prospects.rate(0)) {
      leave(Mode.REFRESH, 0);
    }
  }

  private void beginTrial() {
    int length = hope(home);
    if (length > 0) {
      prospects.fade(home);
      leave(Mode.TRIAL, length);
    } else if (home == 0 && offPause == LONGEST_PAUSE) {
      leave(
          Mode.TRIAL,
          Math.min(2, most)); // by the known times no length can pay, but times may have changed
    } else {
      failed();
    }
  }

  /**
   * The length worth a trial: it would pay if drafts at positions of unknown acceptance were good.
   * 0 if there is no such length.
   *
   * @param known positions whose acceptance is known
   */
  private int hope(int known) {
    double enough = GAIN * prospects.rate(home);
    int hope = 0;
    for (int k = home + 1; k <= most; k++) {
      double rate = prospects.hope(k, known, k);
      if (rate > enough) {
        hope = k;
        enough = home == 0 ? Double.POSITIVE_INFINITY : rate;
      }
    }
    return hope;
  }

  private void judgeTrial() {
    if (++rounds < SHORTEST_TRIAL - 1) {
      return;
    }
    int best = prospects.best();
    double now = prospects.rate(home);
    if (rounds >= SHORTEST_TRIAL && prospects.rate(best) > GAIN * now) {
      mode = Mode.SETTLED;
      if (home == 0) {
        drafting = 0;
        onPause = SHORTEST_PAUSE;
      }
      home = best;
      settled = 0;
      untilTrial = SHORTEST_DWELL;
      untilRefresh = refreshPause;
    } else if (prospects.rate(away) <= now || rounds >= LONGEST_TRIAL) {
      mode = Mode.SETTLED;
      failed();
    }
  }

  /** Puts the next trial off, because a trial failed or because drafting does not pay. */
  private void failed() {
    untilTrial = trialPause();
    if (home == 0) {
      offPause = Math.min(2 * offPause, LONGEST_PAUSE);
    } else {
      onPause = Math.min(2 * onPause, LONGEST_PAUSE);
    }
  }

  /** Rounds before the next trial: so many that a failed trial costs only a small share of them. */
  private int trialPause() {
    double loss = SHORTEST_TRIAL * (prospects.cost(Math.min(home + 1, most), home) - 1);
    double least = Math.min(loss / TRIAL_BUDGET, LONGEST_PAUSE);
    return (int) Math.max(home == 0 ? offPause : onPause, least);
  }

  private void leave(Mode mode, int length) {
    this.mode = mode;
    away = length;
    rounds = 0;
  }
}
