package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;

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
  private final Trace[][] runs; // [slots][contexts]

  EntryMisses(Subject s, List<Integer> contexts) {
    this.s = s;
    this.contexts = contexts;
    this.chosen = SparseRuns.chosen(s);
    double[] sizes = s.settings().quick() ? QUICK : SIZES;
    this.slots = Arrays.stream(sizes).mapToInt(size -> (int) Math.ceil(size * chosen)).toArray();
    this.runs = new Trace[slots.length][contexts.size()];
  }

  Chart print(Sheet sheet) {
    for (int b = 0; b < slots.length; b++) {
      for (int c = 0; c < contexts.size(); c++) {
        runs[b][c] = run(slots[b], contexts.get(c));
      }
    }
    table(
        sheet,
        "entries copied for a token: " + s.name(),
        "in all layers together, by the slots of a buffer; chosen: all that a token reads",
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

  private Trace run(int size, int context) {
    int requests = s.size(2, 1); // one after another
    int answer = Math.min(s.size(64, 12), context / 4);
    return Session.run(
        s.loaded(),
        SparseRuns.sparse(SparseRuns.options(s, context, 1), size),
        SparseRuns.jobs(s, requests, context, answer));
  }

  private void table(
      Sheet sheet, String title, String meaning, String unit, Function<Trace, Double> of) {
    sheet.title(title, meaning);
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("slots"));
    contexts.forEach(c -> head.add(c + " tokens"));
    cells.add(head);
    for (int b = 0; b < slots.length; b++) {
      List<String> row = new ArrayList<>(List.of(Integer.toString(slots[b])));
      for (int c = 0; c < contexts.size(); c++) {
        double v = of.apply(runs[b][c]);
        String what = slots[b] + " slots, " + contexts.get(c) + " tokens";
        sheet.keep(new Figure(title, what, unit, v, v, v));
        row.add(Sheet.number(v));
      }
      cells.add(row);
    }
    if (unit.equals("entries")) {
      List<String> row = new ArrayList<>(List.of("chosen"));
      for (Trace t : runs[0]) {
        row.add(Sheet.number(SparseFigures.chosenForToken(t)));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
  }

  private Chart chart() {
    List<Chart.Curve> curves = new ArrayList<>();
    for (int c = 0; c < contexts.size(); c++) {
      double[] percent = new double[slots.length];
      for (int b = 0; b < slots.length; b++) {
        percent[b] = SparseFigures.missPercent(runs[b][c]);
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
