package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import orrery.batching.SglangPolicy.Order;
import orrery.batching.StepPlan.Stop;
import orrery.batching.View.Memory;

/** SGLang's own rules, each in one small step. */
class SglangPolicyTest {
  private static final SglangPolicy PLAIN = new SglangPolicy(Order.FCFS, false, 1);
  private static final SglangPolicy MIXED = new SglangPolicy(Order.FCFS, true, 1);
  private static final SglangPolicy LPM = new SglangPolicy(Order.LPM, false, 1);

  @Test
  void decodingRowsWaitWhilePromptsAreComputedUnlessChunksAreMixed() {
    Situation s = new Situation().decodes(1, 5, 2, 9).waits(2, 6, 4);
    assertThat(Situation.rows(PLAIN.plan(s.view()))).isEqualTo("2:6");
    assertThat(Situation.rows(MIXED.plan(s.view()))).isEqualTo("2:6 1:1");
  }

  @Test
  void onePromptTooLongForTheChunkIsCutAtAPageEndAndNoSecondOne() {
    Situation s = new Situation().chunk(18).waits(1, 10, 4).waits(2, 10, 4).waits(3, 10, 4);
    StepPlan plan = PLAIN.plan(s.view());
    assertThat(Situation.rows(plan)).isEqualTo("1:10 2:8"); // 8 rows are left: two pages of four
    s.chunk(17); // 7 rows are left: cut at one page; 3 rows stay unused, too few for prompt 3
    plan = PLAIN.plan(s.view());
    assertThat(Situation.rows(plan)).isEqualTo("1:10 2:4");
    assertThat(plan.stop()).isEqualTo(Stop.CHUNK_FULL);
    assertThat(Situation.ids(plan.admit())).containsExactly(1, 2);
  }

  @Test
  void aChunkShorterThanAPageIsCutAnywhereSoThatThePromptGoesOn() {
    StepPlan plan = PLAIN.plan(new Situation().page(16).chunk(3).waits(1, 10, 4).view());
    assertThat(Situation.rows(plan)).isEqualTo("1:3");
  }

  @Test
  void theCutPromptGoesFirstInTheNextStep() {
    Situation s = new Situation().chunk(8).reads(1, 20, 8, 4).waits(2, 3, 4);
    StepPlan plan = PLAIN.plan(s.view());
    assertThat(Situation.rows(plan)).isEqualTo("1:8");
    assertThat(plan.stop()).isEqualTo(Stop.CHUNK_FULL);
  }

  @Test
  void theRatioStartsAtSevenTenthsTimesConservativenessAndNeverAboveOne() {
    assertThat(PLAIN.initialMemory()).isEqualTo(new Memory(0.7, 0));
    assertThat(new SglangPolicy(Order.FCFS, false, 0.5).initialMemory().newTokenRatio())
        .isEqualTo(0.35);
    assertThat(new SglangPolicy(Order.FCFS, false, 9).initialMemory().newTokenRatio()).isEqualTo(1);
  }

  @Test
  void theRatioFallsOverSixHundredDecodeStepsToAFloorAndOnlyInDecodeSteps() {
    Situation s = new Situation().decodes(1, 5, 1, 9).memory(0.7, 0);
    double step = (0.7 - 0.7 * 0.14) / 600;
    Memory m = PLAIN.plan(s.view()).memory();
    assertThat(m.newTokenRatio()).isCloseTo(0.7 - step, within(1e-12));
    for (int i = 0; i < 598; i++) {
      m = PLAIN.plan(s.memory(m.newTokenRatio(), 0).view()).memory();
    }
    assertThat(m.newTokenRatio()).isCloseTo(0.098 + step, within(1e-9));
    for (int i = 0; i < 3; i++) {
      m = PLAIN.plan(s.memory(m.newTokenRatio(), 0).view()).memory();
    }
    assertThat(m.newTokenRatio()).isCloseTo(0.098, within(1e-12));
    StepPlan prompt = PLAIN.plan(new Situation().memory(0.5, 0).waits(1, 3, 3).view());
    assertThat(prompt.memory().newTokenRatio()).isEqualTo(0.5);
  }

