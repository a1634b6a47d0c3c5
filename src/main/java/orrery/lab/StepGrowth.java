package orrery.lab;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import orrery.engine.Heap;
import orrery.graph.IntBuffer;
import orrery.graph.StreamRows;
import orrery.kernels.Team;
import orrery.model.Model;

/**
 * The time of a decoding step behind more and more tokens, and what of it goes to the cached rows.
 */
final class StepGrowth {
  private static final int[] CONTEXTS = {256, 512, 1024, 2048, 4096};
  private static final int[] QUICK = {32, 64, 128};
  private static final double SECONDS = 1.5; // of each context, as a whole, and op by op
  private static final String SELECTION = "selection of entries";
  private static final String REST = "all else";

  private final Subject s;
  private final Model model;
  private final int[] contexts; // tokens, that of the step included
  private final Map<String, String> reach; // by stream

  StepGrowth(Subject s) {
    this.s = s;
    this.model = s.loaded().model();
    this.contexts = s.settings().quick() ? QUICK : CONTEXTS;
    this.reach = Reach.byStream(model.kvLayout(false, s.options().kv().kvCacheDtype()));
  }

  /** What the caches take. */
  long bytes() {
    long bytes = 0;
    for (int context : contexts) {
      long step =
          DecodeStep.bytes(
              model, s.settings().threads(), 1, context - 1, s.options().kv().kvCacheDtype());
      bytes = Heap.plus(bytes, step);
    }
    return bytes;
  }

  Chart print(Sheet sheet) {
    double seconds = s.settings().quick() ? 0.01 : SECONDS;
    try (Team team = new Team(s.settings().threads())) {
      List<DecodeStep> steps = new ArrayList<>();
      List<Trial.Variant> variants = new ArrayList<>();
      for (int context : contexts) {
        DecodeStep step =
            new DecodeStep(model, team, 1, context - 1, s.options().kv().kvCacheDtype(), s.draw());
        steps.add(step);
        variants.add(new Trial.Variant(context + " tokens", 1, Trial.Job.of(step::run)));
      }
      List<Trial.Timing> timings = Trial.run(variants, seconds);
      Trial.run(
          steps.stream()
              .map(step -> new Trial.Variant("", 1, Trial.Job.of(() -> step.runOpByOp(false))))
              .toList(),
          seconds);
      sheet.title(
          "step time: " + s.description(),
          "us of a decoding step of one request, and of its ops that touch cached rows");
      List<Map<String, Double>> parts = steps.stream().map(this::parts).toList();
      table(sheet, timings, parts);
      growth(sheet, timings);
      return chart(timings, parts);
    }
  }

  /** Microseconds of each part of a step, op by op. */
  private Map<String, Double> parts(DecodeStep step) {
    Map<String, Double> parts = new LinkedHashMap<>();
    step.ops().forEach(op -> parts.merge(part(op), op.micros(), Double::sum));
    parts.put(REST, parts.remove(REST)); // last
    return parts;
  }

  private String part(TimedOp timed) {
    boolean selects = timed.op().writes().stream().anyMatch(IntBuffer.class::isInstance);
    return Stream.concat(timed.op().reads().stream(), timed.op().writes().stream())
        .filter(StreamRows.class::isInstance)
        .findFirst()
        .map(rows -> selects ? SELECTION : reach.get(((StreamRows) rows).name()))
        .orElse(REST);
  }

  private void table(Sheet sheet, List<Trial.Timing> timings, List<Map<String, Double>> parts) {
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("context", "step, us"));
    parts.getFirst().keySet().forEach(part -> head.add(part + ", us"));
    cells.add(head);
    for (int i = 0; i < contexts.length; i++) {
      Figure whole = Figure.micros("step time, " + s.name(), timings.get(i));
      sheet.keep(whole);
      List<String> row = new ArrayList<>();
      row.add(timings.get(i).name());
      row.add(new Spread(whole.median(), whole.low(), whole.high()).cell());
      double sum = parts.get(i).values().stream().mapToDouble(us -> us).sum();
      for (Map.Entry<String, Double> part : parts.get(i).entrySet()) {
        double us = part.getValue();
        row.add(Sheet.number(us) + " (" + Sheet.percent(us, sum) + ")");
        String what = contexts[i] + " tokens, " + part.getKey();
        sheet.keep(new Figure("step time, " + s.name(), what, "us", us, us, us));
      }
      cells.add(row);
    }
    Comparison.markdown(sheet, cells);
    sheet.text("parts: ops run one by one, (share of their sum); layers by what they read");
  }

  /** The last context over the second. */
  private void growth(Sheet sheet, List<Trial.Timing> timings) {
    Trial.Timing from = timings.get(1);
    Trial.Timing to = timings.getLast();
    double times = to.median() / from.median();
    String what = "step after " + to.name() + " over " + from.name();
    sheet.keep(new Figure("step time, " + s.name(), what, "x", times, times, times));
    sheet.text(what + ": " + Sheet.times(to.median(), from.median()));
  }

  private Chart chart(List<Trial.Timing> timings, List<Map<String, Double>> parts) {
    double[] x = IntStream.of(contexts).asDoubleStream().toArray();
    double[] whole = timings.stream().mapToDouble(t -> t.median() * 1e3).toArray();
    double[] cached =
        parts.stream()
            .mapToDouble(
                p -> p.values().stream().mapToDouble(us -> us).sum() / 1e3 - p.get(REST) / 1e3)
            .toArray();
    return new Chart(
        "A step behind more and more tokens",
        "one request, " + s.threads(),
        new Chart.Axis("tokens of context", true),
        new Chart.Axis("ms of a decoding step", false),
        List.of(
            new Chart.Curve(s.name(), Chart.Style.LINE, x, whole),
            new Chart.Curve(s.name() + ": ops on its cached rows", Chart.Style.DASHED, x, cached)));
  }
}
