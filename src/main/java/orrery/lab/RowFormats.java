package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import orrery.engine.Heap;
import orrery.graph.ActivationDtype;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.lab.FormatVariant.Shape;
import orrery.lab.HeldOutText.Passage;
import orrery.model.Model;

/** Every format of cached rows behind more and more tokens: bytes, speed, and the answers. */
final class RowFormats {
  private static final int ANSWER = 64; // tokens behind a prompt

  private final Subject s;
  private final boolean twin;
  private final List<FormatVariant> variants = new ArrayList<>();
  private final int[] contexts; // tokens that a step reads
  private final int[] batches;

  /**
   * @param twin whether the answers are those of another model, whose quality is shown
   */
  RowFormats(Subject s, boolean twin) {
    this.s = s;
    this.twin = twin;
    for (KvDtype dtype : KvDtype.values()) {
      String name = dtype.name().toLowerCase(Locale.ROOT);
      variants.add(new FormatVariant(name, s.loaded(), ActivationDtype.F32, dtype));
    }
    int most = s.loaded().model().maxPositions();
    contexts =
        IntStream.of(s.settings().quick() ? new int[] {16, 32} : new int[] {128, 1024, most})
            .map(tokens -> Math.min(tokens, most))
            .distinct()
            .toArray();
    batches = s.settings().quick() ? new int[] {1, 2} : new int[] {1, 8, 32};
  }

  /** The most that caches and buffers take at a time. */
  long bytes() {
    long bytes = 0;
    for (FormatVariant v : variants) {
      int batch = batches[batches.length - 1];
      int context = contexts[contexts.length - 1];
      int threads = s.settings().threads();
      bytes = Heap.plus(bytes, DecodeStep.bytes(v.model(), threads, batch, context, v.rows()));
    }
    return bytes;
  }

  Chart print(Sheet sheet) {
    sheet.title(
        "cached rows: " + s.description(),
        "tok/s of a step and (times f32 rows); KB: pages of one request of so many tokens");
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("tokens, rows", "KB"));
    Arrays.stream(batches).forEach(batch -> head.add("batch " + batch));
    head.add("prefill");
    head.addAll(twin ? List.of() : FormatQuality.HEAD);
    cells.add(head);
    List<Chart.Curve> curves = new ArrayList<>();
    double[][] times = new double[variants.size()][contexts.length]; // of the largest batch
    int shortest = contexts[0];
    FormatVariant.warmUp(
        s, variants, Shape.decode(1, shortest), Shape.decode(8, shortest), Shape.prefill(shortest));
    for (int c = 0; c < contexts.length; c++) {
      behind(sheet, contexts[c], cells, c, times);
    }
    Comparison.markdown(sheet, cells);
    double[] x = IntStream.of(contexts).asDoubleStream().toArray();
    for (int v = 0; v < variants.size(); v++) {
      curves.add(new Chart.Curve(variants.get(v).name(), Chart.Style.LINE, x, times[v]));
    }
    return new Chart(
        "Decoding with cached rows of few bits",
        s.name() + ", " + batches[batches.length - 1] + " requests, " + s.threads(),
        new Chart.Axis("tokens that each request reads", true),
        new Chart.Axis("times the tokens a second of f32 rows", false),
        curves);
  }

  private void behind(
      Sheet sheet, int tokens, List<List<String>> cells, int column, double[][] times) {
    String table = "formats, rows, " + s.name();
    List<Shape> shapes = new ArrayList<>();
    Arrays.stream(batches).forEach(batch -> shapes.add(Shape.decode(batch, tokens)));
    shapes.add(Shape.prefill(tokens));
    List<List<Trial.Timing>> timings = new ArrayList<>(); // [shape][variant]
    for (Shape shape : shapes) {
      timings.add(FormatVariant.times(s, variants, shape));
    }
    List<Passage> windows =
        FormatQuality.windows(HeldOutText.of(s.loaded(), null, s.settings().seed()), tokens);
    for (int v = 0; v < variants.size(); v++) {
      FormatVariant variant = variants.get(v);
      String what = variant.name() + ", " + tokens + " tokens";
      double kilobytes = pageBytes(variant.model(), variant.rows(), tokens) / 1e3;
      sheet.keep(new Figure(table, what, "KB", kilobytes, kilobytes, kilobytes));
      List<String> row =
          new ArrayList<>(List.of(tokens + ", " + variant.name(), Sheet.number(kilobytes)));
      for (int i = 0; i < shapes.size(); i++) {
        Trial.Timing plain = timings.get(i).getFirst();
        Trial.Timing t = timings.get(i).get(v);
        String shape = tokens + " tokens, " + shapes.get(i).name();
        row.add(WeightFormats.cell(sheet, table, shape, t, plain));
        times[v][column] = i == batches.length - 1 ? plain.median() / t.median() : times[v][column];
      }
      if (!twin && !windows.isEmpty()) {
        FormatQuality q =
            FormatQuality.of(s, variants.getFirst(), variant, windows, prompts(windows));
        row.addAll(q.cells(sheet, table, what));
      } else if (!twin) {
        FormatQuality.HEAD.forEach(_ -> row.add("-")); // no text is so long
      }
      cells.add(row);
    }
  }

  /** Bytes of the rows that a request of so many tokens holds: windows keep only the newest. */
  private static double pageBytes(Model model, KvDtype dtype, int tokens) {
    KvLayout layout = model.kvLayout(false, dtype);
    return layout.streams().stream().mapToDouble(x -> x.bytes(Math.min(tokens, x.keeps()))).sum();
  }

  /** The beginnings of windows, to be answered greedily. */
  private List<Job> prompts(List<Passage> windows) {
    List<Job> jobs = new ArrayList<>();
    for (Passage p : windows.subList(0, Math.min(s.size(8, 2), windows.size()))) {
      int answer = Math.min(ANSWER, p.ids().length / 2);
      jobs.add(new Job(Arrays.copyOf(p.ids(), p.ids().length - answer), answer, answer));
    }
    return jobs;
  }
}
