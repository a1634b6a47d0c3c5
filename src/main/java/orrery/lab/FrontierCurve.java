package orrery.lab;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * What was measured of a configuration.
 *
 * @param rounds [rounds][numbers of clients]
 */
record FrontierCurve(String name, List<List<OperatingPoint>> rounds) {
  /** A figure at the concurrency of an index, over the rounds. */
  Spread of(int index, ToDoubleFunction<OperatingPoint> figure) {
    return Spread.of(rounds.stream().mapToDouble(r -> figure.applyAsDouble(r.get(index))).toArray());
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
  List<Frontier> frontiers() {
    return rounds.stream().map(Frontier::of).toList();
  }

  /**
   * Throughput over that of another configuration at equal interactivity, [rounds]; empty unless
   * both reach it in every round.
   */
  double[] over(FrontierCurve other, double interactivity) {
    List<Frontier> here = frontiers();
    List<Frontier> there = other.frontiers();
    double[] ratios = new double[here.size()];
    for (int r = 0; r < ratios.length; r++) {
      ratios[r] = here.get(r).over(there.get(r), interactivity);
    }
    return DoubleStream.of(ratios).anyMatch(Double::isNaN) ? new double[0] : ratios;
  }

  /** The least interactivity of a point in any round. */
  double slowest() {
    return frontiers().stream().mapToDouble(Frontier::slowest).min().orElseThrow();
  }

  /** The most interactivity that every round reaches. */
  double fastest() {
    return frontiers().stream().mapToDouble(Frontier::fastest).min().orElseThrow();
  }
}