  /**
   * The prompt has 8 tokens, max_tokens is 8. After 3 tokens of the answer 5 remain, and the ratio
   * is the expected share of these 5.
   */
  @Test
  void admissionCountsTheShareOfMaxTokensThatRunningOnesAreExpectedToUse() {
    // The waiting sequence needs ceil((4 + 3 + 4 slack) / 4) = 3 pages. The running one has 11
    // tokens in 3 pages and, at ratio 1, will have 16 tokens in 4 pages.
    Situation s = new Situation().decodes(1, 8, 3, 8).waits(2, 4, 3);
    assertThat(Situation.ids(PLAIN.plan(s.free(4).memory(1, 0).view()).admit())).containsExactly(2);
    StepPlan refused = PLAIN.plan(s.free(3).memory(1, 0).view());
    assertThat(Situation.ids(refused.admit())).isEmpty();
    assertThat(refused.stop()).isEqualTo(Stop.NO_PAGES);
    assertThat(Situation.rows(refused)).isEqualTo("1:1");
    assertThat(Situation.ids(PLAIN.plan(s.free(3).memory(0.1, 0).view()).admit()))
        .containsExactly(2);
  }

  @Test
  void theFirstRequestNeedsNoPageOfSlack() {
    assertThat(Situation.ids(PLAIN.plan(new Situation().free(2).waits(1, 4, 4).view()).admit()))
        .containsExactly(1);
    assertThat(Situation.ids(PLAIN.plan(new Situation().free(1).waits(1, 4, 4).view()).admit()))
        .isEmpty();
  }

  @Test
  void sequencesWithTheLeastOutputAndThenTheLongestPromptAreRetractedFirst() {
    // All sequences stand at a page's end, so each needs a page for its next row.
    Situation s =
        new Situation()
            .decodes(1, 4, 1, 50) // the shorter prompt of the two with the least output
            .decodes(2, 8, 5, 50)
            .decodes(3, 8, 1, 50)
            .decodes(4, 4, 9, 50);
    StepPlan one = PLAIN.plan(s.free(1).view());
    assertThat(Situation.ids(one.retract()))
        .containsExactly(3); // it gives back two pages, so three are free
    assertThat(Situation.rows(one)).isEqualTo("1:1 2:1 4:1");
    assertThat(one.stop()).isEqualTo(Stop.DECODE_FIRST);
    StepPlan none = PLAIN.plan(s.free(0).view());
    assertThat(Situation.ids(none.retract())).containsExactly(3, 1);
    assertThat(Situation.rows(none)).isEqualTo("2:1 4:1");
  }

  @Test
  void afterARetractionTheRatioIsTheUseOfTheKeptOnesAndTwentyTokensEach() {
    Situation s = new Situation().free(0).memory(0.1, 0).decodes(1, 4, 1, 100).decodes(2, 4, 9, 60);
    StepPlan plan = PLAIN.plan(s.view());
    assertThat(Situation.ids(plan.retract())).containsExactly(1);
    assertThat(plan.memory().newTokenRatio()).isCloseTo((9 + 20) / 60.0, within(1e-12));
  }

  @Test
  void theLastSequenceIsNeverRetracted() {
    // It holds all pages and needs no new one: its last page has room.
    StepPlan plan = PLAIN.plan(new Situation().free(0).decodes(1, 4, 2, 9).view());
    assertThat(Situation.ids(plan.retract())).isEmpty();
    assertThat(Situation.rows(plan)).isEqualTo("1:1");
  }

  @Test
  void longestPrefixMatchReordersWithinAPriorityOnly() {
    Situation s =
        new Situation()
            .maxRunning(2)
            .waits(1, 20, 4, 4, 1)
            .waits(2, 20, 4, 4, 0)
            .waits(3, 20, 4, 16, 0);
    assertThat(Situation.ids(LPM.plan(s.view()).admit())).containsExactly(1, 3);
    assertThat(Situation.ids(PLAIN.plan(s.view()).admit())).containsExactly(1, 2);
  }

  @Test
  void longestPrefixMatchIsFirstComeFirstServedWhenMoreThan128Wait() {
    Situation s = new Situation().maxRunning(1);
    for (int i = 0; i < 128; i++) {
      s.waits(i, 20, 4, i == 99 ? 16 : 4, 0);
    }
    assertThat(LPM.looksAt(1)).isGreaterThan(128);
    assertThat(Situation.ids(LPM.plan(s.view()).admit())).containsExactly(99);
    assertThat(Situation.ids(LPM.plan(s.waits(128, 20, 4).view()).admit())).containsExactly(0);
  }

  @Test
  void noSequencePassesOneThatWaitsForAPrefix() {
    Situation s = new Situation().reads(1, 20, 8, 4).waitsForPrefix(2, 20).waits(3, 4, 4);
    StepPlan plan = PLAIN.plan(s.view());
    assertThat(Situation.ids(plan.admit())).isEmpty();
    assertThat(plan.stop()).isEqualTo(Stop.SHARED_PREFIX);
    assertThat(Situation.rows(plan)).isEqualTo("1:12");
  }
}
