package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.ToLongFunction;
import orrery.events.Event;
import orrery.sampling.SamplingParams;

/**
 * What share of a decode step of 128 rows its parts have beside the forward pass: the median of
 * each phase, for greedy answers, for drawn ones, and with log-probabilities.
 *
 * <pre>
 *   mvn -q test-compile exec:exec@experiment -Dexperiment=orrery.engine.StepPartsExperiment
 * </pre>
 */
final class StepPartsExperiment {
  private static final int TOKENS = 160;
  private static final int ROWS = 128;
  private static final int ROUNDS = 3;

  private StepPartsExperiment() {}

  public static void main(String[] args) {
    SamplingParams greedy =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(TOKENS).withIgnoreEos(true);
    SamplingParams drawn = greedy.withTemperature(0.8).withSeed(7);
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"))) {
      for (int round = 0; round < ROUNDS; round++) {
        for (int threads : new int[] {1, 2}) {
          print("greedy", steps(loaded, threads, greedy), threads, round);
          print("top-k 40", steps(loaded, threads, drawn.withTopK(40)), threads, round);
          print("top-p 0.95", steps(loaded, threads, drawn.withTopP(0.95)), threads, round);
          print("logprobs 5", steps(loaded, threads, drawn.withLogprobs(5)), threads, round);
        }
      }
    }
  }

  /** The full decode steps of a run, without the first third. */
  private static List<Event.StepDone> steps(
      LoadedModel loaded, int threads, SamplingParams params) {
    List<Event.StepDone> steps = new ArrayList<>();
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(threads))
            .withBatching(b -> b.withMaxRunningRequests(ROWS))
            .withKv(kv -> kv.withContextLength(512).withMaxTotalTokens(ROWS * 256));
    try (Engine engine =
        Engine.start(
            loaded,
            options,
            e -> {
              if (e instanceof Event.StepDone s && s.decodeRows() == ROWS && s.prefillRows() == 0) {
                steps.add(s);
              }
            })) {
      Random random = new Random(1);
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < ROWS; i++) {
        requests.add(Request.of(random.ints(32, 0, loaded.model().vocab()).toArray(), params));
      }
      engine.submit(requests).forEach(Completion::join);
    }
    return steps.subList(steps.size() / 3, steps.size());
  }

  private static void print(String name, List<Event.StepDone> steps, int threads, int round) {
    double all = median(steps, Event.StepDone::busyNanos);
    System.out.printf(
        "%d threads, round %d, %-11s step %8.1f us: plan %6.1f draft %6.1f launch %8.1f judge %7.1f"
            + " follow %5.1f commit %6.1f; all but launch %5.1f %%%n",
        threads,
        round,
        name,
        all,
        median(steps, Event.StepDone::planNanos),
        median(steps, Event.StepDone::draftNanos),
        median(steps, Event.StepDone::launchNanos),
        median(steps, Event.StepDone::judgeNanos),
        median(steps, Event.StepDone::followNanos),
        median(steps, Event.StepDone::commitNanos),
        100 * (1 - median(steps, Event.StepDone::launchNanos) / all));
  }

  private static double median(List<Event.StepDone> steps, ToLongFunction<Event.StepDone> part) {
    long[] sorted = steps.stream().mapToLong(part).sorted().toArray();
    return sorted[sorted.length / 2] / 1e3;
  }
}
