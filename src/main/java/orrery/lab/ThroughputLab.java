package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.quantization.WeightFormat;

/** Plain speed: batches of prompts of equal length, then nothing but decoding. */
public final class ThroughputLab implements Lab.Experiment {
  /**
   * What to run.
   *
   * @param batches numbers of requests at once
   * @param prompt tokens of each prompt
   * @param tokens of each answer
   */
  public record Shape(List<Integer> batches, int prompt, int tokens) {
    public Shape {
      batches = List.copyOf(batches);
      if (batches.isEmpty() || batches.stream().anyMatch(b -> b < 1 || b > 4096)) {
        throw new IllegalArgumentException("batch: expected 1 to 4096, found " + batches);
      }
      if (prompt < 1) {
        throw new IllegalArgumentException("prompt: expected at least 1, found " + prompt);
      }
      if (tokens < 2) {
        throw new IllegalArgumentException("tokens: expected at least 2, found " + tokens);
      }
    }
  }

  private static final int PAGE = 16; // slots

  private final Shape shape;

  ThroughputLab(Shape shape) {
    this.shape = shape;
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Variant> variants = new ArrayList<>();
    for (int batch : shape.batches()) {
      variants.add(variant(s, batch));
    }
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    sheet.title(
        "throughput: " + s.description(),
        "prompts of " + shape.prompt() + " random tokens, answers of " + shape.tokens());
    Comparison table =
        new Comparison("throughput, " + s.name())
            .column("prefill tok/s", t -> t.rate(true))
            .column("decode tok/s", t -> t.rate(false));
    table.print(sheet, all);
    Series first = all.getFirst();
    for (Series more : all.subList(1, all.size())) {
      table.ratio(sheet, "decode", more, first, t -> t.rate(false), "");
    }
    compareWithKernels(s, sheet, all);
    return List.of(chart(s, all));
  }

  @Override
  public void require(Subject s) {
    require(s, shape);
  }

  /** Refuses lengths that the model has no positions for, and batches that do not fit the heap. */
  static void require(Subject s, Shape shape) {
    long length = (long) shape.prompt() + shape.tokens();
    int most = s.loaded().model().maxPositions();
    if (length > most) {
      throw new IllegalArgumentException(
          "prompt: expected together with --tokens at most the model's "
              + most
              + " positions, found "
              + shape.prompt()
              + " + "
              + shape.tokens());
    }
    for (int batch : shape.batches()) {
      try {
        Engine.check(s.loaded(), options(s, shape, batch));
      } catch (IllegalArgumentException e) {
        String what = "batch: " + batch + " requests of " + length + " tokens: ";
        throw new IllegalArgumentException(what + e.getMessage(), e);
      }
    }
  }

  /** An engine for one batch at a time, which takes all prompts first and then only decodes. */
  static EngineOptions options(Subject s, Shape shape, int batch) {
    int length = shape.prompt() + shape.tokens();
    long pages = batch * ((length + 1L + PAGE - 1) / PAGE + 1); // and one each of slack
    return s.options()
        .withKv(
            kv ->
                kv.withPageSize(PAGE)
                    .withContextLength(length)
                    .withMaxTotalTokens((int) Math.min(Integer.MAX_VALUE, pages * PAGE)))
        .withBatching(
            b ->
                b.withMaxRunningRequests(batch)
                    .withEnableMixedChunk(false) // first prompts, then decoding: two clean rates
                    .withScheduleConservativeness(10)); // every answer uses all its max_tokens
  }

  private Variant variant(Subject s, int batch) {
    Draw draw = s.draw();
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < batch; i++) {
      jobs.add(new Job(draw.tokens(shape.prompt()), shape.tokens(), shape.tokens()));
    }
    EngineOptions options = options(s, shape, batch);
    // A new engine's first steps make buffers and programs, and are the first to touch memory.
    List<Job> before = List.of(new Job(draw.tokens(shape.prompt()), 2, 2));
    return new Variant("batch " + batch, () -> Session.run(s.loaded(), options, before, jobs));
  }

  /**
   * Prints the gain of batch 16 beside that of one product of 16 rows, from cache and from memory.
   */
  private void compareWithKernels(Subject s, Sheet sheet, List<Series> all) {
    int one = shape.batches().indexOf(1);
    int sixteen = shape.batches().indexOf(16);
    if (one < 0 || sixteen < 0) {
      return;
    }
    double gain = Spread.of(all.get(sixteen).over(all.get(one), t -> t.rate(false))).median();
    for (int side : new int[] {KernelBench.CACHED, Machine.look().sideOutOfCache()}) {
      PackedMatrix w = Product.matrix(WeightFormat.BF16, side, side);
      try (Team team = new Team(s.settings().threads())) {
        var kernels = new VectorKernels();
        List<Trial.Timing> t =
            Trial.run(
                List.of(
                    new Product(kernels, w, 1, team).byFlops("1 row"),
                    new Product(kernels, w, 16, team).byFlops("16 rows")),
                s.settings().quick() ? 0.01 : 0.5);
        double rows = t.get(1).rate() / t.get(0).rate();
        String what = "decode, batch 16 over 1, of a product of 16 rows over 1, " + w;
        sheet.keep(new Figure("throughput, " + s.name(), what, "%", 100 * gain / rows, 0, 0));
        sheet.text(
            what
                + ": "
                + Sheet.number(gain)
                + "x of "
                + Sheet.number(rows)
                + "x = "
                + Sheet.percent(gain, rows));
      }
    }
  }

  private Chart chart(Subject s, List<Series> all) {
    double[] x = shape.batches().stream().mapToDouble(b -> b).toArray();
    int[] order =
        IntStream.range(0, x.length)
            .boxed()
            .sorted((a, b) -> Double.compare(x[a], x[b]))
            .mapToInt(i -> i)
            .toArray();
    double[] sorted = Arrays.stream(order).mapToDouble(i -> x[i]).toArray();
    double[] rate =
        Arrays.stream(order).mapToDouble(i -> all.get(i).of(t -> t.rate(false)).median()).toArray();
    return chart(s.weights(), s.threads(), sorted, rate);
  }

  /** One model's curve; {@link #picture} puts them together. */
  static Chart chart(String model, String subtitle, double[] batches, double[] rates) {
    double[] gains = Arrays.stream(rates).map(rate -> rate / rates[0]).toArray();
    String fewest = Math.round(batches[0]) + (batches[0] == 1 ? " request" : " requests");
    return new Chart(
        "What more requests at once gain",
        subtitle,
        new Chart.Axis("requests that are answered at once", true),
        new Chart.Axis("times the tokens a second of " + fewest, false),
        List.of(new Chart.Curve(model, Chart.Style.LINE, batches, gains)));
  }

  @Override
  public List<Chart> picture(List<List<Chart>> models) {
    return List.of(Chart.together(models.stream().flatMap(List::stream).toList()));
  }
}
