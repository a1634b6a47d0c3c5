package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.lab.FormatVariant.Shape;
import orrery.lab.HeldOutText.Passage;

/** Every format of weights: bytes, speed, and what becomes of the answers. */
final class WeightFormats {
  private static final int CONTEXT = 128;
  private static final int CURVES = 8; // that a chart has room for

  private final Subject s;
  private final boolean twin;
  private final Shape[] shapes;

  /**
   * @param twin whether the answers are those of another model, whose quality is shown
   */
  WeightFormats(Subject s, boolean twin) {
    this.s = s;
    this.twin = twin;
    int context = s.size(CONTEXT, 16);
    shapes =
        new Shape[] {
          Shape.decode(1, context),
          Shape.decode(s.size(8, 2), context),
          Shape.decode(s.size(32, 4), context),
          Shape.prefill(context)
        };
  }

  Chart print(Sheet sheet) {
    sheet.title(
        "weights: " + s.description(),
        "tok/s of a step and (times the model as it is); decoding reads "
            + (shapes[0].context() + 1)
            + " tokens of each request");
    try (FormatCopies copies = new FormatCopies(s, sheet)) {
      List<FormatVariant> all = copies.variants();
      List<List<Trial.Timing>> timings = new ArrayList<>(); // [shape][variant]
      FormatVariant.warmUp(s, all, shapes[0], shapes[1], shapes[3]);
      for (Shape shape : shapes) {
        timings.add(FormatVariant.times(s, all, shape));
      }
      table(sheet, all, timings);
      return chart(all, timings);
    }
  }

  private void table(Sheet sheet, List<FormatVariant> all, List<List<Trial.Timing>> timings) {
    String name = "formats, weights, " + s.name();
    List<Passage> passages = HeldOutText.of(s.loaded(), null, s.settings().seed());
    List<Job> prompts = prompts();
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("weights", "MB a token"));
    Arrays.stream(shapes).forEach(shape -> head.add(shape.name()));
    head.addAll(twin ? List.of() : FormatQuality.HEAD);
    cells.add(head);
    for (int v = 0; v < all.size(); v++) {
      FormatVariant variant = all.get(v);
      double megabytes = variant.loaded().model().info().activeBytes() / 1e6;
      sheet.keep(new Figure(name, variant.name(), "MB", megabytes, megabytes, megabytes));
      List<String> row = new ArrayList<>(List.of(variant.name(), Sheet.number(megabytes)));
      for (int i = 0; i < shapes.length; i++) {
        row.add(cell(sheet, name, shapes[i].name(), timings.get(i).get(v), timings.get(i).get(0)));
      }
      if (!twin) {
        FormatQuality q = FormatQuality.of(s, all.getFirst(), variant, passages, prompts);
        row.addAll(q.cells(sheet, name, variant.name()));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
    sheet.text(
        twin
            ? "its answers are those of the model, to the bit"
            : "KL, top-1 and perplexity on held-out text, against the model as it is;"
                + " tokens/verify with 3 MTP drafts");
  }

  /** Endless text, answered greedily. */
  private List<Job> prompts() {
    Text text = HeldOut.of(s.loaded(), s.settings().seed()).getFirst();
    int count = s.size(text.prompts().size(), 2);
    return text.jobs(0, count, s.size(128, 12), s.settings().seed());
  }

  /** A rate and how it relates to another one of the same trial. */
  static String cell(Sheet sheet, String table, String shape, Trial.Timing t, Trial.Timing plain) {
    double times = plain.median() / t.median();
    String what = t.name() + ", " + shape;
    sheet.keep(new Figure(table, what, "tok/s", t.rate(), t.lowRate(), t.highRate()));
    sheet.keep(new Figure(table, what + " over " + plain.name(), "x", times, times, times));
    return String.format(Locale.ROOT, "%s (%.2f)", Sheet.number(t.rate()), times);
  }

  private Chart chart(List<FormatVariant> all, List<List<Trial.Timing>> timings) {
    double[] requests = // [shapes that decode]
        Arrays.stream(shapes).filter(x -> x.each() == 1).mapToDouble(Shape::requests).toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    for (int v = 0; v < Math.min(CURVES, all.size()); v++) {
      double[] times = new double[requests.length];
      for (int i = 0; i < times.length; i++) {
        times[i] = timings.get(i).getFirst().median() / timings.get(i).get(v).median();
      }
      curves.add(new Chart.Curve(all.get(v).name(), Chart.Style.LINE, requests, times));
    }
    return new Chart(
        "Decoding with weights of few bits",
        s.description(),
        new Chart.Axis("requests that are answered at once", true),
        new Chart.Axis("times the tokens a second of the model as it is", false),
        curves);
  }
}
