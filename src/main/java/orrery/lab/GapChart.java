package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.lab.Rounds.Series;

/**
 * How long answers stand still, as a curve for each variant: of all gaps between two tokens of an
 * answer, one in so many is longer. A freeze of a whole prompt is rare and long, and the stutter of
 * chunks is frequent and short, so their curves rise at different places.
 */
final class GapChart {
  private static final int[] ONE_IN = {2, 4, 10, 20, 50, 100, 200, 500, 1000};

  private final Subject s;
  private final List<Job> answers;
  private final List<Job> prompts;

  /**
   * @param answers the first requests of a run, all with as many tokens
   * @param prompts the requests behind them, all with prompts of the same length
   */
  GapChart(Subject s, List<Job> answers, List<Job> prompts) {
    this.s = s;
    this.answers = answers;
    this.prompts = prompts;
  }

  Chart of(List<Series> all) {
    int gaps = gaps(all.getFirst().traces().getFirst()).length; // as many in each run
    int[] oneIn = Arrays.stream(ONE_IN).filter(n -> n < gaps).toArray();
    double[] places = new double[oneIn.length + 1]; // the last one is that of the longest gap
    Arrays.setAll(places, i -> i);
    List<Chart.Curve> curves = new ArrayList<>();
    for (Series series : all) {
      double[] ms = new double[places.length];
      Arrays.setAll(ms, i -> longer(series, i < oneIn.length ? 1.0 / oneIn[i] : 0));
      curves.add(new Chart.Curve(series.name(), Chart.Style.LINE, places, ms));
    }
    return new Chart(
        "How long do answers stand still while long prompts come?",
        workload(),
        Chart.Axis.of("of all " + gaps + " gaps, so many are longer than the curve", words(oneIn)),
        new Chart.Axis("ms from one token of an answer to the next", true),
        curves);
  }

  private double[] gaps(Trace t) {
    return TierFigures.gaps(t, answers.size());
  }

  /** The length, in ms, that this share of the gaps exceeds. */
  private double longer(Series series, double share) {
    return series.of(t -> Spread.quantile(gaps(t), 1 - share)).median();
  }

  private static List<String> words(int[] oneIn) {
    List<String> words = new ArrayList<>();
    for (int n : oneIn) {
      words.add(n == 2 ? "half" : "1 in " + n);
    }
    words.add("none");
    return words;
  }

  private String workload() {
    return answers.size()
        + " answers of "
        + answers.getFirst().length()
        + " tokens, "
        + prompts.size()
        + " prompts of "
        + prompts.getFirst().prompt().length
        + " tokens; "
        + s.description();
  }
}
