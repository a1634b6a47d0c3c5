package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import orrery.engine.Heap;
import orrery.graph.FusionReport;
import orrery.graph.FusionRule;
import orrery.graph.StepProgram;
import orrery.kernels.Team;
import orrery.kv.KvDtype;
import orrery.model.FusionRules;

/**
 * What each rule of fusion saves: the rules are added one by one, and the programs run alternately
 * on one step.
 */
public final class FusionLab implements Lab.Experiment {
  private static final int MOST_CURVES = 8;

  /**
   * What to run.
   *
   * @param rows decoding requests of a step, one row each; one table for each number
   * @param context tokens behind each
   * @param seconds measuring time of each table and number of threads
   */
  public record Shape(int[] rows, int context, double seconds) {
    public Shape {
      if (rows.length == 0) {
        throw new IllegalArgumentException("rows: expected at least one number, found none");
      }
      for (int n : rows) {
        new OpsLab.Shape(n, context, seconds); // the same limits
      }
    }
  }

  private final Shape shape;

  FusionLab(Shape shape) {
    this.shape = shape;
  }

  /** Times of all programs with one number of threads. */
  private record Times(int threads, List<FusedTimes> programs) {}

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Chart.Curve> curves = new ArrayList<>();
    for (int rows : shape.rows()) {
      List<Times> all = new ArrayList<>();
      for (int threads : threads(s)) {
        all.add(new Times(threads, measure(s, rows, threads)));
      }
      print(s, sheet, rows, all);
      for (Times t : all) {
        curves.add(curve(rows, t));
      }
    }
    String subtitle = s.name() + ", " + shape.context() + " tokens behind each row";
    return List.of(
        new Chart(
            "Fusion: speed of a step, rules added one by one",
            subtitle,
            new Chart.Axis("rules", false),
            new Chart.Axis("times as fast as the program as launched", false),
            curves.subList(0, Math.min(MOST_CURVES, curves.size()))));
  }

  private static Chart.Curve curve(int rows, Times t) {
    String name = rows + " rows, " + t.threads + (t.threads == 1 ? " thread" : " threads");
    double[] x = IntStream.range(0, t.programs.size()).mapToDouble(i -> i).toArray();
    double[] y =
        t.programs.stream().mapToDouble(p -> p.over(t.programs.getFirst()).median()).toArray();
    return new Chart.Curve(name, t.threads == 1 ? Chart.Style.DASHED : Chart.Style.LINE, x, y);
  }

  private static int[] threads(Subject s) {
    int all = s.settings().threads();
    return IntStream.of(1, Math.min(2, all), all).distinct().toArray();
  }

  @Override
  public void require(Subject s) {
    int most = Arrays.stream(shape.rows()).max().orElseThrow();
    Heap.require(
        "context",
        "a KV cache of --rows " + most + " with " + shape.context() + " tokens of context each",
        DecodeStep.bytes(
            s.loaded().model(), s.settings().threads(), most, shape.context(), dtype(s)));
  }

  private static KvDtype dtype(Subject s) {
    return s.options().kv().kvCacheDtype();
  }

  private List<FusedTimes> measure(Subject s, int rows, int threads) {
    try (Team team = new Team(threads)) {
      DecodeStep step =
          new DecodeStep(s.loaded().model(), team, rows, shape.context(), dtype(s), s.draw());
      List<FusedTimes> programs = programs(step);
      double seconds = s.settings().quick() ? 0.01 : shape.seconds();
      long begin = System.nanoTime();
      boolean warm = false;
      for (int round = 0; round < 2 || since(begin) < 2 * seconds; round++) {
        Trial.requireGoingOn();
        if (!warm && since(begin) > seconds) {
          warm = true; // the first half only warmed up
          programs.forEach(p -> p.micros().clear());
        }
        for (int i = 0; i < programs.size(); i++) {
          programs.get(round % 2 == 0 ? i : programs.size() - 1 - i).time(step);
        }
      }
      return programs;
    }
  }

  private static double since(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }

  /**
   * The program as launched, with a hand-over for each op; in regions; then, always in regions,
   * with one more rule each that matches.
   */
  private static List<FusedTimes> programs(DecodeStep step) {
    List<FusionRule> rules = step.rules();
    FusionReport all = step.fused(FusionRules.ALL).report(); // the same lines for all threads
    List<FusedTimes> programs = new ArrayList<>();
    StepProgram launched = step.program(false);
    programs.add(FusedTimes.of("as launched", launched, step));
    programs.add(FusedTimes.of("in regions", step.inRegions(launched), step));
    for (int i = 0; i < rules.size(); i++) {
      if (all.rules().get(i).times() > 0) {
        String name = "+ " + rules.get(i).name();
        StepProgram fused = step.fused(rules.subList(0, i + 1)).program();
        programs.add(FusedTimes.of(name, step.inRegions(fused), step));
      }
    }
    return programs;
  }

  private void print(Subject s, Sheet sheet, int rows, List<Times> all) {
    sheet.title(
        "fusion: " + s.weights() + ", " + rows + (rows == 1 ? " row" : " rows"),
        "a captured decode step, "
            + shape.context()
            + " tokens of context for each row; hand-overs with "
            + all.getLast().threads
            + " threads; KiB that ops read and write in buffers");
    List<List<String>> cells = new ArrayList<>();
    cells.add(
        Stream.concat(
                Stream.of("rules", "ops", "hand-overs", "KiB"),
                all.stream().flatMap(t -> Stream.of("us, T=" + t.threads, "x, T=" + t.threads)))
            .toList());
    List<FusedTimes> last = all.getLast().programs;
    for (int i = 0; i < last.size(); i++) {
      FusedTimes p = last.get(i);
      List<String> row = new ArrayList<>();
      row.add(p.name());
      row.add(Integer.toString(p.program().size()));
      row.add(Integer.toString(p.handOvers()));
      row.add(String.format(Locale.ROOT, "%.0f", p.bytes() / 1024.0));
      for (Times t : all) {
        FusedTimes here = t.programs.get(i);
        Spread faster = here.over(t.programs.getFirst());
        row.add(Sheet.number(here.spread().median()));
        row.add(faster.cell());
        String what = rows + " rows, " + t.threads + " threads, " + p.name();
        sheet.keep(
            new Figure(
                "fusion, " + s.name(), what, "x", faster.median(), faster.low(), faster.high()));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
  }
}
