package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;

/**
 * What the log-probabilities of a prompt cost: the time to the only token of an answer, with and
 * without them. The rows of logits, which one pass through the head computes, are as many as
 * requests may run. No prefix cache; the ways take turns.
 */
public final class ScoringExperiment {
  private static final Path[] MODELS = {
    Path.of("tiny-models/storyteller-moe"), Path.of("tiny-models/storyteller-v4")
  };
  private static final int TOKENS = 512;
  private static final int[] RUNNING = {1, 8, 32};
  private static final int ROUNDS = 31; // the median counts

  /** A way to ask. */
  private record Way(String name, SamplingParams params) {}

  private ScoringExperiment() {}

  public static void main(String[] args) {
    SamplingParams one = SamplingParams.defaults().withTemperature(0).withMaxTokens(1);
    List<Way> ways =
        List.of(
            new Way("not scored", one),
            new Way("scored", one.withPromptLogprobs(0)),
            new Way("with 20 likeliest", one.withPromptLogprobs(20)));
    System.out.printf("prompts of %d tokens, 1 thread, median of %d rounds%n", TOKENS, ROUNDS);
    for (Path model : MODELS) {
      try (LoadedModel loaded = LoadedModel.load(model)) {
        for (int running : RUNNING) {
          System.out.printf("%n%s, %d rows of logits%n", model.getFileName(), running);
          run(loaded, running, ways);
        }
      }
    }
  }

  private static void run(LoadedModel loaded, int running, List<Way> ways) {
    Random random = new Random(1);
    int[] prompt = random.ints(TOKENS, 0, loaded.model().vocab()).toArray();
    double[][] millis = new double[ways.size()][ROUNDS];
    EngineOptions options =
        EngineOptions.defaults()
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF))
            .withKv(kv -> kv.withContextLength(TOKENS + 16))
            .withBatching(b -> b.withMaxRunningRequests(running).withChunkedPrefillSize(TOKENS));
    try (Engine engine = Engine.start(loaded, options)) {
      for (int round = -5; round < ROUNDS; round++) { // the first five compile
        for (int way = 0; way < millis.length; way++) {
          Request request = Request.of(prompt, ways.get(way).params());
          Answer a = engine.submit(request).join().getFirst();
          millis[way][Math.max(round, 0)] = a.totalNanos() / 1e6;
        }
      }
    }
    List<Double> medians = new ArrayList<>();
    for (int way = 0; way < millis.length; way++) {
      Arrays.sort(millis[way]);
      medians.add(millis[way][ROUNDS / 2]);
      System.out.printf(
          "%-18s %8.2f ms (%.2f to %.2f)   %.2f times%n",
          ways.get(way).name(),
          medians.get(way),
          millis[way][0],
          millis[way][ROUNDS - 1],
          medians.get(way) / medians.getFirst());
    }
  }
}
