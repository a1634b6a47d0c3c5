package orrery.lab;

import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * What was measured of a configuration.
 *
 * @param rounds [rounds][numbers of clients]
 */
record FrontierCurve(String name, List<List<OperatingPoint>> rounds) {
  /** A figure at the concurrency of an index, over the rounds. */
  Spread of(int index, ToDoubleFunction<OperatingPoint> figure) {
    return Spread.of(
        rounds.stream().mapToDouble(r -> figure.applyAsDouble(r.get(index))).toArray());
  }

  /** The medians of the figures, [numbers of clients]. */
  double[] medians(ToDoubleFunction<OperatingPoint> figure) {
    double[] medians = new double[rounds.getFirst().size()];
    for (int i = 0; i < medians.length; i++) {
      medians[i] = of(i, figure).median();
    }
    return medians;
  }

  /** The frontier of each round. */
  List<Frontier> frontiers(ToDoubleFunction<OperatingPoint> speed) {
    return rounds.stream().map(points -> Frontier.of(points, speed)).toList();
  }
}
