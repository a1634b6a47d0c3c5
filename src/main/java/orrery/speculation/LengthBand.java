package orrery.speculation;

import orrery.speculation.DraftLength.Round;

/** The draft length for one band of batch sizes, by the rules of {@link AdaptiveLength}. */
final class LengthBand {
  /** A move must promise to be so much better. */
  private static final double GAIN = 1.05;

  /** A gain that is worth another move at once. */
  private static final double LARGE_GAIN = 1.25;

  /** Rounds between decisions. */
  private static final int DECISION = 4;

  /** Timed rounds of each length at the start. */
  private static final int FIRST_ROUNDS = 2;

  private static final int SHORTEST_TRIAL = 4;
  private static final int LONGEST_TRIAL = 16;

  /** Rounds of length 0 to measure them again; half the window of the median. */
  private static final int REFRESH = 5;

  private static final int SHORTEST_REFRESH_PAUSE = 64;
  private static final int LONGEST_REFRESH_PAUSE = 256;
  private static final int SHORTEST_PAUSE = 32;
  private static final int LONGEST_PAUSE = 512;
  private static final int SHORTEST_DWELL = 8;

  /** What a failed trial may cost, as a share of the pause before it. */
  private static final double TRIAL_BUDGET = 0.02;

  /** What the rounds are for. */
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
  private int rounds; // in this mode, of an excursion; of START, that were timed
  private int settled; // rounds at home since the last move
  private int untilTrial;
  private int pause = SHORTEST_PAUSE; // between trials
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
      return; // planned before the last move, or cut by somebody else: no step of ours
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

  /** 0 drafts, then 1, then {@code most}. */
  private void start(boolean timed) {
    rounds += timed ? 1 : 0;
    if (rounds < (away == 0 ? FIRST_ROUNDS + 1 : FIRST_ROUNDS)) {
      return;
    }
    rounds = 0;
    if (away == 0) {
      away = 1;
    } else if (away < most && hope() > 0) {
      away = most;
    } else {
      mode = Mode.SETTLED;
      home = prospects.best();
      untilTrial = home == 0 ? trialPause() : SHORTEST_DWELL;
      untilRefresh = refreshPause;
    }
  }

  private void stay() {
    settled++;
    if (home > 0 && settled % DECISION == 0) {
      decide();
    }
    if (--untilTrial <= 0) {
      beginTrial();
    } else if (home > 0 && --untilRefresh <= 0) {
      refreshPause = Math.min(2 * refreshPause, LONGEST_REFRESH_PAUSE);
      untilRefresh = refreshPause;
      leave(Mode.REFRESH, 0);
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
    if (best < home) {
      pause = settled < pause ? pause : SHORTEST_PAUSE; // it lasted: a new page
      home = best;
      failed();
    }
    home = best;
    settled = 0;
  }

  private void beginTrial() {
    int length = hope();
    if (length > 0) {
      prospects.fade(home);
      leave(Mode.TRIAL, length);
    } else if (home == 0 && pause == LONGEST_PAUSE) {
      leave(Mode.TRIAL, 1); // no hope at the times known; they may have changed
    } else {
      failed();
    }
  }

  /** The length worth a trial: it would pay if what is not known about it were good; 0 if none. */
  private int hope() {
    double enough = GAIN * prospects.rate(home);
    int hope = 0;
    for (int k = home + 1; k <= most; k++) {
      double rate = prospects.rate(k, home);
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
      home = best;
      settled = 0;
      untilTrial = SHORTEST_DWELL;
      untilRefresh = refreshPause;
    } else if (prospects.rate(away) <= now || rounds >= LONGEST_TRIAL) {
      mode = Mode.SETTLED;
      failed();
    }
  }

  private void failed() {
    untilTrial = trialPause();
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  }

  /** Rounds before the next trial. */
  private int trialPause() {
    double loss = SHORTEST_TRIAL * (prospects.cost(Math.min(home + 1, most), home) - 1);
    return (int) Math.max(pause, Math.min(loss / TRIAL_BUDGET, LONGEST_PAUSE));
  }

  private void leave(Mode mode, int length) {
    this.mode = mode;
    away = length;
    rounds = 0;
  }
}
