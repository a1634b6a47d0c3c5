package orrery.lab;

import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

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

  /** A point for each number of clients: the medians of its figures. */
  List<OperatingPoint> medians() {
    return IntStream.range(0, rounds.getFirst().size()).mapToObj(this::median).toList();
  }

  private OperatingPoint median(int index) {
    return new OperatingPoint(
        rounds.getFirst().get(index).concurrency(),
        of(index, OperatingPoint::interactivity).median(),
        of(index, OperatingPoint::whole).median(),
        of(index, OperatingPoint::ttft).median(),
        of(index, OperatingPoint::total).median(),
        of(index, OperatingPoint::output).median(),
        of(index, OperatingPoint::verified).median());
  }

  /** The frontier of each round. */
  List<Frontier> frontiers(ToDoubleFunction<OperatingPoint> speed) {
    return rounds.stream().map(points -> Frontier.of(points, speed)).toList();
  }
}
