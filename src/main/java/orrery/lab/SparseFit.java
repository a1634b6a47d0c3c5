package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;

/**
 * The same device memory, with all rows in it, and with the entries on the host: how many requests
 * run at once? Pages and buffers are counted by the streams; then more requests come than fit, and
 * the engine admits those that could go on to their full length. Their answers end long before.
 */
final class SparseFit {
  private static final int REQUESTS = 3; // that fit with all rows on the device

  /**
   * What a way of using the memory has room for.
   *
   * @param slots of a buffer; 0 if all rows lie on the device
   * @param context tokens of each request
   * @param requests that fit
   */
  private record Room(int slots, int context, int requests) {}

  private final Subject s;
  private final List<Integer> contexts;
  private final KvLayout layout;
  private final KvGeometry geometry;
  private final int page; // tokens

  SparseFit(Subject s, List<Integer> contexts) {
    this.s = s;
    this.contexts = contexts;
    this.layout = s.loaded().model().kvLayout(false, s.options().kv().kvCacheDtype());
    this.page = layout.wholeRows(16);
    this.geometry = new KvGeometry(layout, page);
  }

  Chart print(Sheet sheet) {
    int chosen = SparseRuns.chosen(s);
    int[] sizes = {0, 2 * chosen, 4 * chosen};
    sheet.title(
        "requests in the same device memory: " + s.description(),
        "as much as " + REQUESTS + " requests take with all rows on the device");
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("", "requests at once", "MB on the device", "MB on the host"));
    double[][] most = new double[sizes.length][contexts.size()];
    for (int c = 0; c < contexts.size(); c++) {
      long memory = device(0, contexts.get(c), REQUESTS);
      for (int i = 0; i < sizes.length; i++) {
        Room room = room(sizes[i], contexts.get(c), memory);
        most[i][c] = run(room).mostRunning();
        cells.add(row(sheet, room, most[i][c]));
      }
    }
    Comparison.markdown(sheet, cells);
    return chart(sizes, most);
  }

  private static String name(Room room) {
    String context = room.context + " tokens, ";
    return context + (room.slots == 0 ? "all on the device" : "buffers of " + room.slots);
  }

  private List<String> row(Sheet sheet, Room room, double most) {
    double device = device(room.slots, room.context, room.requests) / 1e6;
    double host = host(room.slots, room.context, room.requests) / 1e6;
    String table = "sparse fit, " + s.name();
    sheet.keep(new Figure(table, name(room), "at once", most, most, most));
    sheet.keep(new Figure(table, name(room) + ", device", "MB", device, device, device));
    sheet.keep(new Figure(table, name(room) + ", host", "MB", host, host, host));
    return List.of(
        name(room),
        String.format(Locale.ROOT, "%.0f", most),
        String.format(Locale.ROOT, "%.2f", device),
        String.format(Locale.ROOT, "%.2f", host));
  }

  /** As many requests as fit. */
  private Room room(int slots, int context, long memory) {
    int requests = 1;
    while (device(slots, context, requests + 1) <= memory) {
      requests++;
    }
    return new Room(slots, context, requests);
  }

  /** Bytes on the device of some requests at their full length. */
  private long device(int slots, int context, int requests) {
    long bytes = -host(slots, context, requests);
    for (int i = 0; i < layout.streams().size(); i++) {
      int pool = layout.poolOf(i);
      long pages = (long) requests * pages(pool, context);
      bytes += pages * layout.streams().get(i).bytes(geometry.span(pool));
    }
    return bytes + (slots == 0 ? 0 : sparse(slots, requests).bufferBytes());
  }

  private KvLayout sparse(int slots, int requests) {
    return layout.onHost(new DeviceBuffers(slots, requests));
  }

  private long host(int slots, int context, int requests) {
    return slots == 0
        ? 0
        : requests * pages(0, context) * sparse(slots, requests).hostBytesPerPage(page);
  }

  private long pages(int pool, int context) {
    return geometry.expected(pool, 0, context, 0, 0); // a window gives back what it has passed
  }

  private Trace run(Room room) {
    int tokens = room.requests * (int) pages(0, room.context) * page;
    EngineOptions options =
        s.options()
            .withBatching(
                b ->
                    b.withSchedulePolicy(SchedulePolicy.TRTLLM)
                        .withMaxRunningRequests(room.requests))
            .withKv(
                kv ->
                    kv.withContextLength(room.context)
                        .withPageSize(page)
                        .withMaxTotalTokens(tokens)
                        .withSwaFullTokensRatio(0)); // as many windows as run at once
    EngineOptions own = room.slots == 0 ? options : SparseRuns.sparse(options, room.slots);
    int limit = room.context * 3 / 4;
    Draw draw = s.draw();
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i <= room.requests; i++) { // a step has the rows of one prompt
      int answer = Math.min(limit, 2 * room.requests + 2);
      jobs.add(new Job(draw.tokens(room.context - limit), answer, limit));
    }
    return Session.run(s.loaded(), own, jobs);
  }

  private Chart chart(int[] sizes, double[][] most) {
    double[] x = contexts.stream().mapToDouble(c -> c).toArray();
    List<Chart.Curve> curves = new ArrayList<>();
    for (int i = 0; i < sizes.length; i++) {
      String name =
          sizes[i] == 0 ? "all entries on the device" : "buffers of " + sizes[i] + " slots";
      curves.add(new Chart.Curve(name, Chart.Style.LINE, x, most[i]));
    }
    return new Chart(
        "How many requests run at once in the same device memory?",
        s.name() + "; as much memory as " + REQUESTS + " requests take with all rows on the device",
        new Chart.Axis("tokens of each request", true),
        new Chart.Axis("requests at once", false),
        curves);
  }
}
