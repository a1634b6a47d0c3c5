package orrery.lab;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** When multi-token prediction pays: on which text, how many drafts, at which batch size. */
final class MtpLab implements Lab.Experiment {
  private static final int[] BATCHES = {1, 4, 16};
  private static final int[] QUICK_BATCHES = {1, 3};
  private static final double WARM = 0.8;
  private static final int BRIEF = 16; // tokens
  private static final long LARGE_BYTES = 64L << 20; // of a token's weights: a step takes ms

  /** Longest sequence here: a chat so far, and a whole story. */
  private static final int CONTEXT = 768;

  /**
   * How long a run is.
   *
   * @param endless requests for endless answers
   * @param others requests for others
   * @param tokens of an endless answer
   * @param fresh whether the engine begins cold, without measured times and acceptance
   */
  private record Size(int endless, int others, int tokens, boolean fresh) {}

  @Override
  public List<Chart> picture(List<List<Chart>> models) {
    return List.of(Chart.together(models.stream().flatMap(List::stream).toList()));
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Text> texts = HeldOut.of(s.loaded(), s.settings().seed());
    if (s.loaded().directory().equals(s.settings().models().getFirst())) {
      new MtpAcceptance(s, sheet).print(texts);
    }
    List<Text> timed = new ArrayList<>(texts);
    timed.add(texts.getLast().at(WARM));
    List<MtpCell> cells = new ArrayList<>();
    warmUp(s, timed.getFirst());
    MtpTables tables = new MtpTables(s, sheet);
    MtpFormula formula = new MtpFormula(s, sheet);
    for (int batch : s.settings().quick() ? QUICK_BATCHES : BATCHES) {
      List<MtpCell> row = new ArrayList<>();
      for (Text text : timed) {
        if (batch == 1 || text.endless() && text.temperature() == 0) {
          row.add(cell(s, text, batch, MtpWay.all(), size(s, batch), s.settings().rounds()));
        }
      }
      tables.speedups(row, size(s, batch).tokens());
      formula.times(row);
      cells.addAll(row);
    }
    formula.forecasts(cells);
    longer(s, tables, cells.stream().filter(c -> c.batch() == 1).toList());
    return List.of(chart(s, cells));
  }

  /**
   * Measures the adaptive length in runs that are long beside its first steps, which try lengths
   * out. There are fewer rounds of these runs.
   */
  private static void longer(Subject s, MtpTables tables, List<MtpCell> cells) {
    List<MtpCell> all = new ArrayList<>();
    List<Integer> best = cells.stream().map(MtpCell::bestFixed).toList();
    int rounds = (s.settings().rounds() + 1) / 2;
    Size size = size(s, 1);
    Size longer = new Size(4 * size.endless(), 4 * size.others(), size.tokens(), true);
    for (int i = 0; i < cells.size(); i++) {
      List<MtpWay> ways = MtpWay.all();
      MtpWay fixed = ways.get(MtpWay.fixed(best.get(i)));
      List<MtpWay> three = List.of(ways.get(MtpWay.OFF), ways.get(MtpWay.ADAPTIVE), fixed);
      all.add(cell(s, cells.get(i).text(), 1, three, longer, rounds));
    }
    tables.adaptive(all, best);
  }

  @Override
  public void require(Subject s) {
    Path directory = s.loaded().directory();
    if (!s.loaded().model().hasMtp()) {
      String which = directory.equals(s.settings().model()) ? "model" : "twin";
      throw new IllegalArgumentException(
          which + ": expected a model with an MTP layer, found " + directory + " without one");
    }
    HeldOut.of(s.loaded(), s.settings().seed());
    int most = Arrays.stream(BATCHES).max().orElseThrow();
    SpeculationOptions drafts =
        SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(MtpWay.MOST);
    Engine.check(s.loaded(), options(s, most, drafts));
  }

  /** Speed against drafts of texts that go on, one request at a time. */
  private static Chart chart(Subject s, List<MtpCell> cells) {
    Map<String, double[]> speeds = new LinkedHashMap<>();
    for (MtpCell cell : cells) {
      if (cell.batch() == 1 && cell.text().endless() && cell.text().temperature() == 0) {
        double[] y = new double[MtpWay.MOST + 1];
        Arrays.setAll(y, k -> cell.speedup(MtpWay.fixed(k), MtpWay.OFF).median());
        speeds.put(cell.text().name() + ", " + s.weights(), y);
      }
    }
    return chart(s.threads(), speeds);
  }

