package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import orrery.engine.Heap;
import orrery.graph.Capture;
import orrery.graph.Executor;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.kv.PageTable;
import orrery.model.Activations;
import orrery.model.Forward;
import orrery.model.Model;

/** Where the time of a decode step goes, op by op. */
public final class OpsLab implements Lab.Experiment {
  private static final int PAGE = 16; // rounded up to whole rows
  private static final int SHOWN = 12;

  /**
   * What to run.
   *
   * @param rows decoding requests, one row each
   * @param context tokens behind each
   * @param seconds measuring time
   */
  public record Shape(int rows, int context, double seconds) {
    private static final int MOST_SECONDS = 600;

    public Shape {
      if (rows < 1 || rows > 4096) {
        throw new IllegalArgumentException("rows: expected 1 to 4096, found " + rows);
      }
      if (context < 1) {
        throw new IllegalArgumentException("context: expected at least 1, found " + context);
      }
      if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
        throw new IllegalArgumentException(
            "seconds: expected above 0, at most " + MOST_SECONDS + ", found " + seconds);
      }
    }
  }

  /** One launch of a step: its op, and how long it took each time. */
  private record Timed(String kind, String line, long work, List<Long> nanos) {
    double micros() {
      return Spread.quantile(nanos.stream().mapToDouble(n -> n / 1e3).sorted().toArray(), 0.5);
    }
  }

  private final Shape shape;

  OpsLab(Shape shape) {
    this.shape = shape;
  }

  /** Runs ops one by one and times each. */
  private static final class Stopwatch extends Launcher {
    private final Executor executor;
    private final Step step;
    private final List<Timed> ops; // of the whole step, in order; filled by the first
    private int next;

    Stopwatch(Executor executor, Step step, List<Timed> ops) {
      this.executor = executor;
      this.step = step;
      this.ops = ops;
    }

    @Override
    public void launch(Op op) {
      long start = System.nanoTime();
      executor.run(op, step);
      long took = System.nanoTime() - start;
      if (next == ops.size()) {
        String kind = op.getClass().getSimpleName();
        ops.add(new Timed(kind, op.line(), op.cost(step), new ArrayList<>()));
      }
      ops.get(next++).nanos.add(took);
    }
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    try (Team team = new Team(s.settings().threads())) {
      List<Timed> ops = new ArrayList<>();
      double step = measure(s.loaded().model(), team, s, ops);
      double sum = ops.stream().mapToDouble(Timed::micros).sum();
      sheet.title(
          "ops: " + s.description(),
          String.format(
              Locale.ROOT,
              "%d decoding rows, %d tokens behind each; %d ops, %.0f us one by one, %.0f us as one"
                  + " captured step",
              shape.rows(),
              shape.context(),
              ops.size(),
              sum,
              step));
      sheet.keep(new Figure("ops, " + s.name(), "captured step", "us", step, step, step));
      print(sheet, s, "op", group(ops, Timed::kind), sum, Integer.MAX_VALUE);
      sheet.text("");
      print(sheet, s, "launch", group(ops, Timed::line), sum, SHOWN);
    }
    return List.of();
  }

  @Override
  public void require(Subject s) {
    Model model = s.loaded().model();
    KvLayout layout = model.kvLayout(false);
    int page = layout.wholeRows(PAGE);
    long pages = Math.ceilDiv(shape.context() + 1L, page);
    Activations a = model.activations(false, (int) Math.min(pages * page, Integer.MAX_VALUE));
    long cache = Heap.times(shape.rows(), pages, layout.bytesPerPage(page));
    long context = Heap.plus(a.positions(), Heap.times(s.settings().threads(), a.thread()));
    long buffers = Heap.times(shape.rows(), a.row() + a.logitRow());
    Heap.require(
        "context",
        "a KV cache of --rows " + shape.rows() + " with " + shape.context() + " tokens behind each",
        Heap.plus(cache, Heap.plus(context, buffers)));
  }

  /** Fills {@code ops}; returns the median microseconds of the captured step. */
  private double measure(Model model, Team team, Subject s, List<Timed> ops) {
    int length = shape.context() + 1;
    KvLayout layout = model.kvLayout(false);
    int page = layout.wholeRows(PAGE);
    int slots = Math.ceilDiv(length, page) * page;
    KvCache cache = new KvCache(layout, page, slots, shape.rows() * slots / page);
    Forward forward = model.bind(cache, shape.rows()).apply(shape.rows());
    StepProgram captured = Capture.of(forward::main);
    Executor executor = new Executor(team);
    Step step = new Step(shape.rows(), shape.rows(), team.size(), new VectorKernels());
    Draw draw = s.draw();
    for (int r = 0; r < shape.rows(); r++) {
      PageTable table = cache.newTable();
      cache.reserve(table, length);
      step.tables[r] = table;
      step.add(draw.between(0, model.vocab() - 1), shape.context(), r, true);
    }
    for (int stream = 0; stream < cache.layout().streams().size(); stream++) {
      float[] rows = cache.data(stream);
      for (int i = 0; i < rows.length; i++) {
        rows[i] = Product.value(i);
      }
    }
    List<Double> whole = new ArrayList<>();
    double seconds = s.settings().quick() ? 0.01 : shape.seconds();
    long begin = System.nanoTime();
    boolean warm = false;
    while (whole.size() < 3 || (System.nanoTime() - begin) / 1e9 < 2 * seconds) {
      Trial.requireGoingOn();
      if (!warm && (System.nanoTime() - begin) / 1e9 > seconds) {
        warm = true; // the first half only warmed up
        whole.clear();
        ops.forEach(op -> op.nanos.clear());
      }
      forward.main(new Stopwatch(executor, step, ops));
      long start = System.nanoTime();
      captured.run(executor, step);
      whole.add((System.nanoTime() - start) / 1e3);
    }
    return Spread.of(whole.stream().mapToDouble(d -> d).toArray()).median();
  }

  private static Map<String, List<Timed>> group(List<Timed> ops, Function<Timed, String> by) {
    Map<String, List<Timed>> groups = new LinkedHashMap<>();
    ops.forEach(op -> groups.computeIfAbsent(by.apply(op), k -> new ArrayList<>()).add(op));
    return groups;
  }

  private static void print(
      Sheet sheet, Subject s, String what, Map<String, List<Timed>> groups, double sum, int most) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of(what, "launches", "us", "share, %", "GFLOP/s"));
    groups.entrySet().stream()
        .sorted(Comparator.comparingDouble(e -> -micros(e.getValue())))
        .limit(most)
        .forEach(
            e -> {
              double us = micros(e.getValue());
              long work = e.getValue().stream().mapToLong(Timed::work).sum();
              sheet.keep(new Figure("ops, " + s.name(), e.getKey(), "us", us, us, us));
              cells.add(
                  Arrays.asList(
                      e.getKey(),
                      Integer.toString(e.getValue().size()),
                      Sheet.number(us),
                      Sheet.number(100 * us / sum),
                      Sheet.number(2 * work / us / 1e3)));
            });
    Comparison.markdown(sheet, cells);
  }

  private static double micros(List<Timed> ops) {
    return ops.stream().mapToDouble(Timed::micros).sum();
  }
}
