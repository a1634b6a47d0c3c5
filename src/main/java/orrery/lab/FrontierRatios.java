package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/** How much more a configuration serves than another one, where a user of both gets the same. */
final class FrontierRatios {
  private static final int GRID = 40; // places between the slowest and the fastest

  private final String table;
  private final List<FrontierCurve> curves;
  private final ToDoubleFunction<OperatingPoint> speed;

  /**
   * A ratio at a place.
   *
   * @param speed tokens a second of a user in both
   * @param ratio total throughput here over there, over the rounds
   */
  record At(double speed, Spread ratio) {
    String cell() {
      return ratio.cell() + " at " + Sheet.number(speed);
    }
  }

  /**
   * @param table for figures
   * @param curves the naive one first
   * @param speed what a user gets
   */
  FrontierRatios(String table, List<FrontierCurve> curves, ToDoubleFunction<OperatingPoint> speed) {
    this.table = table;
    this.curves = curves;
    this.speed = speed;
  }

  /** Every configuration over the naive one at three places, and where it gains most. */
  void print(Sheet sheet) {
    FrontierCurve naive = curves.getFirst();
    double slow = slowest(naive);
    double fast = fastest(naive);
    double[] places = {slow, Math.sqrt(slow * fast), fast};
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("times " + naive.name()));
    for (double place : places) {
      head.add("at " + Sheet.number(place));
    }
    head.addAll(List.of("most", "least"));
    cells.add(head);
    for (FrontierCurve curve : curves.subList(1, curves.size())) {
      List<String> row = new ArrayList<>(List.of(curve.name()));
      for (double place : places) {
        row.add(at(curve, naive, place).map(a -> a.ratio.cell()).orElse("–"));
      }
      Optional<At> most = extreme(curve, naive, 1);
      row.add(most.map(At::cell).orElse("–"));
      row.add(extreme(curve, naive, -1).map(At::cell).orElse("–"));
      most.ifPresent(a -> keep(sheet, curve.name() + " over " + naive.name() + ", most", a));
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
  }

  /** The largest and the least ratio of two configurations, if both were measured. */
  void compare(Sheet sheet, String what, String here, String there) {
    Optional<FrontierCurve> a = named(here);
    Optional<FrontierCurve> b = named(there);
    if (a.isPresent() && b.isPresent()) {
      Optional<At> most = extreme(a.get(), b.get(), 1);
      String name = what + ": " + here + " over " + there;
      most.ifPresent(at -> keep(sheet, name, at));
      String least = extreme(a.get(), b.get(), -1).map(At::cell).orElse("–");
      sheet.text(name + ": most " + most.map(At::cell).orElse("–") + ", least " + least);
    }
  }

  private Optional<FrontierCurve> named(String name) {
    return curves.stream().filter(c -> c.name().equals(name)).findFirst();
  }

  private void keep(Sheet sheet, String what, At at) {
    Spread s = at.ratio;
    sheet.keep(new Figure(table, what, "x", s.median(), s.low(), s.high()));
  }

  /** The least speed of a point in any round. */
  private double slowest(FrontierCurve curve) {
    return curve.rounds().stream().flatMap(List::stream).mapToDouble(speed).min().orElseThrow();
  }

  /** The most speed that every round reaches. */
  private double fastest(FrontierCurve curve) {
    return curve.frontiers(speed).stream().mapToDouble(Frontier::fastest).min().orElseThrow();
  }

  /** The ratio at a place, round by round; empty unless both reach it in every round. */
  Optional<At> at(FrontierCurve a, FrontierCurve b, double place) {
    List<Frontier> here = a.frontiers(speed);
    List<Frontier> there = b.frontiers(speed);
    double[] ratios = new double[here.size()];
    for (int r = 0; r < ratios.length; r++) {
      ratios[r] = here.get(r).over(there.get(r), place);
    }
    return DoubleStream.of(ratios).anyMatch(Double::isNaN)
        ? Optional.empty()
        : Optional.of(new At(place, Spread.of(ratios)));
  }

  /**
   * Where the ratio is largest, or least; of several such places the one of most speed.
   *
   * @param sign 1 or -1
   */
  Optional<At> extreme(FrontierCurve a, FrontierCurve b, int sign) {
    double slow = Math.min(slowest(a), slowest(b));
    double fast = Math.min(fastest(a), fastest(b));
    Optional<At> best = Optional.empty();
    for (int i = GRID; i >= 0 && slow <= fast; i--) {
      double place = i == GRID ? fast : slow * Math.pow(fast / slow, (double) i / GRID);
      Optional<At> here = at(a, b, place);
      boolean better =
          here.isPresent()
              && (best.isEmpty()
                  || sign * here.get().ratio.median() > sign * best.get().ratio.median());
      best = better ? here : best;
    }
    return best;
  }
}
