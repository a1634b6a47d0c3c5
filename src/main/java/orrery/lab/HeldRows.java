package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import orrery.engine.EngineOptions;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/**
 * What one request holds in the cache while it grows. The pages are counted in the engine's pools
 * after every step; the layout says how many bytes a page takes.
 */
final class HeldRows {
  private static final int CHUNK = 64; // prompt tokens of a step
  private static final int ANSWER = 16;
  private static final int MOST_TOKENS = 4096;
  private static final int FIRST = 256; // tokens of the first column

  /**
   * What is held after a step.
   *
   * @param tokens computed so far
   * @param bytes [streams]
   */
  private record Held(int tokens, double[] bytes) {
    double of(List<Stream> streams, java.util.function.Predicate<Stream> which) {
      double sum = 0;
      for (int i = 0; i < bytes.length; i++) {
        sum += which.test(streams.get(i)) ? bytes[i] : 0;
      }
      return sum;
    }
  }

  private final Subject s;
  private final KvLayout layout;

  HeldRows(Subject s) {
    this.s = s;
    this.layout = s.loaded().model().kvLayout(false);
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
    double[] bytes = new double[layout.streams().size()];
    for (int i = 0; i < bytes.length; i++) {
      Stream stream = layout.streams().get(i);
      PoolPages pool = pools.get(layout.poolOf(i));
      bytes[i] = 4.0 * pool.referenced() * stream.rows(pool.span()) * stream.width();
    }
    return bytes;
  }

  /** At 256 tokens, at twice as many and so on, and at the end. */
  private static List<Held> columns(List<Held> all) {
    List<Held> columns = new ArrayList<>();
    Held before = all.getFirst();
    int next = Math.min(FIRST, all.getLast().tokens / 2);
    for (Held h : all) {
      if (h.tokens > next) {
        columns.add(before);
        next *= 2;
      }
      before = h;
    }
    columns.add(before);
    return columns;
  }

  private void table(Sheet sheet, List<Held> columns) {
    List<List<String>> cells = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("KB, at tokens"));
    columns.forEach(c -> head.add(Integer.toString(c.tokens)));
    head.add("bytes for each more");
    cells.add(head);
    TreeSet<String> kinds = new TreeSet<>();
    layout.streams().forEach(stream -> kinds.add(StreamKind.of(stream)));
    for (String kind : kinds) {
      cells.add(row(sheet, kind, columns, stream -> StreamKind.of(stream).equals(kind)));
    }
    cells.add(row(sheet, "together", columns, stream -> true));
    Comparison.markdown(sheet, cells);
  }

  private List<String> row(
      Sheet sheet, String name, List<Held> columns, java.util.function.Predicate<Stream> which) {
    List<String> row = new ArrayList<>(List.of(name));
    for (Held h : columns) {
      double kilobytes = h.of(layout.streams(), which) / 1e3;
      row.add(Sheet.number(kilobytes));
      keep(sheet, name + ", " + h.tokens + " tokens", "KB", kilobytes);
    }
    Held last = columns.getLast();
    Held before = columns.get(columns.size() - 2);
    double more = last.of(layout.streams(), which) - before.of(layout.streams(), which);
    double each = more / (last.tokens - before.tokens);
    row.add(Sheet.number(each));
    keep(sheet, name + ", each more token", "B", each);
    return row;
  }

  private void keep(Sheet sheet, String what, String unit, double value) {
    sheet.keep(new Figure("held rows, " + s.name(), what, unit, value, value, value));
  }

  private Chart chart(List<Held> all) {
    double[] tokens = all.stream().mapToDouble(h -> h.tokens).toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    curves.add(new Chart.Curve(s.name(), Chart.Style.LINE, tokens, megabytes(all, stream -> true)));
    if (layout.streams().stream().anyMatch(StreamKind::windowed)) {
      double[] windows = megabytes(all, StreamKind::windowed);
      curves.add(new Chart.Curve(s.name() + ": its windows", Chart.Style.DASHED, tokens, windows));
    }
    return new Chart(
        "What one request keeps in the cache",
        "pages counted after every step",
        new Chart.Axis("tokens of the request", false),
        new Chart.Axis("MB in its pages", false),
        curves);
  }

  private double[] megabytes(List<Held> all, java.util.function.Predicate<Stream> which) {
    return all.stream().mapToDouble(h -> h.of(layout.streams(), which) / 1e6).toArray();
  }
}
