package orrery.lab;

import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import orrery.engine.EngineOptions;
import orrery.engine.EngineOptions.PolicyChoice;
import orrery.events.Event.StepDone;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/** Answers of very different lengths: who waits for whom. */
final class BatchingLab implements Lab.Experiment {
  private static final String TABLE = "batching";

  @Override
  public Optional<Chart> on(Subject s, Sheet sheet) {
    List<Job> jobs =
        s.draw().jobs(s.size(64, 8), s.size(16, 4), s.size(64, 8), s.size(60, 6), s.size(400, 24));
    int slots = s.size(16, 4);
    int context = s.size(512, 64);
    EngineOptions base =
        s.options()
            .maxRunning(slots)
            .contextLength(context)
            .maxTotalTokens(slots * context)
            .build();
    List<Series> all =
        Rounds.run(
            s.settings(),
            s.settings().rounds(),
            List.of(
                variant(s, "static", base, PolicyChoice.STATIC, jobs),
                variant(s, "sglang", base, PolicyChoice.SGLANG, jobs),
                variant(s, "vllm", base, PolicyChoice.VLLM, jobs)));
    sheet.title(
        "batching: " + s.description(),
        "at most " + slots + " at once; all arrive together; " + Draw.lengths(jobs));
    Comparison table =
        new Comparison(TABLE + ", " + s.name())
            .column("steps", t -> t.steps().size())
            .column("rows computed", Trace::rows)
            .column("useful, %", Trace::usefulPercent)
            .column("tok/s", Trace::tokensPerSecond)
            .column("wait, ms", Trace::meanWait)
            .column("TTFT, ms", Trace::meanTtft);
    table.print(sheet, all);
    for (Series continuous : all.subList(1, all.size())) {
      ratio(table, sheet, "useful rows per row", continuous, all, Trace::usefulPercent, "2");
      ratio(table, sheet, "throughput", continuous, all, Trace::tokensPerSecond, "1.7 on the twin");
    }
    return Optional.of(chart(s, all));
  }

  private static Variant variant(
      Subject s, String name, EngineOptions base, PolicyChoice policy, List<Job> jobs) {
    EngineOptions options = base.but().schedulePolicy(policy).build();
    return new Variant(name, () -> Session.run(s.loaded(), options, jobs));
  }

  private static void ratio(
      Comparison table,
      Sheet sheet,
      String what,
      Series continuous,
      List<Series> all,
      ToDoubleFunction<Trace> of,
      String aim) {
    table.ratio(sheet, what, continuous, all.getFirst(), of, aim);
  }

  private static Chart chart(Subject s, List<Series> all) {
    return new Chart(
        "Rows of decoding steps: static batching pays for those who are done",
        s.description(),
        new Chart.Axis("time, ms", false),
        new Chart.Axis("rows in a step", false),
        List.of(
            curve("static: computed", true, all.get(0).typical(), StepDone::rows),
            curve("static: useful", false, all.get(0).typical(), StepDone::decodeRows),
            curve("sglang: computed = useful", false, all.get(1).typical(), StepDone::decodeRows)));
  }

  private static Chart.Curve curve(
      String name, boolean dashed, Trace trace, ToDoubleFunction<StepDone> rows) {
    List<StepDone> steps = trace.steps().stream().filter(d -> d.prefillRows() == 0).toList();
    long start = trace.steps().getFirst().nanos();
    return new Chart.Curve(
        name,
        dashed,
        steps.stream().mapToDouble(d -> (d.nanos() - start) / 1e6).toArray(),
        steps.stream().mapToDouble(rows).toArray());
  }
}
