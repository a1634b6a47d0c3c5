package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/** A long prompt arrives while other requests decode: how long do these stand still? */
final class ChunkingLab implements Lab.Experiment {
  private static final int[] CHUNKS = {512, 256, 128, 64};
  private static final int[] QUICK_CHUNKS = {64, 32, 16};

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    int running = s.size(8, 3);
    int answer = s.size(160, 24);
    int[] chunks = s.settings().quick() ? QUICK_CHUNKS : CHUNKS;
    Draw draw = s.draw();
    List<Job> others = new ArrayList<>();
    for (int i = 0; i < running; i++) {
      others.add(new Job(draw.tokens(s.size(32, 8)), answer, answer));
    }
    Job late = new Job(draw.tokens(s.size(1500, 150)), s.size(16, 4), s.size(16, 4));
    EngineOptions base =
        s.options()
            .withKv(
                kv -> kv.withContextLength(s.size(2048, 200)).withMaxTotalTokens(s.size(4096, 400)))
            .withBatching(b -> b.withMaxRunningRequests(running + 1));
    List<Variant> variants = new ArrayList<>();
    variants.add(
        variant(s, "unchunked", base.withBatching(b -> b.withChunkedPrefillSize(0)), others, late));
    variants.add(
        variant(
            s,
            "chunks of " + chunks[0] + ", prompts first",
            base.withBatching(b -> b.withChunkedPrefillSize(chunks[0]).withEnableMixedChunk(false)),
            others,
            late));
    for (int chunk : chunks) {
      variants.add(
          variant(
              s,
              "mixed chunks of " + chunk,
              base.withBatching(b -> b.withChunkedPrefillSize(chunk)),
              others,
              late));
    }
    int budget = chunks[chunks.length / 2];
    variants.add(
        variant(
            s,
            "vllm, budget " + budget,
            base.withBatching(
                b -> b.withSchedulePolicy(SchedulePolicy.VLLM).withChunkedPrefillSize(budget)),
            others,
            late));
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    sheet.title(
        "chunking: " + s.description(),
        late.prompt().length
            + " prompt tokens arrive while "
            + running
            + " requests decode; gaps between two tokens of those, until the late one has its"
            + " first");
    Comparison table =
        new Comparison("chunking, " + s.name())
            .column("longest gap, ms", t -> gap(t, running, 1))
            .column("ITL p99, ms", t -> gap(t, running, 0.99))
            .column("ITL median, ms", t -> gap(t, running, 0.5))
            .column("TTFT of the late one, ms", t -> t.ttft(running));
    table.print(sheet, all);
    for (int v = 2; v < all.size(); v++) {
      table.ratio(sheet, "longest gap", all.getFirst(), all.get(v), t -> gap(t, running, 1), "3");
    }
    return List.of(chart(s, all, chunks, running));
  }

  private static Variant variant(
      Subject s, String name, EngineOptions with, List<Job> others, Job late) {
    EngineOptions options = with;
    return new Variant(
        name,
        () -> {
          Session session = new Session(s.loaded(), options);
          session.submitLater(List.of(late), others.size(), 4);
          session.submit(others);
          return session.finish();
        });
  }

  private static double gap(Trace t, int late, double q) {
    return Spread.quantile(t.gapsDuring(late), q);
  }

  /**
   * The figures against the chunk size; the unchunked prompt counts as one chunk of its own length.
   */
  private static Chart chart(Subject s, List<Series> all, int[] chunks, int late) {
    int n = chunks.length + 1;
    double[] x = new double[n];
    double[] gaps = new double[n];
    double[] ttft = new double[n];
    for (int i = 0; i < n; i++) {
      Series series = i == 0 ? all.getFirst() : all.get(i + 1);
      x[i] = i == 0 ? s.size(1500, 150) : chunks[i - 1];
      gaps[i] = series.of(t -> gap(t, late, 1)).median();
      ttft[i] = series.of(t -> t.ttft(late)).median();
    }
    String label = "unchunked: all %.0f in one step".formatted(x[0]);
    return new Chart(
        "A long prompt comes while others decode: who waits how long?",
        s.description(),
        new Chart.Axis("prompt rows in a step", true),
        new Chart.Axis("ms of waiting", true),
        List.of(
            new Chart.Curve("the long prompt, for its first token", Chart.Style.LINE, x, ttft),
            new Chart.Curve(
                "the others, longest between two tokens",
                Chart.Style.LINE,
                x,
                gaps,
                List.of(new Chart.Mark(x[0], gaps[0], label, false, false)))));
  }
}
