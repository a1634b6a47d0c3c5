package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import orrery.engine.EngineOptions;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.kv.StreamKind;

/**
 * What one request holds in the cache while it grows. The pages are counted in the engine's pools
 * after every step; the layout says how many bytes a page takes.
 */
final class HeldRows {
  private static final int CHUNK = 64; // prompt tokens of a step
  private static final int ANSWER = 16;
  private static final int MOST_TOKENS = 4096;
  private static final int FIRST = 256; // tokens of the first column, a multiple of the chunk

  /**
   * What is held after a step.
   *
   * @param tokens computed so far
   * @param bytes [kinds]
   */
  private record Held(int tokens, double[] bytes) {
    double megabytes() {
      return Arrays.stream(bytes).sum() / 1e6;
    }
  }

  private final Subject s;
  private final KvLayout layout;
  private final List<StreamKind> kinds;

  HeldRows(Subject s) {
    this.s = s;
    this.layout = s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype());
    this.kinds = StreamKind.of(layout);
  }

  Chart print(Sheet sheet) {
    int tokens = Math.min(s.size(MOST_TOKENS, FIRST), s.loaded().model().maxPositions());
    EngineOptions options =
        s.options()
            .withBatching(b -> b.withMaxRunningRequests(1).withChunkedPrefillSize(CHUNK))
            .withKv(kv -> kv.withContextLength(tokens));
    Job job = new Job(s.draw().tokens(tokens - ANSWER), ANSWER, ANSWER);
    List<Held> all = held(Session.run(s.loaded(), options, List.of(job)));
    sheet.title(
        "held rows: " + s.name(),
        "KB in the pages of one request after a step; pages are counted in the engine's pools");
    table(sheet, columns(all));
    return chart(all);
  }

  private List<Held> held(Trace t) {
    List<Held> all = new ArrayList<>();
    int tokens = 0;
    for (Event.StepDone step : t.steps()) {
      tokens += step.prefillRows() + step.decodeRows();
      if (step.pages().referenced() > 0) { // the last step has given all of them back
        all.add(new Held(tokens, bytes(step.pools())));
      }
    }
    return all;
  }

  private double[] bytes(List<PoolPages> pools) {
    double[] bytes = new double[kinds.size()];
    for (int k = 0; k < bytes.length; k++) {
      Stream stream = kinds.get(k).stream();
      int pool = 0;
      while (layout.pools()[pool] != stream.keeps()) {
        pool++;
      }
      PoolPages pages = pools.get(pool);
      bytes[k] = (double) pages.referenced() * stream.bytes(pages.span()) * kinds.get(k).streams();
    }
    return bytes;
  }

  /** At twice as many tokens each time; all are whole chunks, so that windows end alike. */
  private List<Held> columns(List<Held> all) {
    int first = s.size(FIRST, CHUNK);
    List<Held> whole = all.stream().filter(h -> h.tokens % first == 0).toList();
    List<Held> columns = new ArrayList<>();
    for (Held h : whole) {
      int times = h.tokens / first;
      if ((times & (times - 1)) == 0 || h == whole.getLast()) {
        columns.add(h);
      }
    }
    return columns;
  }

  private void table(Sheet sheet, List<Held> columns) {
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("KB, at tokens"));
    columns.forEach(c -> head.add(Integer.toString(c.tokens)));
    head.add("bytes for each more");
    cells.add(head);
    for (int kind = 0; kind < kinds.size(); kind++) {
      int k = kind;
      cells.add(row(sheet, Reach.of(kinds.get(k)), columns, h -> h.bytes[k]));
    }
    cells.add(row(sheet, "together", columns, h -> 1e6 * h.megabytes()));
    Comparison.markdown(sheet, cells);
  }

  private List<String> row(
      Sheet sheet, String name, List<Held> columns, ToDoubleFunction<Held> bytes) {
    List<String> row = new ArrayList<>(List.of(name));
    for (Held h : columns) {
      double kilobytes = bytes.applyAsDouble(h) / 1e3;
      row.add(Sheet.number(kilobytes));
      keep(sheet, name + ", " + h.tokens + " tokens", "KB", kilobytes);
    }
    Held last = columns.getLast();
    Held before = columns.get(columns.size() - 2);
    double more = bytes.applyAsDouble(last) - bytes.applyAsDouble(before);
    double each = more / (last.tokens - before.tokens);
    row.add(Sheet.number(each));
    keep(sheet, name + ", each more token", "B", each);
    return row;
  }

  private void keep(Sheet sheet, String what, String unit, double value) {
    sheet.keep(new Figure("held rows, " + s.name(), what, unit, value, value, value));
  }

  private Chart chart(List<Held> held) {
    List<Held> all = held.stream().filter(h -> h.tokens % CHUNK == 0).toList();
    double[] tokens = all.stream().mapToDouble(h -> h.tokens).toArray();
    double[] whole = all.stream().mapToDouble(Held::megabytes).toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    curves.add(new Chart.Curve(s.name(), Chart.Style.LINE, tokens, whole));
    if (!kinds.stream().allMatch(StreamKind::grows)) {
      double[] windows = all.stream().mapToDouble(this::windows).toArray();
      curves.add(new Chart.Curve(s.name() + ": its windows", Chart.Style.DASHED, tokens, windows));
    }
    return new Chart(
        "What one request keeps in the cache",
        "its pages, counted after every step",
        new Chart.Axis("tokens of the request", false),
        new Chart.Axis("MB in its pages", false),
        curves);
  }

  /** Megabytes of rows that live only as long as a window. */
  private double windows(Held h) {
    double bytes = 0;
    for (int k = 0; k < h.bytes.length; k++) {
      bytes += kinds.get(k).grows() ? 0 : h.bytes[k];
    }
    return bytes / 1e6;
  }
}
