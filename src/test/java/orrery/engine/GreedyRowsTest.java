package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.graph.Step;
import orrery.sampling.SamplingParams;
import orrery.sampling.SamplingParams.TokenBias;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Acceptance;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Which rows of a step ask the head for their highest logit. */
class GreedyRowsTest {
  private static final SamplingParams PLAIN = greedy(6).withIgnoreEos(true);

  private final List<List<Integer>> steps = new ArrayList<>(); // of each, its rows that want logits

  private final List<List<Integer>> links =
      new ArrayList<>(); // the same of each run of the MTP layer

  private static void see(Step step, List<List<Integer>> steps) {
    List<Integer> rows = new ArrayList<>();
    for (int i = 0; i < step.logitRows(); i++) {
      rows.add(step.greedy[step.logitRow[i]]);
    }
    steps.add(rows);
  }

  private LoadedModel spied(LoadedModel loaded) {
    return SpyModel.spy(loaded, step -> see(step, steps), step -> see(step, links));
  }

  private void run(EngineOptions options, SamplingParams... params) {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"));
        Engine engine = Engine.start(spied(loaded), options)) {
      List<Request> requests =
          Stream.of(params).map(p -> Request.of(new int[] {3, 14, 15, 9}, p)).toList();
      engine.submit(requests).forEach(Completion::join);
    }
  }

  @Test
  void ofAPlainGreedyRequestEveryRowOfLogitsIsGreedyAlsoThoseOfDrafts() {
    run(drafting(o -> o), PLAIN);
    assertThat(steps).hasSizeGreaterThan(1).allSatisfy(rows -> assertThat(rows).containsOnly(1));
    assertThat(steps).anyMatch(rows -> rows.size() > 1);
  }

  private static EngineOptions drafting(UnaryOperator<SpeculationOptions> change) {
    SpeculationOptions o = SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP);
    return SCALAR.withSpeculation(_ -> change.apply(o.withNumSteps(3)));
  }

  @Test
  void everyLinkOfAPlainGreedyRequestsChainAsksTheMtpHeadForItsHighestLogitToo() {
    run(drafting(o -> o), PLAIN);
    assertThat(links).hasSizeGreaterThan(3).allSatisfy(rows -> assertThat(rows).containsOnly(1));
  }

  @Test
  void draftsThatAreDrawnFromADistributionNeedAllLogits() {
    run(drafting(o -> o.withAcceptance(Acceptance.REJECTION)), PLAIN);
    assertThat(links).hasSizeGreaterThan(3).allSatisfy(rows -> assertThat(rows).containsOnly(0));
    assertThat(steps).allSatisfy(rows -> assertThat(rows).containsOnly(1));
  }

  @ParameterizedTest
  @MethodSource("others")
  void draftsOfARequestThatLooksAtMoreThanTheHighestLogitHaveNoGreedyRowBesideThoseThatDoNot(
      SamplingParams more) {
    run(drafting(o -> o), more, PLAIN);
    assertThat(links).anyMatch(rows -> rows.equals(List.of(0, 1)) || rows.equals(List.of(1, 0)));
    assertThat(links).noneMatch(rows -> rows.equals(List.of(1, 1)));
  }

  static Stream<SamplingParams> others() {
    return Stream.of(
        PLAIN.withTemperature(0.7),
        PLAIN.withLogprobs(0),
        PLAIN.withRepetitionPenalty(1.1),
        PLAIN.withFrequencyPenalty(0.1),
        PLAIN.withPresencePenalty(0.1),
        PLAIN.withMinTokens(2),
        PLAIN.withLogitBias(List.of(new TokenBias(3, 1))));
  }

  @ParameterizedTest
  @MethodSource("others")
  void aRequestThatLooksAtMoreThanTheHighestLogitHasNoGreedyRowBesideOneThatDoesNot(
      SamplingParams more) {
    run(SCALAR, more, PLAIN);
    assertThat(steps).hasSizeGreaterThan(4);
    assertThat(steps).allSatisfy(rows -> assertThat(rows).containsExactly(0, 1));
  }
}
