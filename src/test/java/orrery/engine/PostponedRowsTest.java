package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * While no sequence drafts, the MTP rows of an answer are put off. No request may find pages
 * without these rows.
 */
class PostponedRowsTest {
  private static final int PAGE = 4;
  private static final int[] PROMPT = {7, 3, 9, 11, 5, 8, 2, 6};
  private static final int ANSWER = 40;

  private static EngineOptions options(SpeculationOptions speculation) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withContextLength(256).withPageSize(PAGE))
        .withSpeculation(_ -> speculation);
  }

  private static Answer answer(Engine engine, int[] prompt, int tokens) {
    SamplingParams params =
        SamplingParams.defaults().withTemperature(0).withMaxTokens(tokens).withIgnoreEos(true);
    return engine.submit(Request.of(prompt, params)).join().getFirst();
  }

  /** How many tokens were in the prefix cache at each token of the only answer. */
  private static List<Integer> inserted(
      LoadedModel loaded, SpeculationOptions speculation, int tokens) {
    List<Integer> byToken = new ArrayList<>();
    int[] sum = {0};
    try (Engine engine =
        Engine.start(
            loaded,
            options(speculation),
            e -> {
              if (e instanceof Event.PrefixInserted p) {
                sum[0] += p.tokens();
              } else if (e instanceof Event.TokenOut) {
                byToken.add(sum[0]);
              }
            })) {
      answer(engine, PROMPT, tokens);
    }
    byToken.add(sum[0]); // after the end
    return byToken;
  }

  @Test
  void pagesOfAnAnswerEnterThePrefixCacheWhenTheirMtpRowsAreThere() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("trained"))) {
      List<Integer> plain = inserted(loaded, SpeculationOptions.defaults(), ANSWER);
      List<Integer> drafting =
          inserted(
              loaded,
              SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(1),
              ANSWER);
      List<Integer> waiting =
          inserted(
              loaded,
              SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(0),
              ANSWER);
      int whole = (PROMPT.length + ANSWER - 1) / PAGE * PAGE;
      assertThat(plain).last().isEqualTo(whole);
      assertThat(drafting).last().isEqualTo(whole);
      assertThat(waiting).last().isEqualTo(whole);
      assertThat(plain.get(ANSWER / 2)).isGreaterThan(PROMPT.length + PAGE);
      assertThat(drafting.get(ANSWER / 2)).isGreaterThan(PROMPT.length + PAGE);
      assertThat(waiting.subList(1, ANSWER)).containsOnly(PROMPT.length);
    }
  }

  @Test
  void rowsOfALongAnswerComeSixtyFourAtATime() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("trained"))) {
      List<Integer> waiting =
          inserted(
              loaded,
              SpeculationOptions.defaults().withAlgorithm(Algorithm.MTP).withNumSteps(0),
              150);
      // Row p lies at slot p + 1, and the prompt's last page is complete: 7 rows were written.
      int rows = PROMPT.length - 1;
      for (int token = 1; token < 150; token++) {
        int computed = PROMPT.length + token - 1;
        rows = computed - rows >= 64 ? computed : rows;
        int whole = Math.max(PROMPT.length, (rows + 1) / PAGE * PAGE);
        assertThat(waiting.get(token)).as("by token %d", token).isLessThanOrEqualTo(whole);
      }
      assertThat(waiting.get(80)).isGreaterThan(PROMPT.length + 56);
      assertThat(waiting.get(145)).isGreaterThan(PROMPT.length + 120);
      assertThat(waiting.stream().distinct()).hasSizeLessThanOrEqualTo(5);
    }
  }

  @Test
  void anAnswerWhoseRowsWerePutOffIsStillHitAndDraftsFollowTheHit() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("trained"))) {
      SpeculationOptions onlyAlone = // two decode without drafts: the rows of both are put off
          SpeculationOptions.defaults()
              .withAlgorithm(Algorithm.MTP)
              .withNumSteps(3)
              .withDisableByBatchSize(1);
      int[] drafted = {0};
      try (Engine plain = Engine.start(loaded, options(SpeculationOptions.defaults()));
          Engine engine =
              Engine.start(
                  loaded,
                  options(onlyAlone),
                  e -> drafted[0] += e instanceof Event.Verified v ? v.accepted() : 0)) {
        SamplingParams params =
            SamplingParams.defaults().withTemperature(0).withMaxTokens(150).withIgnoreEos(true);
        int[] other = Arrays.copyOfRange(PROMPT, 1, 7);
        List<Completion> both =
            engine.submit(List.of(Request.of(PROMPT, params), Request.of(other, params)));
        int[] first = both.getFirst().join().getFirst().tokens();
        both.getLast().join();
        int before = drafted[0];
        int[] longer = Arrays.copyOf(PROMPT, PROMPT.length + 140);
        System.arraycopy(first, 0, longer, PROMPT.length, 140);
        Answer hit = answer(engine, longer, 20);
        assertThat(hit.cachedTokens()).isEqualTo((longer.length - 1) / PAGE * PAGE);
        assertThat(hit.tokens()).isEqualTo(answer(plain, longer, 20).tokens());
        assertThat(drafted[0] - before).as("drafts accepted behind the hit").isPositive();
      }
    }
  }
}
