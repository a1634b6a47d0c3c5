package orrery.lab;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import orrery.events.Event.StepDone;

/**
 * The time of a round of decoding, in microseconds: a step with the same number of drafts for each
 * sequence.
 *
 * @param verify the main model over newest tokens and drafts
 * @param draft the MTP layer's chain of drafts, without the first draft
 * @param extend the MTP layer over the tokens that were decided, and its first draft
 * @param rest planning, judging, sharing pages
 */
record RoundTime(double verify, double draft, double extend, double rest) {
  /**
   * In a mean, no step counts for more than this quantile of the steps: interruptions by the
   * machine are rarer. The postponed rows of the MTP layer come once in 64 steps, which is more
   * often.
   */
  private static final double HIGHEST = 0.99;

  /**
   * Medians over steps. Only extending without drafts is a mean: the layer postpones its rows and
   * computes 64 at once, which a median does not see.
   */
  static RoundTime of(List<DraftedRun.Decoded> steps, int drafts) {
    List<StepDone> full =
        steps.stream().filter(d -> d.drafts(drafts)).map(DraftedRun.Decoded::step).toList();
    if (full.isEmpty()) {
      throw new IllegalArgumentException(
          "no step with " + drafts + " drafts of each sequence: the run was too short");
    }
    double extend =
        drafts == 0 ? mean(full, StepDone::followNanos) : median(full, StepDone::followNanos);
    return new RoundTime(
        median(full, StepDone::launchNanos),
        median(full, StepDone::draftNanos),
        extend,
        median(full, s -> s.planNanos() + s.judgeNanos() + s.commitNanos()));
  }

  private static double median(List<StepDone> steps, ToDoubleFunction<StepDone> nanos) {
    return Spread.quantile(steps.stream().mapToDouble(nanos).sorted().toArray(), 0.5) / 1e3;
  }

  private static double mean(List<StepDone> steps, ToDoubleFunction<StepDone> nanos) {
    double[] sorted = steps.stream().mapToDouble(nanos).sorted().toArray();
    double most = Spread.quantile(sorted, HIGHEST);
    return DoubleStream.of(sorted).map(v -> Math.min(v, most)).average().orElseThrow() / 1e3;
  }

  /** The whole round. */
  double whole() {
    return verify + draft + extend + rest;
  }

  /**
   * Tokens that a sequence must get from the round to be as fast as with rounds of another kind.
   */
  double breakEven(RoundTime plain) {
    return whole() / plain.whole();
  }
}
