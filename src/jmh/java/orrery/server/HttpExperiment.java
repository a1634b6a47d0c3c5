package orrery.server;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.engine.Token;
import orrery.sampling.SamplingParams;

/**
 * What HTTP costs: throughput of 32 streams, and the time to the first token of one, through the
 * library and through a socket. The ways take turns in one JVM, and the clients share its cores.
 */
public final class HttpExperiment {
  private static final int STREAMS = 32;
  private static final int TOKENS = 128; // of each answer
  private static final int ROUNDS = 15; // the median counts
  private static final int FIRSTS = 301;
  private static final String PROMPT = "Once upon a time there was a";

  private final Engine engine;
  private final int[] prompt; // [tokens]
  private final int port;

  private HttpExperiment(Engine engine, int[] prompt, int port) {
    this.engine = engine;
    this.prompt = prompt;
    this.port = port;
  }

  /** A way to ask for an answer; returns nanoseconds to its first token. */
  private interface Way {
    long ask(int tokens, int seed) throws IOException;
  }

  public static void main(String[] args) throws Exception {
    int threads = args.length > 0 ? Integer.parseInt(args[0]) : 1;
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(threads))
            .withBatching(b -> b.withMaxRunningRequests(STREAMS));
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
        Engine engine = Engine.start(loaded, options);
        HttpServer server =
            HttpServer.listen(
                ServerOptions.defaults().withPort(0), (call, bug) -> bug.printStackTrace())) {
      server.open(new OpenAiRoutes(Serving.of(engine, loaded)).addTo(new Routes()));
      int[] prompt = loaded.requireTokenizer().encode(PROMPT);
      HttpExperiment all = new HttpExperiment(engine, prompt, server.port());
      System.out.printf("%d threads of the engine%n", threads);
      all.throughput();
      all.firstTokens();
    }
  }

  private void throughput() throws Exception {
    double[][] rates = new double[2][ROUNDS];
    for (int round = -4; round < ROUNDS; round++) { // the first four compile
      for (int way = 0; way < 2; way++) {
        rates[way][Math.max(round, 0)] = rate(way == 0 ? this::library : this::http, round);
      }
    }
    double[] ratios = new double[ROUNDS];
    Arrays.setAll(ratios, i -> rates[1][i] / rates[0][i]);
    say("library, 32 streams, tok/s", rates[0]);
    say("HTTP, 32 streams, tok/s", rates[1]);
    say("HTTP / library", ratios);
  }

  private double rate(Way way, int round) throws Exception {
    long start = System.nanoTime();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Long>> all = new ArrayList<>();
      for (int i = 0; i < STREAMS; i++) {
        int seed = 1000 * (round + 4) + i;
        all.add(threads.submit(() -> way.ask(TOKENS, seed)));
      }
      for (Future<Long> one : all) {
        one.get();
      }
    }
    return STREAMS * TOKENS / ((System.nanoTime() - start) / 1e9);
  }

  private void firstTokens() throws Exception {
    double[][] millis = new double[2][FIRSTS];
    for (int i = -50; i < FIRSTS; i++) {
      for (int way = 0; way < 2; way++) {
        long nanos = way == 0 ? library(1, i) : http(1, i);
        millis[way][Math.max(i, 0)] = nanos / 1e6;
      }
    }
    say("library, first token of one, ms", millis[0]);
    say("HTTP, first token of one, ms", millis[1]);
  }

  private static void say(String what, double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    System.out.printf(
        Locale.ROOT,
        "%-32s %8.2f [%.2f, %.2f]%n",
        what,
        sorted[sorted.length / 2],
        sorted[sorted.length / 4],
        sorted[sorted.length * 3 / 4]);
  }

  private long library(int tokens, int seed) {
    SamplingParams params =
        SamplingParams.defaults().withMaxTokens(tokens).withIgnoreEos(true).withSeed(seed);
    long start = System.nanoTime();
    long first = 0;
    Completion completion = engine.submit(Request.of(prompt, params));
    for (Token token : completion) {
      first = first == 0 ? System.nanoTime() - start : first;
    }
    return first;
  }

  private long http(int tokens, int seed) throws IOException {
    String body =
        "{\"prompt\": \""
            + PROMPT
            + "\", \"stream\": true, \"ignore_eos\": true, \"max_tokens\": "
            + tokens
            + ", \"seed\": "
            + seed
            + "}";
    long start = System.nanoTime();
    long first = 0;
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      String head =
          "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n";
      socket.getOutputStream().write((head + body).getBytes(StandardCharsets.UTF_8));
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      String line = in.readLine();
      while (line != null && !line.equals("data: [DONE]")) {
        first = first == 0 && line.startsWith("data: ") ? System.nanoTime() - start : first;
        line = in.readLine();
      }
      if (line == null) {
        throw new IOException("the stream broke off");
      }
    }
    return first;
  }
}
