package orrery.lab;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.events.Event.StepDone;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/** Continuous against static batching, on answers of very different lengths. */
final class BatchingLab implements Lab.Experiment {
  private static final String TABLE = "batching";

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    List<Job> jobs =
        s.draw().jobs(s.size(64, 8), s.size(16, 4), s.size(64, 8), s.size(60, 6), s.size(400, 24));
    int slots = s.size(16, 4);
    int context = s.size(512, 64);
    EngineOptions base =
        s.options()
            .withBatching(b -> b.withMaxRunningRequests(slots))
            .withKv(kv -> kv.withContextLength(context).withMaxTotalTokens(slots * context));
    List<Series> all =
        Rounds.run(
            s.settings(),
            s.settings().rounds(),
            List.of(
                variant(s, "static", base, SchedulePolicy.STATIC, jobs),
                variant(s, "sglang", base, SchedulePolicy.SGLANG, jobs),
                variant(s, "vllm", base, SchedulePolicy.VLLM, jobs)));
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
    return charts(s.description(), all.get(0).typical(), all.get(1).typical());
  }

  private static Variant variant(
      Subject s, String name, EngineOptions base, SchedulePolicy policy, List<Job> jobs) {
    EngineOptions options = base.withBatching(b -> b.withSchedulePolicy(policy));
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

  /** Static above continuous, with one axis of time, so that lengths can be compared. */
  private static List<Chart> charts(String subtitle, Trace fixed, Trace continuous) {
    Rows above = Rows.of(fixed);
    Rows below = Rows.of(continuous);
    double end = Math.max(above.end(), below.end());
    return List.of(
        above.chart("Static batching: " + useful(fixed), subtitle, end),
        below.chart("Continuous batching: " + useful(continuous), subtitle, end));
  }

  private static String useful(Trace t) {
    return String.format(Locale.ROOT, "%.0f of 100 computed rows are of use", t.usefulPercent());
  }

  /**
   * Rows of the decoding steps over time: two points for each step.
   *
   * @param seconds [2 · steps] begin and end of each step
   * @param computed [2 · steps]
   * @param useful [2 · steps] rows that gave a token of an answer
   */
  record Rows(double[] seconds, double[] computed, double[] useful) {
    static Rows of(Trace trace) {
      List<StepDone> steps = trace.steps().stream().filter(d -> d.prefillRows() == 0).toList();
      long start = trace.steps().getFirst().nanos();
      Rows rows =
          new Rows(
              new double[2 * steps.size()],
              new double[2 * steps.size()],
              new double[2 * steps.size()]);
      for (int i = 0; i < steps.size(); i++) {
        for (int at = 2 * i; at < 2 * i + 2; at++) {
          StepDone end = steps.get(Math.max(0, at == 2 * i ? i - 1 : i));
          rows.seconds[at] = (end.nanos() - start) / 1e9;
          rows.computed[at] = steps.get(i).rows();
          rows.useful[at] = steps.get(i).decodeRows();
        }
      }
      return rows;
    }

    double end() {
      return seconds[seconds.length - 1];
    }

    Chart chart(String title, String subtitle, double end) {
      return new Chart(
          title,
          subtitle,
          new Chart.Axis("seconds since the requests came", false, end),
          new Chart.Axis("rows computed in a step", false),
          List.of(
              new Chart.Curve("padding: the answer has ended", Chart.Style.AREA, seconds, computed),
              new Chart.Curve("gives a token of an answer", Chart.Style.AREA, seconds, useful)));
    }
  }
}
