package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** How much more a configuration serves than another one, where a user of both gets the same. */
final class FrontierRatios {
  private static final int GRID = 40; // places between the slowest and the fastest

  private final String table;
  private final List<FrontierCurve> curves;

  /**
   * A ratio at a place.
   *
   * @param interactivity tokens a second that a user reads in both
   * @param ratio total throughput here over there, over the rounds
   */
  record At(double interactivity, Spread ratio) {
    String cell() {
      return ratio.cell() + " at " + Sheet.number(interactivity);
    }
  }

  FrontierRatios(String table, List<FrontierCurve> curves) {
    this.table = table;
    this.curves = curves;
  }

  /** Every configuration over the naive one at three places, and where it gains most. */
  void print(Sheet sheet) {
    FrontierCurve naive = curves.getFirst();
    double[] places = places(naive);
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("times " + naive.name()));
    for (double place : places) {
      head.add("at " + Sheet.number(place) + " tok/s a user");
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

  /** The largest and the least ratio of two configurations, which may be missing. */
  void compare(Sheet sheet, String what, String here, String there) {
    Optional<FrontierCurve> a = named(here);
    Optional<FrontierCurve> b = named(there);
    if (a.isPresent() && b.isPresent()) {
      Optional<At> most = extreme(a.get(), b.get(), 1);
      String name = what + ": " + here + " over " + there;
      most.ifPresent(at -> keep(sheet, name, at));
      String least = extreme(a.get(), b.get(), -1).map(At::cell).orElse("–");
      sheet.text(
          name + ": at most " + most.map(At::cell).orElse("–") + ", at least " + least
              + " tok/s a user");
    }
  }

  private Optional<FrontierCurve> named(String name) {
    return curves.stream().filter(c -> c.name().equals(name)).findFirst();
  }

  private void keep(Sheet sheet, String what, At at) {
    Spread s = at.ratio;
    sheet.keep(new Figure(table, what, "x", s.median(), s.low(), s.high()));
  }

  /** The slowest place of a configuration, the fastest one, and the one between them. */
  private static double[] places(FrontierCurve curve) {
    double slow = curve.slowest();
    double fast = curve.fastest();
    return new double[] {slow, Math.sqrt(slow * fast), fast};
  }

  private static Optional<At> at(FrontierCurve a, FrontierCurve b, double interactivity) {
    double[] ratios = a.over(b, interactivity);
    return ratios.length == 0
        ? Optional.empty()
        : Optional.of(new At(interactivity, Spread.of(ratios)));
  }

  /**
   * Where the ratio is largest, or least.
   *
   * @param sign 1 or -1
   */
  static Optional<At> extreme(FrontierCurve a, FrontierCurve b, int sign) {
    double slow = Math.min(a.slowest(), b.slowest());
    double fast = Math.min(a.fastest(), b.fastest());
    Optional<At> best = Optional.empty();
    for (int i = 0; i <= GRID && slow <= fast; i++) {
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
