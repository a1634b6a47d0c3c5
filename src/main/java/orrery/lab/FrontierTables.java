package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Prints what was measured of a model, and draws it. */
final class FrontierTables {
  private final FrontierResult result;
  private final List<FrontierCurve> curves;
  private final String table;
  private final FrontierRatios reading; // at equal interactivity

  FrontierTables(FrontierResult result) {
    this.result = result;
    this.curves = result.curves();
    this.table = "frontier, " + result.model();
    this.reading = new FrontierRatios(table, curves, OperatingPoint::interactivity);
  }

  List<Chart> print(Sheet sheet) {
    sheet.text("");
    points(sheet);
    sheet.text("");
    sheet.text("total tok/s at equal tok/s a user, on the frontiers, round by round:");
    ratios(sheet, reading);
    sheet.text("");
    sheet.text("the same at equal tok/s of a whole answer, with the wait for its first token:");
    ratios(sheet, new FrontierRatios(table + ", with wait", curves, OperatingPoint::whole));
    return List.of(new FrontierChart(result, reading).draw());
  }

  private static void ratios(Sheet sheet, FrontierRatios ratios) {
    ratios.print(sheet);
    String recipe = FrontierConfiguration.RECIPE;
    ratios.compare(sheet, "everything", recipe, Rung.NAIVE);
    ratios.compare(sheet, "without MTP", FrontierConfiguration.RECIPE_PLAIN, Rung.NAIVE);
    ratios.compare(sheet, "with MTP", recipe, FrontierConfiguration.NAIVE_MTP);
  }

  /** The rows of a recipe. */
  static void recipe(Sheet sheet, Recipe recipe) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("clients", "drafts", "chunk", "at once", "threads", "total tok/s"));
    for (Recipe.Row r : recipe.rows()) {
      cells.add(
          List.of(
              "" + r.concurrency(),
              "" + r.drafts(),
              "" + r.chunk(),
              "" + r.running(),
              "" + r.threads(),
              Sheet.number(r.total())));
      String what = "clients " + r.concurrency();
      sheet.keep(
          new Figure("recipe, " + recipe.model(), what, "tok/s", r.total(), r.total(), r.total()));
    }
    Comparison.markdown(sheet, cells);
  }

  private void points(Sheet sheet) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        List.of(
            "configuration",
            "clients",
            "tok/s a user",
            "TPOT, ms",
            "TTFT, ms",
            "with wait",
            "total tok/s",
            "output tok/s",
            "tokens/verify"));
    for (FrontierCurve curve : curves) {
      List<OperatingPoint> first = curve.rounds().getFirst();
      for (int i = 0; i < first.size(); i++) {
        String clients = "" + first.get(i).concurrency();
        String what = curve.name() + ", " + clients;
        Spread verified = curve.of(i, OperatingPoint::verified);
        cells.add(
            List.of(
                curve.name(),
                clients,
                cell(sheet, what, "tok/s a user", curve, i, OperatingPoint::interactivity),
                Sheet.number(curve.of(i, OperatingPoint::tpot).median()),
                cell(sheet, what, "TTFT, ms", curve, i, OperatingPoint::ttft),
                Sheet.number(curve.of(i, OperatingPoint::whole).median()),
                cell(sheet, what, "total tok/s", curve, i, OperatingPoint::total),
                Sheet.number(curve.of(i, OperatingPoint::output).median()),
                verified.median() == 0 ? "" : Sheet.number(verified.median())));
      }
    }
    Comparison.markdown(sheet, cells);
  }

  private String cell(
      Sheet sheet,
      String what,
      String unit,
      FrontierCurve curve,
      int index,
      ToDoubleFunction<OperatingPoint> figure) {
    Spread spread = curve.of(index, figure);
    sheet.keep(new Figure(table, what, unit, spread.median(), spread.low(), spread.high()));
    return spread.cell();
  }
}
