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
import orrery.kernels.Team;
import orrery.kv.KvDtype;

/** Where the time of a decode step goes, op by op. */
public final class OpsLab implements Lab.Experiment {
  private static final int SHOWN = 12;

  /**
   * What to run.
   *
   * @param rows decoding requests, one row each
   * @param context tokens behind each
   * @param seconds measuring time
   * @param fusion whether the step is fused
   */
  public record Shape(int rows, int context, double seconds, boolean fusion) {
    private static final int MOST_SECONDS = 600;

    /** Of the fused step. */
    public Shape(int rows, int context, double seconds) {
      this(rows, context, seconds, true);
    }

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

  private final Shape shape;

  OpsLab(Shape shape) {
    this.shape = shape;
  }

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    try (Team team = new Team(s.settings().threads())) {
      DecodeStep step =
          new DecodeStep(
              s.loaded().model(), team, shape.rows(), shape.context(), dtype(s), s.draw());
      double whole = measure(step, s);
      List<TimedOp> ops = step.ops();
      double sum = TimedOp.micros(ops);
      sheet.title(
          "ops: " + s.description(),
          String.format(
              Locale.ROOT,
              "%d decoding rows, %d tokens of context each; %d ops, %.0f us one by one, %.0f us as"
                  + " one captured step",
              shape.rows(),
              shape.context(),
              ops.size(),
              sum,
              whole));
      sheet.keep(new Figure("ops, " + s.name(), "captured step", "us", whole, whole, whole));
      print(sheet, s, "op", group(ops, TimedOp::kind), sum, Integer.MAX_VALUE);
      sheet.text("");
      print(sheet, s, "launch", group(ops, op -> op.op().line()), sum, SHOWN);
    }
    return List.of();
  }

  @Override
  public void require(Subject s) {
    Heap.require(
        "context",
        "a KV cache of --rows "
            + shape.rows()
            + " with "
            + shape.context()
            + " tokens of context each",
        DecodeStep.bytes(
            s.loaded().model(), s.settings().threads(), shape.rows(), shape.context(), dtype(s)));
  }

  private static KvDtype dtype(Subject s) {
    return s.options().kv().kvCacheDtype();
  }

  /** Returns the median microseconds of the captured step. */
  private double measure(DecodeStep step, Subject s) {
    List<Double> whole = new ArrayList<>();
    double seconds = s.settings().quick() ? 0.01 : shape.seconds();
    long begin = System.nanoTime();
    boolean warm = false;
    while (whole.size() < 3 || (System.nanoTime() - begin) / 1e9 < 2 * seconds) {
      Trial.requireGoingOn();
      if (!warm && (System.nanoTime() - begin) / 1e9 > seconds) {
        warm = true; // the first half only warmed up
        whole.clear();
        step.forget();
      }
      step.runOpByOp(shape.fusion());
      long start = System.nanoTime();
      step.run(step.program(shape.fusion()));
      whole.add((System.nanoTime() - start) / 1e3);
    }
    return Spread.of(whole.stream().mapToDouble(d -> d).toArray()).median();
  }

  private static Map<String, List<TimedOp>> group(List<TimedOp> ops, Function<TimedOp, String> by) {
    Map<String, List<TimedOp>> groups = new LinkedHashMap<>();
    ops.forEach(op -> groups.computeIfAbsent(by.apply(op), k -> new ArrayList<>()).add(op));
    return groups;
  }

  private static void print(
      Sheet sheet,
      Subject s,
      String what,
      Map<String, List<TimedOp>> groups,
      double sum,
      int most) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of(what, "launches", "us", "share, %", "GFLOP/s"));
    groups.entrySet().stream()
        .sorted(Comparator.comparingDouble(e -> -TimedOp.micros(e.getValue())))
        .limit(most)
        .forEach(
            e -> {
              double us = TimedOp.micros(e.getValue());
              long work = e.getValue().stream().mapToLong(TimedOp::work).sum();
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
}
