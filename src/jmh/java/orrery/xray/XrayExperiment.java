package orrery.xray;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.sampling.SamplingParams;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;

/**
 * What the X-ray page costs: decode speed of some streams without the page, with its feed, and with
 * one and ten pages that read all events. The four ways take turns in one JVM, and the pages'
 * readers share its cores with the engine.
 */
public final class XrayExperiment {
  private static final int TOKENS = 192; // of each answer
  private static final int ROUNDS = 21; // the median counts
  private static final int WARM = 6; // rounds that compile
  private static final String PROMPT = "Once upon a time there was a";
  private static final List<String> WAYS =
      List.of("off", "on, no page", "on, 1 page", "on, 10 pages");

  private final List<Engine> engines; // [ways]
  private final int[] prompt; // [tokens]
  private final AtomicLong bytes = new AtomicLong(); // that pages have read

  private XrayExperiment(List<Engine> engines, int[] prompt) {
    this.engines = engines;
    this.prompt = prompt;
  }

  public static void main(String[] args) throws Exception {
    Path model = Path.of(args.length > 0 ? args[0] : "tiny-models/storyteller-moe");
    try (LoadedModel loaded = LoadedModel.load(model);
        Engine plain = Engine.start(loaded, EngineOptions.defaults());
        Watched alone = new Watched(loaded);
        Watched one = new Watched(loaded);
        Watched ten = new Watched(loaded)) {
      List<Engine> engines = List.of(plain, alone.engine, one.engine, ten.engine);
      int[] prompt = loaded.requireTokenizer().encode(PROMPT);
      XrayExperiment all = new XrayExperiment(engines, prompt);
      all.read(one.server.port());
      for (int i = 0; i < 10; i++) {
        all.read(ten.server.port());
      }
      for (int streams : new int[] {1, 8, 32}) {
        all.compare(streams);
      }
    }
  }

  /** An engine with a feed, behind a server of its own. */
  private static final class Watched implements AutoCloseable {
    final Feed feed = new Feed();
    final Engine engine;
    final HttpServer server;

    Watched(LoadedModel loaded) throws IOException {
      engine = Engine.start(loaded, EngineOptions.defaults(), feed);
      ServerOptions listening = ServerOptions.defaults().withPort(0);
      server = HttpServer.listen(listening, (call, bug) -> bug.printStackTrace());
      Pages pages = new Pages(feed.ring(), Runnable::run, () -> {});
      server.open(new Routes().get("/xray/events", pages::answer));
    }

    @Override
    public void close() {
      engine.close();
      feed.close();
      server.close();
    }
  }

  private void compare(int streams) {
    double[][] rates = new double[WAYS.size()][ROUNDS];
    for (int round = -WARM; round < ROUNDS; round++) {
      for (int i = 0; i < WAYS.size(); i++) {
        int way = (i + Math.max(round, 0)) % WAYS.size(); // none is always behind the same one
        rates[way][Math.max(round, 0)] = rate(way, streams, round);
      }
    }
    System.out.printf("%d streams; tok/s, and the ratio to off in the same round%n", streams);
    for (int way = 0; way < WAYS.size(); way++) {
      double[] ratios = new double[ROUNDS];
      for (int i = 0; i < ROUNDS; i++) {
        ratios[i] = rates[way][i] / rates[0][i];
      }
      System.out.printf(
          Locale.ROOT, "  %-14s %s   %s%n", WAYS.get(way), said(rates[way]), said(ratios));
    }
    System.out.printf(Locale.ROOT, "  pages have read %.0f MB%n", bytes.getAndSet(0) / 1e6);
  }

  private static String said(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int n = sorted.length;
    return String.format(
        Locale.ROOT, "%8.3f [%.3f, %.3f]", sorted[n / 2], sorted[n / 4], sorted[n * 3 / 4]);
  }

  /** Tokens a second of all streams together. */
  private double rate(int way, int streams, int round) {
    List<Request> requests =
        IntStream.range(0, streams).mapToObj(i -> request(1000 * (round + WARM) + i)).toList();
    long start = System.nanoTime();
    engines.get(way).submit(requests).forEach(Completion::join);
    return streams * TOKENS / ((System.nanoTime() - start) / 1e9);
  }

  private Request request(int seed) {
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(TOKENS).withIgnoreEos(true).withSeed(seed);
    return Request.of(prompt, params);
  }

  /** Reads the stream of events as a page does, to its end, and throws it away. */
  private void read(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    String call = "GET /xray/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    socket.getOutputStream().write(call.getBytes(StandardCharsets.US_ASCII));
    Thread.startVirtualThread(
        () -> {
          byte[] piece = new byte[1 << 16];
          try (socket) {
            InputStream in = socket.getInputStream();
            for (int n = in.read(piece); n >= 0; n = in.read(piece)) {
              bytes.addAndGet(n);
            }
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }
}
