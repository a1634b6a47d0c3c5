package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.events.Event;
import orrery.kv.KvLayout;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/** The same bytes, cut into pages or into one piece per request; and the cost of reading pages. */
final class PagingLab implements Lab.Experiment {
  private static final int[] PAGES = {0, 128, 16, 1}; // 0: contiguous
  private static final int PAGE = 16; // what is compared with contiguous
  private static final int[] BATCHES = {1, 8};

  @Override
  public List<Chart> on(Subject s, Sheet sheet) {
    Chart chart = memory(s, sheet);
    indirection(s, sheet);
    return List.of(chart);
  }

  private static Chart memory(Subject s, Sheet sheet) {
    List<Job> jobs =
        s.draw()
            .jobs(s.size(96, 8), s.size(64, 8), s.size(256, 24), s.size(100, 8), s.size(400, 24));
    int context = s.size(1024, 128);
    int tokens = s.size(8, 2) * context;
    EngineOptions base =
        s.options()
            .withBatching(
                b ->
                    b.withSchedulePolicy(SchedulePolicy.VLLM) // admits what fits, so bytes decide
                        .withMaxRunningRequests(s.size(64, 8))
                        .withChunkedPrefillSize(0))
            .withKv(kv -> kv.withContextLength(context).withMaxTotalTokens(tokens));
    KvLayout layout = layout(s);
    List<Integer> pages = pages(layout, PAGES);
    int compared = pages.indexOf(layout.wholeRows(PAGE));
    List<Variant> variants = new ArrayList<>();
    for (int page : pages) {
      EngineOptions options = base.withKv(kv -> kv.withPageSize(page));
      variants.add(new Variant(name(page), () -> Session.run(s.loaded(), options, jobs)));
    }
    List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
    double mean = jobs.stream().mapToInt(Job::tokens).average().orElseThrow();
    long bytes = layout.bytesPerPage(layout.unit()) / layout.unit() * tokens;
    sheet.title(
        "paging: " + s.description(),
        String.format(
            Locale.ROOT,
            "%.1f MB for %d tokens of K and V, contexts of at most %d; %s; mean length %.0f",
            bytes / 1e6,
            tokens,
            context,
            Draw.lengths(jobs),
            mean));
    Comparison table =
        new Comparison("paging, " + s.name())
            .column("reserved, unused, %", t -> unusedPercent(t))
            .column("running, mean", Trace::meanRunning)
            .column("running, most", Trace::mostRunning)
            .column("retractions", Trace::retractions)
            .column("tok/s", Trace::tokensPerSecond)
            .column("TTFT, ms", Trace::meanTtft);
    table.print(sheet, all);
    sheet.text("aims: contiguous at least 60 % unused, pages of 16 at most 5 %");
    table.ratio(sheet, "requests at once", all.get(compared), all.get(0), Trace::meanRunning, "");
    table.ratio(sheet, "throughput", all.get(compared), all.get(0), Trace::tokensPerSecond, "");
    return chart(s, List.of(all.get(0), all.get(compared)));
  }

  private static KvLayout layout(Subject s) {
    return s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype());
  }

  /** The page sizes that a layout has of those: whole rows of each stream, each size once. */
  private static List<Integer> pages(KvLayout layout, int... wanted) {
    return Arrays.stream(wanted).map(layout::wholeRows).distinct().boxed().toList();
  }

  private static String name(int page) {
    return page == 0 ? "contiguous" : "pages of " + page;
  }

  /** Of 100 reserved slots, those that hold nothing, over all steps. */
  private static double unusedPercent(Trace t) {
    double reserved = 0;
    double used = 0;
    for (double[] step : slots(t)) {
      reserved += step[1];
      used += step[2];
    }
    return 100 * (1 - used / reserved);
  }

  /** Milliseconds, reserved slots and used slots after every step, [steps][3]. */
  private static List<double[]> slots(Trace t) {
    Map<Integer, Integer> prompt = new HashMap<>(); // by request
    Map<Integer, Integer> held = new HashMap<>(); // by sequence: computed tokens
    List<double[]> all = new ArrayList<>();
    long used = 0;
    for (Event e : t.events()) {
      switch (e) {
        case Event.Submitted s -> prompt.put(s.request(), s.promptTokens());
        case Event.TokenOut o -> {
          int computed = prompt.get(o.request()) + o.index(); // the newest is not computed yet
          used += computed - held.put(o.sequence(), computed);
        }
        case Event.Admitted a -> held.put(a.sequence(), a.hit());
        case Event.Finished f -> used -= held.remove(f.sequence());
        case Event.Retracted r -> used -= held.remove(r.sequence());
        case Event.StepDone d -> all.add(new double[] {d.nanos() / 1e6, reserved(d.pages()), used});
        default -> {}
      }
    }
    return all;
  }

  private static double reserved(Event.PoolPages p) {
    return (double) p.referenced() * p.span();
  }

  private static Chart chart(Subject s, List<Series> all) {
    List<Chart.Curve> curves = new ArrayList<>();
    for (Series series : all) {
      Trace t = series.typical();
      List<double[]> slots = slots(t);
      double[] ms = slots.stream().mapToDouble(p -> p[0] - slots.getFirst()[0]).toArray();
      String name = series.name();
      double[] reserved = slots.stream().mapToDouble(p -> p[1]).toArray();
      double[] used = slots.stream().mapToDouble(p -> p[2]).toArray();
      curves.add(new Chart.Curve(name + ": reserved", Chart.Style.DASHED, ms, reserved));
      curves.add(new Chart.Curve(name + ": used", Chart.Style.LINE, ms, used));
    }
    return new Chart(
        "The same memory, in one piece per request and in pages",
        s.description(),
        new Chart.Axis("time, ms", false),
        new Chart.Axis("tokens in the KV cache", false),
        curves);
  }

  private static void indirection(Subject s, Sheet sheet) {
    int prompt = s.size(512, 64);
    int answer = s.size(32, 6);
    int context = s.size(1024, 128);
    for (int batch : BATCHES) {
      Draw draw = s.draw();
      List<Job> jobs = new ArrayList<>();
      for (int i = 0; i < batch; i++) {
        jobs.add(new Job(draw.tokens(prompt), answer, answer));
      }
      List<Variant> variants = new ArrayList<>();
      for (int page : pages(layout(s), 0, PAGE, 4, 1)) {
        EngineOptions options =
            s.options()
                .withBatching(b -> b.withMaxRunningRequests(batch))
                .withKv(
                    kv ->
                        kv.withContextLength(context)
                            .withMaxTotalTokens((batch + 1) * context) // a page of slack, any size
                            .withPageSize(page));
        variants.add(new Variant(name(page), () -> Session.run(s.loaded(), options, jobs)));
      }
      List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
      sheet.title(
          "page indirection: " + s.description(),
          "forward pass of decoding steps, batch " + batch + ", after " + prompt + " tokens");
      Comparison table =
          new Comparison("page indirection, batch " + batch + ", " + s.name())
              .column("us a token", t -> t.microsPerDecodedRow(batch));
      table.print(sheet, all);
      for (Series paged : all.subList(1, all.size())) {
        table.ratio(sheet, "time", paged, all.getFirst(), t -> t.microsPerDecodedRow(batch), "");
      }
    }
  }
}
