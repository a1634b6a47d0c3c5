package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The runs of several ways to speculate, on one kind of text at one batch size.
 *
 * @param runs [ways][rounds], the ways of {@link MtpWay#all}, or only those that are compared
 */
record MtpCell(Text text, int batch, List<List<DraftedRun>> runs) {
  /** Tokens a second of one way. */
  Spread rate(int way) {
    return Spread.of(rates(way));
  }

  private double[] rates(int way) {
    return runs.get(way).stream().mapToDouble(DraftedRun::tokensPerSecond).toArray();
  }

  /** Tokens a second of one way over those of another, round by round. */
  Spread speedup(int way, int over) {
    return Spread.of(speedups(way, over));
  }

  double[] speedups(int way, int over) {
    return quotients(rates(way), rates(over));
  }

  static double[] quotients(double[] here, double[] there) {
    double[] quotients = new double[here.length];
    Arrays.setAll(quotients, i -> here[i] / there[i]);
    return quotients;
  }

  /** Tokens that a sequence gets from a decoding step, with drafts or without. */
  double length(int way) {
    List<DraftedRun.Decoded> steps = decoded(way);
    double tokens = steps.stream().mapToInt(DraftedRun.Decoded::tokens).sum();
    return tokens / (steps.size() * batch);
  }

  /**
   * Tokens a second that the formula promises, [rounds]. The time is that of this way's decoding
   * steps, {@code micros} each, and of everything else, as {@code others} took it.
   *
   * @param micros of a decoding step
   * @param others the way that gives the time outside of decoding steps
   */
  double[] promised(int way, double micros, int others) {
    double[] promised = new double[runs.get(way).size()];
    for (int round = 0; round < promised.length; round++) {
      DraftedRun run = runs.get(way).get(round);
      double rest = runs.get(others).get(round).otherMicros();
      promised[round] = run.tokens() / (run.decoded().size() * micros + rest) * 1e6;
    }
    return promised;
  }

  /** The fastest of the fixed numbers of drafts here. */
  int bestFixed() {
    int best = 0;
    for (int k = 1; k <= MtpWay.MOST; k++) {
      best = speedup(MtpWay.fixed(k), MtpWay.fixed(best)).median() > 1 ? k : best;
    }
    return best;
  }

  /** Decoding steps of one way, of all rounds. */
  List<DraftedRun.Decoded> decoded(int way) {
    List<DraftedRun.Decoded> all = new ArrayList<>();
    runs.get(way).forEach(run -> all.addAll(run.decoded()));
    return all;
  }
}
