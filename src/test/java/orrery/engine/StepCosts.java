package orrery.engine;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.ToLongFunction;
import orrery.events.Event;
import orrery.sampling.SamplingParams;

/**
 * An experiment: what share of a decode step its serial parts have. It runs as many requests as a
 * step shall have rows and prints the median of each phase, for greedy answers, sampled ones and
 * sampled ones with log-probabilities.
 *
 * <pre>
 *   java --add-modules jdk.incubator.vector -cp target/test-classes:target/classes:... \
 *       orrery.engine.StepCosts tiny-models/storyteller-moe THREADS ROUNDS ROWS ...
 * </pre>
 */
final class StepCosts {
  private static final int TOKENS = 160;

  private StepCosts() {}

  public static void main(String[] args) {
    int threads = Integer.parseInt(args[1]);
    int rounds = Integer.parseInt(args[2]);
    SamplingParams greedy = SamplingParams.defaults().withTemperature(0).withMaxTokens(TOKENS).withIgnoreEos(true);
    SamplingParams drawn = greedy.withTemperature(0.8).withTopP(0.95).withSeed(7);
    try (LoadedModel loaded = LoadedModel.load(Path.of(args[0]))) {
      for (int i = 3; i < args.length; i++) {
        int rows = Integer.parseInt(args[i]);
        for (int round = 0; round < rounds; round++) {
          print("greedy", steps(loaded, threads, rows, greedy), rows, round);
          print("top-k 40", steps(loaded, threads, rows, drawn.withTopP(1).withTopK(40)), rows, round);
          print("top-p 0.95", steps(loaded, threads, rows, drawn), rows, round);
          print("logprobs 5", steps(loaded, threads, rows, drawn.withLogprobs(5)), rows, round);
        }
      }
    }
  }

  /** The full decode steps of a run, without the first third. */
  private static List<Event.StepDone> steps(
      LoadedModel loaded, int threads, int rows, SamplingParams params) {
    List<Event.StepDone> steps = new ArrayList<>();
    EngineOptions options =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(threads))
            .withBatching(b -> b.withMaxRunningRequests(rows))
            .withKv(kv -> kv.withContextLength(512).withMaxTotalTokens(rows * 256));
    try (Engine engine =
        Engine.start(
            loaded,
            options,
            e -> {
              if (e instanceof Event.StepDone s && s.decodeRows() == rows && s.prefillRows() == 0) {
                steps.add(s);
              }
            })) {
      Random random = new Random(1);
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < rows; i++) {
        requests.add(Request.of(random.ints(32, 0, loaded.model().vocab()).toArray(), params));
      }
      engine.submit(requests).forEach(Completion::join);
    }
    return steps.subList(steps.size() / 3, steps.size());
  }

  private static void print(String name, List<Event.StepDone> steps, int rows, int round) {
    double all = median(steps, Event.StepDone::busyNanos);
    System.out.printf(
        "%3d rows, round %d, %-11s step %8.1f us: plan %6.1f draft %6.1f launch %8.1f judge %7.1f"
            + " follow %5.1f commit %6.1f; plan + judge + follow + commit %5.1f %%%n",
        rows,
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
