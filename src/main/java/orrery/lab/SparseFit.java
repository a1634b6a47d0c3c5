package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.engine.EngineOptions;
import orrery.kv.DeviceBuffers;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.lab.Rounds.Series;
import orrery.lab.Rounds.Variant;

/**
 * The same device memory, with all rows in it, and with the entries on the host: how many requests
 * run at once? Pages and buffers are counted by the streams; then as many requests are run, and
 * more than can fit.
 */
final class SparseFit {
  private static final int REQUESTS = 3; // that fit with all rows on the device
  private static final int ANSWER = 48; // tokens

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
    double[][] most = new double[sizes.length][contexts.size()];
    for (int c = 0; c < contexts.size(); c++) {
      int context = contexts.get(c);
      long memory = device(0, context, REQUESTS);
      List<Room> rooms = new ArrayList<>();
      List<Variant> variants = new ArrayList<>();
      for (int size : sizes) {
        Room room = room(size, context, memory);
        rooms.add(room);
        variants.add(new Variant(name(room), () -> run(room)));
      }
      List<Series> all = Rounds.run(s.settings(), s.settings().rounds(), variants);
      table(sheet, context, rooms, all);
      for (int i = 0; i < sizes.length; i++) {
        most[i][c] = all.get(i).of(Trace::mostRunning).median();
      }
    }
    return chart(sizes, most);
  }

  private static String name(Room room) {
    String context = room.context + " tokens, ";
    return context + (room.slots == 0 ? "all on the device" : "buffers of " + room.slots);
  }

  private void table(Sheet sheet, int context, List<Room> rooms, List<Series> all) {
    new Comparison("sparse fit, " + s.name())
        .column("at once", Trace::mostRunning)
        .column("retracted", Trace::retractions)
        .column("tok/s", Trace::tokensPerSecond)
        .print(sheet, all);
    for (Room r : rooms) {
      double device = device(r.slots, context, r.requests) / 1e6;
      double host = host(r.slots, context, r.requests) / 1e6;
      String table = "sparse fit, " + s.name();
      sheet.keep(new Figure(table, name(r) + ", device", "MB", device, device, device));
      sheet.keep(new Figure(table, name(r) + ", host", "MB", host, host, host));
      sheet.text(
          String.format(
              Locale.ROOT,
              "%s: %d fit, %.2f MB on the device, %.2f MB on the host",
              name(r),
              r.requests,
              device,
              host));
    }
  }

  /** As many requests as fit. */
  private Room room(int slots, int context, long memory) {
    int requests = REQUESTS;
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
    return pool == 0
        ? geometry.pages(pool, context)
        : geometry.expected(pool, 0, context, 0, 0); // a window gives back what it has passed
  }

  private Trace run(Room room) {
    int tokens = room.requests * (int) pages(0, room.context) * page;
    double windows = 0; // tokens that their pools need at most
    for (int pool = 1; pool < geometry.pools(); pool++) {
      windows =
          Math.max(
              windows, (double) room.requests * pages(pool, room.context) * geometry.span(pool));
    }
    double share = Math.min(1, windows / tokens);
    EngineOptions options =
        s.options()
            .withBatching(b -> b.withMaxRunningRequests(room.requests))
            .withKv(
                kv ->
                    kv.withContextLength(room.context)
                        .withPageSize(page)
                        .withMaxTotalTokens(tokens)
                        .withSwaFullTokensRatio(geometry.pools() == 1 ? 0 : share));
    EngineOptions own = room.slots == 0 ? options : SparseRuns.sparse(options, room.slots);
    int answer = Math.min(ANSWER, room.context / 2);
    return Session.run(
        s.loaded(), own, SparseRuns.jobs(s, room.requests + 1, room.context, answer));
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
