package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * The same memory, divided in several ways between the pools of windows and the pool of all tokens:
 * how many requests run at once?
 *
 * <p>A request that sets aside room for the windows of its whole length, though it gives them back
 * as it grows, keeps other requests out. A tail of whole blocks is what an engine sets aside if
 * window pages are as large as those of all tokens (SGLang, DeepSeek-V4: pages of 256, windows of
 * 128).
 */
final class WindowBudgets {
  private static final int FULL_REQUESTS = 3; // that fit with windows at full length

  private final Subject s;
  private final KvLayout layout;
  private final KvGeometry geometry;
  private final int page; // tokens of a block
  private final int length; // of each request

  WindowBudgets(Subject s) {
    this.s = s;
    this.layout = s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype());
    int window = Arrays.stream(layout.pools()).filter(k -> k != Stream.ALL).max().orElse(1);
    this.page = layout.wholeRows(2 * window);
    this.geometry = new KvGeometry(layout, page);
    this.length = s.size(1024, 4 * page);
  }

  /** Nothing, of a model that keeps all rows. */
  List<Chart> print(Sheet sheet) {
    if (geometry.pools() == 1) {
      return List.of();
    }
    arithmetic(sheet, Math.min(4096, s.loaded().model().maxPositions()));
    long memory = FULL_REQUESTS * (bytes(0, length) + windowBytes(length));
    sheet.title(
        "windows: " + s.name(),
        String.format(
            Locale.ROOT,
            "%.1f MB for requests of %d tokens; the engine's own admission, blocks of %d tokens",
            memory / 1e6,
            length,
            page));
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("room for windows", "of room for tokens", "tokens", "most at once"));
    List<double[]> points = new ArrayList<>(); // share, most at once
    for (Map.Entry<String, Double> way : ways().entrySet()) {
      int tokens = tokens(memory, way.getValue());
      double most = most(tokens, way.getValue());
      points.add(new double[] {way.getValue(), most});
      sheet.keep(new Figure("windows, " + s.name(), way.getKey(), "requests", most, most, most));
      cells.add(
          List.of(
              way.getKey(),
              String.format(Locale.ROOT, "%.3f", way.getValue()),
              Integer.toString(tokens),
              Sheet.number(most)));
    }
    Comparison.markdown(sheet, cells);
    return List.of(chart(points, memory));
  }

  /** Shares of the room for tokens, by name, from the largest. */
  private Map<String, Double> ways() {
    Map<String, Double> ways = new LinkedHashMap<>();
    ways.put("full length", 1.0);
    ways.put("half of it", 0.5);
    ways.put("tail of whole blocks", share(tail()));
    ways.put("released windows", share(released(length)));
    ways.put("half of that", share(released(length)) / 2);
    return ways;
  }

  private double share(int slots) {
    return Math.min(1, (double) slots / length);
  }

  /** Slots of the whole blocks that the longest window can touch. */
  private int tail() {
    int window = geometry.keeps(1); // the pools stand in the order of what they keep
    return Math.ceilDiv(window + page - 1, page) * page;
  }

  /** Slots that a request holds at most in the pool of the longest window. */
  private int released(int tokens) {
    return geometry.expected(1, 0, tokens, 0, 0) * geometry.span(1);
  }

  /** Bytes of the rows of {@code slots} slots in one pool. */
  private long bytes(int pool, int slots) {
    long bytes = 0;
    for (int i = 0; i < layout.streams().size(); i++) {
      Stream stream = layout.streams().get(i);
      if (layout.poolOf(i) == pool) {
        int span = geometry.span(pool);
        bytes += geometry.pages(pool, slots) * stream.bytes(span);
      }
    }
    return bytes;
  }

  private long windowBytes(int slots) {
    long bytes = 0;
    for (int pool = 1; pool < geometry.pools(); pool++) {
      bytes += bytes(pool, slots);
    }
    return bytes;
  }

  private void arithmetic(Sheet sheet, int tokens) {
    long released = 0;
    for (int pool = 1; pool < geometry.pools(); pool++) {
      released += bytes(pool, geometry.expected(pool, 0, tokens, 0, 0) * geometry.span(pool));
    }
    sheet.title(
        "windows by arithmetic: " + s.name(),
        "KB for one request of " + tokens + " tokens, from the streams alone");
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("rows", "KB"));
    cell(sheet, cells, "of windows, at full length", windowBytes(tokens));
    cell(sheet, cells, "of windows, tail of whole blocks", windowBytes(tail()));
    cell(sheet, cells, "of windows, released as they pass", released);
    cell(sheet, cells, "of all tokens", bytes(0, tokens));
    Comparison.markdown(sheet, cells);
  }

  private void cell(Sheet sheet, List<List<String>> cells, String what, long bytes) {
    double kilobytes = bytes / 1e3;
    cells.add(List.of(what, Sheet.number(kilobytes)));
    String table = "windows by arithmetic, " + s.name();
    sheet.keep(new Figure(table, what, "KB", kilobytes, kilobytes, kilobytes));
  }

  /** The most tokens, in whole blocks, for which the memory has room in this way. */
  private int tokens(long memory, double share) {
    int tokens = 0;
    while (taken(tokens + page, share) <= memory) {
      tokens += page;
    }
    return tokens;
  }

  private long taken(int tokens, double share) {
    long bytes = bytes(0, tokens);
    for (int pool = 1; pool < geometry.pools(); pool++) {
      int pages = (int) Math.ceil(share * geometry.pages(pool, tokens));
      bytes += bytes(pool, pages * geometry.span(pool));
    }
    return bytes;
  }

  /**
   * Runs more requests than can fit; none is admitted that could not go to its end. An answer ends
   * when all have been admitted that can be, but is admitted with its full length.
   */
  private double most(int tokens, double share) {
    int requests = tokens / length + 2;
    int answer = length * 3 / 4;
    Draw draw = s.draw();
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < requests; i++) { // a step has the rows of one prompt
      jobs.add(new Job(draw.tokens(length - answer), Math.min(answer, 2 * requests), answer));
    }
    EngineOptions options =
        s.options()
            .withBatching(
                b ->
                    b.withSchedulePolicy(SchedulePolicy.TRTLLM)
                        .withMaxRunningRequests(requests)
                        .withChunkedPrefillSize(length / 4))
            .withKv(
                kv ->
                    kv.withContextLength(length)
                        .withPageSize(page)
                        .withMaxTotalTokens(tokens)
                        .withSwaFullTokensRatio(share));
    return Session.run(s.loaded(), options, jobs).mostRunning();
  }

  private Chart chart(List<double[]> points, long memory) {
    double[] share = points.stream().mapToDouble(p -> p[0]).toArray();
    double[] most = points.stream().mapToDouble(p -> p[1]).toArray();
    return new Chart(
        "Requests that fit into the same memory",
        String.format(
            Locale.ROOT, "%s, %.1f MB, requests of %d tokens", s.name(), memory / 1e6, length),
        new Chart.Axis("room for window rows, as a share of the room for tokens", true),
        new Chart.Axis("requests that run at once", false),
        List.of(new Chart.Curve(s.name(), Chart.Style.LINE, share, most)));
  }
}
