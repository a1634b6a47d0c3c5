package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * How many of the entries that a token reads its sequence's buffers do not have, against their size
 * and the length of the context. Real runs; the counts are the same on every machine.
 */
final class EntryMisses {
  private static final double[] SIZES = {1, 1.5, 2, 3, 4, 6, 8}; // times what a token chooses
  private static final double[] QUICK = {1, 2};

  private final Subject s;
  private final List<Integer> contexts;
  private final int chosen; // entries of a layer that a token reads
  private final int[] slots;
  private final List<List<List<Trace>>> runs = new ArrayList<>(); // [slots][contexts][requests]

  EntryMisses(Subject s, List<Integer> contexts) {
    this.s = s;
    this.contexts = contexts;
    this.chosen = SparseRuns.chosen(s);
    double[] sizes = s.settings().quick() ? QUICK : SIZES;
    this.slots = Arrays.stream(sizes).mapToInt(size -> (int) Math.ceil(size * chosen)).toArray();
  }

  Chart print(Sheet sheet) {
    for (int size : slots) {
      runs.add(contexts.stream().map(context -> run(size, context)).toList());
    }
    table(
        sheet,
        "entries copied for a token: " + s.name(),
        "in all layers together, by the slots of a buffer; mean of the requests, and in brackets"
            + " the one with the fewest and the one with the most; chosen: all that a token reads",
        "entries",
        SparseFigures::copiedForToken);
    table(
        sheet,
        "bytes copied for a token: " + s.name(),
        "KB in all layers together, by the slots of a buffer",
        "KB",
        t -> SparseFigures.bytesForToken(t) / 1e3);
    return chart();
  }

  /** Each request has an engine of its own. */
  private List<Trace> run(int size, int context) {
    int answer = Math.min(s.size(64, 12), context / 4);
    return SparseRuns.jobs(s, s.size(8, 2), context, answer).stream()
        .map(
            job ->
                Session.run(
                    s.loaded(),
                    SparseRuns.sparse(SparseRuns.options(s, context, 1), size),
                    List.of(job)))
        .toList();
  }

  private void table(
      Sheet sheet, String title, String meaning, String unit, ToDoubleFunction<Trace> of) {
    sheet.title(title, meaning);
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("slots"));
    contexts.forEach(c -> head.add(c + " tokens"));
    cells.add(head);
    for (int b = 0; b < slots.length; b++) {
      List<String> row = new ArrayList<>(List.of(Integer.toString(slots[b])));
      for (int c = 0; c < contexts.size(); c++) {
        DoubleSummaryStatistics v = runs.get(b).get(c).stream().mapToDouble(of).summaryStatistics();
        String what = slots[b] + " slots, " + contexts.get(c) + " tokens";
        sheet.keep(new Figure(title, what, unit, v.getAverage(), v.getMin(), v.getMax()));
        row.add(
            digits(v.getAverage()) + " (" + digits(v.getMin()) + "-" + digits(v.getMax()) + ")");
      }
      cells.add(row);
    }
    if (unit.equals("entries")) {
      List<String> row = new ArrayList<>(List.of("chosen"));
      for (List<Trace> requests : runs.getFirst()) {
        row.add(digits(mean(requests, SparseFigures::chosenForToken)));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
  }

  private static double mean(List<Trace> requests, ToDoubleFunction<Trace> of) {
    return requests.stream().mapToDouble(of).average().orElseThrow();
  }

  private static String digits(double v) {
    return String.format(Locale.ROOT, v >= 10 || v == 0 ? "%.0f" : "%.1f", v);
  }

  private Chart chart() {
    List<Chart.Curve> curves = new ArrayList<>();
    for (int c = 0; c < contexts.size(); c++) {
      double[] percent = new double[slots.length];
      for (int b = 0; b < slots.length; b++) {
        percent[b] = mean(runs.get(b).get(c), SparseFigures::missPercent);
      }
      curves.add(
          new Chart.Curve(
              "context of " + contexts.get(c) + " tokens",
              Chart.Style.LINE,
              Arrays.stream(slots).asDoubleStream().toArray(),
              percent));
    }
    return new Chart(
        "How many of the entries that a token reads come from the host?",
        String.format(
            Locale.ROOT,
            "%s; a token reads %d entries in each layer, and the buffer keeps those used last",
            s.name(),
            chosen),
        new Chart.Axis("slots of a sequence's buffer in each layer", false),
        new Chart.Axis("of 100 entries that are read, copied from the host", false),
        curves);
  }
}
