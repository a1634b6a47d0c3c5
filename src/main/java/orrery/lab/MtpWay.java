package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** A way to speculate, to be compared with others. The first way is not to speculate. */
record MtpWay(String name, SpeculationOptions options) {
  /** Most drafts in a step. */
  static final int MOST = 8;

  /** Lengths that a table shows when it would be too wide with all of them. */
  static final int[] SOME = {1, 2, 3, 5, MOST};

  static final int OFF = 0;
  static final int ADAPTIVE = fixed(MOST) + 1;
  private static final int NGRAM_STEPS = 3;

  /** The index among {@link #all} of the way with k drafts in every step. */
  static int fixed(int k) {
    return 1 + k;
  }

  /** Drafts in every step, of off and of the fixed lengths. */
  static int drafts(int way) {
    return Math.max(0, way - fixed(0));
  }

  /**
   * Off; the fixed lengths from 0, with which the MTP layer follows but makes no drafts; the
   * others.
   */
  static List<MtpWay> all() {
    List<MtpWay> all = new ArrayList<>();
    all.add(new MtpWay("off", SpeculationOptions.defaults()));
    for (int k = 0; k <= MOST; k++) {
      all.add(
          new MtpWay(
              "k " + k,
              SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(k)));
    }
    SpeculationOptions adaptive =
        SpeculationOptions.defaults()
            .withAlgorithm(Algorithm.MTP)
            .withNumSteps(MOST)
            .withAdaptive(true);
    all.add(new MtpWay("adaptive", adaptive));
    all.add(
        new MtpWay(
            "n-gram, k " + NGRAM_STEPS,
            SpeculationOptions.defaults()
                .withAlgorithm(Algorithm.NGRAM)
                .withNumSteps(NGRAM_STEPS)));
    return all;
  }
}
