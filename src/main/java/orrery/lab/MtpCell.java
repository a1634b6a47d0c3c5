package orrery.lab;

import java.util.ArrayList;
import java.util.List;

/**
 * All ways to speculate on one kind of text at one batch size.
 *
 * @param runs [{@link MtpWay#all}][rounds]
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
    double[] ratios = rates(way);
    double[] there = rates(over);
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] /= there[i];
    }
    return Spread.of(ratios);
  }

  /** Tokens that a sequence gets from a decoding step, with drafts or without. */
  double length(int way) {
    double tokens = 0;
    double rows = 0;
    for (DraftedRun run : runs.get(way)) {
      long[] counts = run.tokensAndRows();
      tokens += counts[0];
      rows += counts[1];
    }
    return tokens / rows;
  }

  /** Share of the time without speculation in which nobody decodes. */
  double otherShare() {
    return Spread.of(runs.get(MtpWay.OFF).stream().mapToDouble(DraftedRun::otherShare).toArray())
        .median();
  }

  /** The number of drafts in every step that is fastest here. */
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
