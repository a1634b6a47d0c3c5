package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.SamplingParams;

/**
 * What overlap gains, by rows of a step, threads and work of the host. Runs with and without
 * overlap take turns, and each ratio is of two runs that were neighbours. "Slow sink" is a host
 * that is made slow on purpose: its sink takes 20 µs for each token.
 *
 * <pre>
 *   mvn -q test-compile exec:exec@experiment -Dexperiment=orrery.engine.OverlapExperiment
 * </pre>
 */
final class OverlapExperiment {
  private static final int ROUNDS = 7;
  private static final int SINK_NANOS = 20_000;

  private OverlapExperiment() {}

  public static void main(String[] args) {
    SamplingParams greedy =
        SamplingParams.defaults().withTemperature(0).withIgnoreEos(true).withMaxTokens(64);
    SamplingParams drawn = greedy.withTemperature(0.8).withTopK(40).withLogprobs(5).withSeed(7);
    System.out.println(
        "threads  rows  host              tok/s off    tok/s on   on / off [quartiles]");
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"))) {
      for (int threads : new int[] {1, 2}) {
        for (int rows : new int[] {1, 8, 32, 128}) {
          compare("greedy", loaded, threads, rows, greedy, EventSink.NONE);
          compare("top-k, logprobs", loaded, threads, rows, drawn, EventSink.NONE);
          compare("slow sink", loaded, threads, rows, greedy, OverlapExperiment::slow);
        }
      }
    }
  }

  private static void slow(Event event) {
    long end = System.nanoTime() + (event instanceof Event.TokenOut ? SINK_NANOS : 0);
    while (System.nanoTime() < end) {
      Thread.onSpinWait();
    }
  }

  private static void compare(
      String name,
      LoadedModel loaded,
      int threads,
      int rows,
      SamplingParams params,
      EventSink sink) {
    double[] off = new double[ROUNDS];
    double[] on = new double[ROUNDS];
    double[] ratio = new double[ROUNDS];
    try (Engine serial = start(loaded, threads, rows, false, sink);
        Engine overlap = start(loaded, threads, rows, true, sink)) {
      speed(serial, loaded, rows, params);
      speed(overlap, loaded, rows, params); // warm-up
      for (int i = 0; i < ROUNDS; i++) {
        boolean first = i % 2 == 0;
        on[i] = first ? speed(overlap, loaded, rows, params) : 0;
        off[i] = speed(serial, loaded, rows, params);
        on[i] = first ? on[i] : speed(overlap, loaded, rows, params);
        ratio[i] = on[i] / off[i];
      }
    }
    Arrays.sort(off);
    Arrays.sort(on);
    Arrays.sort(ratio);
    System.out.printf(
        Locale.ROOT,
        "%7d %5d  %-15s %11.0f %11.0f   %.3f [%.3f, %.3f]%n",
        threads,
        rows,
        name,
        off[ROUNDS / 2],
        on[ROUNDS / 2],
        ratio[ROUNDS / 2],
        ratio[ROUNDS / 4],
        ratio[ROUNDS - 1 - ROUNDS / 4]);
  }

  private static Engine start(
      LoadedModel loaded, int threads, int rows, boolean overlap, EventSink sink) {
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(threads).withOverlap(overlap))
            .withBatching(b -> b.withMaxRunningRequests(rows))
            .withKv(kv -> kv.withContextLength(256).withMaxTotalTokens(rows * 192));
    return Engine.start(loaded, options, sink);
  }

  /** Tokens of answers a second of one batch of requests. */
  private static double speed(Engine engine, LoadedModel loaded, int rows, SamplingParams params) {
    Random random = new Random(1);
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      requests.add(Request.of(random.ints(16, 0, loaded.model().vocab()).toArray(), params));
    }
    engine.flushCache().join();
    long start = System.nanoTime();
    engine.submit(requests).forEach(Completion::join);
    return rows * params.maxTokens() / ((System.nanoTime() - start) / 1e9);
  }
}
