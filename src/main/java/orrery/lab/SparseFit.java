package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.engine.HeapPlan;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;

/**
 * The same device memory, with all rows in it, and with the entries on the host: how many requests
 * run at once? Device memory is what an engine takes for pages, buffers and their books ({@link
 * HeapPlan.Memory#DEVICE_CACHE}). More requests come than fit, and the engine admits those that
 * could go on to their full length. Their answers end long before.
 *
 * <p>A buffer is there for each request that may run, so an engine that may run more has fewer
 * pages. Engines of each such number are tried, each with as many pages as the memory holds.
 */
final class SparseFit {
  private static final int REQUESTS = 3; // that fit with all rows on the device
  private static final int CHUNK = 128; // prompt rows of a step

  /**
   * An engine that was run.
   *
   * @param slots of a buffer; 0 if all rows lie on the device
   * @param context tokens of each request
   * @param plan its memory
   * @param most requests that ran at once
   */
  private record Tried(int slots, int context, HeapPlan plan, double most) {
    String name() {
      return context + " tokens, " + (slots == 0 ? "all on the device" : "buffers of " + slots);
    }

    double deviceMegabytes() {
      return plan.bytes(HeapPlan.Memory.DEVICE_CACHE) / 1e6;
    }

    double hostMegabytes() {
      return plan.bytes(HeapPlan.Memory.HOST_ENTRIES) / 1e6;
    }
  }

  private final Subject s;
  private final List<Integer> contexts;
  private final KvGeometry geometry;
  private final int page; // tokens

  SparseFit(Subject s, List<Integer> contexts) {
    this.s = s;
    this.contexts = contexts;
    KvLayout layout = s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype());
    this.page = layout.wholeRows(16);
    this.geometry = new KvGeometry(layout, page);
  }

  Chart print(Sheet sheet) {
    int chosen = SparseRuns.chosen(s);
    int[] sizes = {0, 2 * chosen, 4 * chosen};
    sheet.title(
        "requests in the same device memory: " + s.description(),
        "as much as an engine takes for " + REQUESTS + " requests with all rows on the device");
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("", "requests at once", "MB on the device", "MB on the host"));
    double[][] most = new double[sizes.length][contexts.size()];
    for (int c = 0; c < contexts.size(); c++) {
      int context = contexts.get(c);
      long memory = device(options(0, context, REQUESTS, REQUESTS * whole(context)));
      for (int i = 0; i < sizes.length; i++) {
        Tried best = best(sizes[i], context, memory);
        most[i][c] = best.most();
        cells.add(row(sheet, best));
      }
    }
    Comparison.markdown(sheet, cells);
    return chart(sizes, most);
  }

  private List<String> row(Sheet sheet, Tried t) {
    String table = "sparse fit, " + s.name();
    sheet.keep(new Figure(table, t.name(), "at once", t.most(), t.most(), t.most()));
    double device = t.deviceMegabytes();
    sheet.keep(new Figure(table, t.name() + ", device", "MB", device, device, device));
    double host = t.hostMegabytes();
    sheet.keep(new Figure(table, t.name() + ", host", "MB", host, host, host));
    return List.of(
        t.name(),
        String.format(Locale.ROOT, "%.0f", t.most()),
        Sheet.number(device),
        Sheet.number(host));
  }

  /** The engine with most requests at once; those that may run more have no room for them. */
  private Tried best(int slots, int context, long memory) {
    Tried best = null;
    for (int running = 1; ; running++) {
      int tokens = tokens(slots, context, running, memory);
      if (tokens < whole(context) && best != null) {
        return best; // not even one request could be admitted
      }
      EngineOptions options = options(slots, context, running, Math.max(tokens, whole(context)));
      double most = run(options, context, running);
      if (best == null || most > best.most()) {
        best = new Tried(slots, context, plan(options), most);
      }
      if (most < running) {
        return best;
      }
    }
  }

  private long device(EngineOptions options) {
    return plan(options).bytes(HeapPlan.Memory.DEVICE_CACHE);
  }

  private HeapPlan plan(EngineOptions options) {
    return HeapPlan.of(s.loaded().model(), options);
  }

  /** Tokens of the pages that a request of this length fills. */
  private int whole(int context) {
    return geometry.pages(0, context) * geometry.span(0);
  }

  /** Tokens of as many pages as the memory holds. */
  private int tokens(int slots, int context, int running, long memory) {
    int tokens = 0;
    while (device(options(slots, context, running, tokens + page)) <= memory) {
      tokens += page;
    }
    return tokens;
  }

  /** Each pool of windows has room for those of the requests that may run, and for a step. */
  private EngineOptions options(int slots, int context, int running, int tokens) {
    int window =
        IntStream.range(1, geometry.pools())
            .map(pool -> (geometry.expected(pool, 0, context, 0, 0) + 1) * geometry.span(pool))
            .max()
            .orElse(0);
    double windows = (double) running * window + CHUNK - 1; // whole pages, once rounded up
    EngineOptions options =
        s.options()
            .withBatching(
                b ->
                    b.withSchedulePolicy(SchedulePolicy.TRTLLM)
                        .withChunkedPrefillSize(CHUNK)
                        .withMaxRunningRequests(running))
            .withKv(
                kv ->
                    kv.withContextLength(context)
                        .withPageSize(page)
                        .withMaxTotalTokens(tokens)
                        .withSwaFullTokensRatio(Math.min(1, windows / tokens)));
    return slots == 0 ? options : SparseRuns.sparse(options, slots);
  }

  /** One request more than may run; returns how many ran at once. */
  private double run(EngineOptions options, int context, int running) {
    int prompt = Math.min(context, CHUNK) / 2; // of one step, beside the rows of the others
    int limit = context - prompt;
    Draw draw = s.draw();
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i <= running; i++) {
      jobs.add(new Job(draw.tokens(prompt), Math.min(limit, 2 * running + 4), limit));
    }
    return Session.run(s.loaded(), options, jobs).mostRunning();
  }

  private Chart chart(int[] sizes, double[][] most) {
    double[] x = IntStream.range(0, contexts.size()).asDoubleStream().toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      String name =
          sizes[i] == 0 ? "all entries on the device" : "buffers of " + sizes[i] + " slots";
      curves.add(new Chart.Curve(name, Chart.Style.BARS, x, most[i]));
    }
    return new Chart(
        "How many requests run at once in the same device memory?",
        s.name() + "; as much memory as " + REQUESTS + " requests take with all rows on the device",
        Chart.Axis.of("tokens of each request", contexts.stream().map(c -> "" + c).toList()),
        new Chart.Axis("requests at once", false),
        curves);
  }
}
