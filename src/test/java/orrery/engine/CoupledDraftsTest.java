package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.observe.SpeculationStats;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Drafts of sampled answers may use the random numbers that the sampler will use. */
class CoupledDraftsTest {
  private static final int REQUESTS = 24;

  /** The answers, and the share of first drafts that were accepted. */
  private record Run(List<List<Integer>> answers, double accepted) {}

  @Test
  void draftsDrawnWithTheNumberOfTheirPositionAreAcceptedMoreOftenAndChangeNothing() {
    Run likeliest = run(false);
    Run coupled = run(true);
    System.out.printf(
        "first drafts accepted at T 1: likeliest %.3f, coupled %.3f%n",
        likeliest.accepted, coupled.accepted);
    assertThat(coupled.answers).isEqualTo(likeliest.answers);
    assertThat(coupled.accepted).isGreaterThan(likeliest.accepted + 0.1);
  }

  private static Run run(boolean coupled) {
    Random r = new Random(3);
    SpeculationStats stats = new SpeculationStats();
    SpeculationOptions speculation =
        SpeculationOptions.defaults()
            .withAlgorithm(Algorithm.MTP)
            .withNumSteps(3)
            .withCoupledDrafts(coupled);
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withContextLength(64))
            .withSpeculation(_ -> speculation);
    List<List<Integer>> answers = new ArrayList<>();
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("trained"))) {
      try (Engine engine = Engine.start(loaded, options, stats)) {
        List<Request> requests = new ArrayList<>();
        for (int i = 0; i < REQUESTS; i++) {
          SamplingParams params =
              SamplingParams.defaults()
                  .withTemperature(1)
                  .withMaxTokens(40)
                  .withIgnoreEos(true)
                  .withSeed(i);
          int[] prompt = r.ints(4, 1, loaded.model().vocab()).toArray();
          requests.add(Request.of(prompt, params));
        }
        for (Completion c : engine.submit(requests)) {
          answers.add(java.util.Arrays.stream(c.join().getFirst().tokens()).boxed().toList());
        }
      }
    }
    return new Run(answers, (double) stats.accepted(0) / stats.judged(0));
  }
}
