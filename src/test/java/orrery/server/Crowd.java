package orrery.server;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import orrery.engine.Engine;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * Many clients that read streams at the same time; every second one leaves in the middle. As an
 * event sink it holds the engine twice: until all clients have come, and in the middle until those
 * who leave have left and the server knows it.
 */
final class Crowd implements EventSink {
  private static final int MIDDLE = 8; // tokens of every answer after which the engine is held
  private static final int BEFORE_LEAVING = 3; // events that a leaving client reads

  private final int clients;
  private final List<Event> events = new ArrayList<>(); // by the engine's thread
  private Engine engine; // both set before the first request
  private HttpServer server;
  private final CountDownLatch middle = new CountDownLatch(1); // every answer has MIDDLE tokens
  private boolean began;
  private int halfway; // answers that have MIDDLE tokens
  private int threads; // the platform's, in the middle
  private long heap; // bytes in use after a collection, in the middle

  /**
   * @param clients an even number
   */
  Crowd(int clients) {
    this.clients = clients;
  }

  void at(Engine engine, HttpServer server) {
    this.engine = engine;
    this.server = server;
  }

  List<Event> events() {
    return events;
  }

  int threads() {
    return threads;
  }

  long heap() {
    return heap;
  }

  @Override
  public void accept(Event event) {
    switch (event) {
      case Event.StepDone e -> {
        events.add(e);
        if (!began) {
          began = true;
          await(() -> engine.waiting() + e.running() == clients);
        }
        if (halfway == clients) {
          halfway = -1;
          middle.countDown();
          await(() -> server.connections() == clients / 2);
          threads = ManagementFactory.getThreadMXBean().getThreadCount();
          heap = usedHeap();
        }
      }
      case Event.TokenOut e -> halfway += e.index() == MIDDLE ? 1 : 0;
      case Event.Finished e -> events.add(e);
      default -> {}
    }
  }

  static long usedHeap() {
    System.gc();
    System.gc(); // what the first one has cleared references to
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + 160_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("the crowd does not come or does not leave");
      }
      try {
        Thread.sleep(2);
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** The prompt of a client, unlike the others'. */
  static int[] prompt(int client) {
    return new int[] {client % 90, client / 90 % 90, 7, 5, 6};
  }

  private static String body(int client, int tokens) {
    int[] p = prompt(client);
    return ("{\"prompt\": [%d, %d, %d, %d, %d], \"max_tokens\": %d, \"ignore_eos\": true,"
            + " \"stream\": true, \"seed\": %d, \"return_token_ids\": true}")
        .formatted(p[0], p[1], p[2], p[3], p[4], tokens, client);
  }

  /**
   * Lets all clients come and go.
   *
   * @return the events of each client that stayed; null for one that left
   */
  List<List<String>> run(int tokens) throws Exception {
    List<Future<List<String>>> all = new ArrayList<>();
    try (ExecutorService each = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < clients; i++) {
        int client = i;
        Callable<List<String>> reads = () -> read(client, tokens);
        all.add(each.submit(reads));
      }
      List<List<String>> read = new ArrayList<>();
      for (Future<List<String>> one : all) {
        read.add(one.get());
      }
      return read;
    }
  }

  private List<String> read(int client, int tokens) throws IOException, InterruptedException {
    try (RawClient c = new RawClient(server.port())) {
      c.post("/v1/completions", body(client, tokens));
      int status = c.head().status();
      if (status != 200) {
        throw new IOException("client " + client + ": expected status 200, found " + status);
      }
      List<String> read = new ArrayList<>();
      for (byte[] chunk = c.chunk(); chunk.length > 0; chunk = c.chunk()) {
        read.add(new String(chunk, StandardCharsets.UTF_8));
        if (client % 2 == 1 && read.size() == BEFORE_LEAVING) {
          if (!middle.await(5, TimeUnit.MINUTES)) {
            throw new IOException("client " + client + ": the others do not get so far");
          }
          return null;
        }
      }
      return read;
    }
  }
}