  /**
   * One model's curves; {@link #picture} puts them together.
   *
   * @param speeds [drafts] over the speed without drafts, by the name of the curve
   */
  static Chart chart(String subtitle, Map<String, double[]> speeds) {
    double[] x = new double[MtpWay.MOST + 1];
    Arrays.setAll(x, k -> k);
    double[] one = new double[x.length];
    Arrays.fill(one, 1);
    List<Chart.Curve> curves = new ArrayList<>();
    curves.add(new Chart.Curve("without drafts: 1", Chart.Style.DASHED, x, one));
    speeds.forEach((name, y) -> curves.add(new Chart.Curve(name, Chart.Style.LINE, x, y)));
    return new Chart(
        "Do drafts pay? Above the dashed line they do",
        "one request at a time, " + subtitle,
        new Chart.Axis("drafts in each step", false),
        new Chart.Axis("tokens a second, without drafts = 1", false),
        curves);
  }

  /** The options that all engines of this lab share. */
  static EngineOptions options(Subject s, int batch, SpeculationOptions speculation) {
    int context = Math.min(CONTEXT, s.loaded().model().maxPositions());
    return s.options()
        .withKv(kv -> kv.withContextLength(context).withMaxTotalTokens(batch * context))
        .withBatching(b -> b.withMaxRunningRequests(batch))
        .withSpeculation(_ -> speculation);
  }

  private static Size size(Subject s, int batch) {
    if (s.settings().quick()) {
      return new Size(1, 2, 24, false);
    }
    boolean large = large(s);
    return switch (batch) {
      case 1 -> large ? new Size(1, 4, 128, false) : new Size(4, 16, 160, false);
      case 4 -> new Size(4, 4, large ? 64 : 480, false);
      default -> new Size(batch, batch, large ? 32 : 256, false);
    };
  }

  private static boolean large(Subject s) {
    return s.loaded().model().info().activeBytes() > LARGE_BYTES;
  }

  /** Warms up with one text only: loops and kernels are the same for all texts. */
  private static void warmUp(Subject s, Text text) {
    List<Variant> variants = new ArrayList<>();
    for (int batch : BATCHES) {
      for (MtpWay way : MtpWay.all()) {
        Size size = new Size(batch, batch, large(s) ? 8 : 64 / batch, false);
        variants.add(variant(s, way, text, batch, size));
      }
    }
    Rounds.warmUp(s.settings(), variants);
  }

  private static MtpCell cell(
      Subject s, Text text, int batch, List<MtpWay> ways, Size size, int rounds) {
    List<Variant> variants = new ArrayList<>();
    for (MtpWay way : ways) {
      variants.add(variant(s, way, text, batch, size));
    }
    List<List<DraftedRun>> runs = new ArrayList<>();
    for (Series series : Rounds.measure(s.settings(), rounds, variants)) {
      runs.add(series.traces().stream().map(t -> new DraftedRun(t, batch)).toList());
    }
    return new MtpCell(text, batch, runs);
  }

  /**
   * A short job from the same prompt, with another first token, so that it leaves no prefix for the
   * prefix cache to hit.
   */
  private static Job brief(Job job) {
    int[] prompt = job.prompt().clone();
    prompt[0] = prompt[0] == 1 ? 2 : 1;
    return job.briefly(prompt, BRIEF);
  }

  /**
   * A way as a variant. Each round takes the prompts behind those of the round before, so that many
   * prompts are used.
   */
  private static Variant variant(Subject s, MtpWay way, Text text, int batch, Size size) {
    EngineOptions options = options(s, batch, way.options());
    int count = Math.max(batch, text.endless() ? size.endless() : size.others());
    return new Variant(
        way.name(),
        round -> {
          List<Job> jobs = text.jobs(round * count, count, size.tokens(), s.settings().seed());
          List<Job> before = jobs.subList(0, batch).stream().map(MtpLab::brief).toList();
          return size.fresh()
              ? Session.run(s.loaded(), options, jobs)
              : Session.run(s.loaded(), options, before, jobs);
        });
  }
}
