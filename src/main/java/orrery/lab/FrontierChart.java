package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import orrery.lab.Chart.Curve;
import orrery.lab.Chart.Mark;
import orrery.lab.Chart.Style;

/**
 * The frontiers of a model as a picture: of those configurations that move the curve, since all of
 * them would be a tangle. A line is the frontier of the medians. Points that are worse than another
 * one in both directions stand beside it, faint. The ends of the first and of the last one say
 * their numbers of clients.
 */
final class FrontierChart {
  /** The naive engine; what it becomes by one more technique each time; and the best of all. */
  static final List<String> SHOWN =
      List.of(
          Rung.NAIVE,
          "+ continuous batching",
          "+ capture",
          "+ fusion",
          "+ MTP",
          FrontierConfiguration.RECIPE);

  private static final List<String> ENDS = List.of(SHOWN.getFirst(), SHOWN.getLast());
  private static final double ROOM = 1.3; // for words behind the fastest point

  private final FrontierResult result;
  private final FrontierRatios ratios;

  /**
   * @param ratios at equal speed of a user
   */
  FrontierChart(FrontierResult result, FrontierRatios ratios) {
    this.result = result;
    this.ratios = ratios;
  }

  Chart draw() {
    List<Curve> curves = new ArrayList<>();
    SHOWN.forEach(name -> named(name).map(FrontierChart::curve).ifPresent(curves::add));
    FrontierLoad load = result.load();
    return new Chart(
        title(),
        "%s; %d tokens in, %d out; a point for each number of clients"
            .formatted(result.description(), load.input(), load.output()),
        new Chart.Axis("tokens a second that one user reads", true, ROOM * fastest(curves)),
        new Chart.Axis("tokens a second of all, prompts and answers", true),
        curves);
  }

  private static double fastest(List<Curve> curves) {
    return curves.stream().mapToDouble(c -> c.x()[c.x().length - 1]).max().orElseThrow();
  }

  private Optional<FrontierCurve> named(String name) {
    return result.curves().stream().filter(c -> c.name().equals(name)).findFirst();
  }

  /** The largest gain, in words. */
  private String title() {
    return named(FrontierConfiguration.RECIPE)
        .flatMap(best -> ratios.extreme(best, result.curves().getFirst(), 1))
        .map(at -> "up to " + Sheet.number(at.ratio().median()) + " times as much as naive")
        .map(times -> "At equal speed for a user, everything on serves " + times)
        .orElse("What all users get against what one of them gets");
  }

  private static Curve curve(FrontierCurve curve) {
    List<OperatingPoint> points = curve.medians();
    Frontier frontier = Frontier.of(points, OperatingPoint::interactivity);
    List<Mark> marks = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      OperatingPoint p = points.get(i);
      boolean beside = !frontier.has(p.interactivity(), p.total());
      String label =
          ENDS.contains(curve.name()) && (i == 0 || i == points.size() - 1)
              ? p.concurrency() + (p.concurrency() == 1 ? " client" : " clients")
              : "";
      if (beside || !label.isEmpty()) {
        marks.add(new Mark(p.interactivity(), p.total(), label, i == 0, beside));
      }
    }
    return new Curve(curve.name(), Style.LINE, frontier.x(), frontier.y(), marks);
  }
}
