package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import orrery.batching.SglangPolicy.Order;
import orrery.batching.TrtLlmPolicy.Capacity;

/** Drafts in plans: which sequences get rows for them, and that no other row is lost for it. */
class DraftsInPlansTest {
  private static final Policy VLLM = new VllmPolicy();
  private static final Policy TRTLLM = new TrtLlmPolicy(Capacity.GUARANTEED_NO_EVICT);
  private static final Policy TRTLLM_MAX = new TrtLlmPolicy(Capacity.MAX_UTILIZATION);
  private static final Policy SGLANG = new SglangPolicy(Order.FCFS, false, 1);
  private static final Policy MIXED = new SglangPolicy(Order.FCFS, true, 1);
  private static final Policy STATIC = new StaticPolicy(0);

  private static String rows(Policy policy, Situation s) {
    return Situation.rows(policy.plan(s.view()));
  }

  @Test
  void draftsAreVerifiedBesideTheNewestTokenUnderEveryPolicy() {
    Situation s = new Situation().drafts(1, 5, 2, 20, 3).decodes(2, 5, 2, 20);
    for (Policy policy : List.of(VLLM, TRTLLM, TRTLLM_MAX, SGLANG, MIXED, STATIC)) {
      assertThat(rows(policy, s)).as(policy.name()).isEqualTo("1:4 2:1");
    }
  }

  /** Sequence 1 holds slots 0 to 6: its pages have room for the newest token and no draft. */
  @Test
  void draftsTakeOnlyPagesThatAreLeftWhenAllOtherRowsHaveTheirs() {
    Situation s = new Situation().drafts(1, 5, 3, 40, 6).drafts(2, 4, 1, 40, 2);
    for (Policy policy : List.of(VLLM, TRTLLM_MAX, SGLANG)) {
      // Sequence 2 stands at a page's end: its own row takes a page, which has room for its drafts.
      assertThat(rows(policy, s.free(1))).as(policy.name()).isEqualTo("1:1 2:3");
      assertThat(rows(policy, s.free(2))).as(policy.name()).isEqualTo("1:5 2:3");
      assertThat(rows(policy, s.free(3))).as(policy.name()).isEqualTo("1:7 2:3");
    }
  }

  @Test
  void aSlotAheadCountsBesideTheDrafts() {
    Situation s = new Situation().ahead(1).drafts(1, 5, 2, 40, 6); // 6 computed, 7 slots held
    assertThat(rows(SGLANG, s.free(0))).isEqualTo("1:1");
    assertThat(rows(SGLANG, s.free(1))).isEqualTo("1:5"); // 12 slots, one of them ahead
    Situation end = new Situation().ahead(1).drafts(1, 5, 3, 40, 6); // 7 computed, 8 slots held
    assertThat(rows(SGLANG, end.free(1))).isEqualTo("1:4");
  }

  @Test
  void vllmCountsDraftsInTheTokenBudgetBeforeWaitingOnes() {
    Situation s = new Situation().chunk(8).drafts(1, 5, 2, 20, 3).drafts(2, 5, 2, 20, 3);
    assertThat(rows(VLLM, s.waits(3, 9, 4))).isEqualTo("1:4 2:4");
    assertThat(rows(VLLM, s.chunk(10))).isEqualTo("1:4 2:4 3:2");
    assertThat(rows(VLLM, s.chunk(5))).isEqualTo("1:4 2:1");
    assertThat(rows(VLLM, s.chunk(2))).isEqualTo("1:1 2:1");
    assertThat(rows(TRTLLM_MAX, s.chunk(10))).isEqualTo("1:4 2:4 3:2");
  }

  @Test
  void trtLlmCountsDraftsInTheTokenBudgetBeforePrompts() {
    Situation s = new Situation().chunk(9).drafts(1, 5, 2, 20, 3).reads(2, 20, 4, 4);
    assertThat(rows(TRTLLM, s)).isEqualTo("1:4 2:4"); // 5 left: one page
    assertThat(rows(TRTLLM, s.chunk(5))).isEqualTo("1:4"); // 1 left: less than a page
    assertThat(rows(TRTLLM, s.chunk(3))).isEqualTo("1:3");
  }

  @Test
  void sglangCountsNoDraftsInTheChunkAndMixesThemWithPrompts() {
    Situation s = new Situation().chunk(4).drafts(1, 5, 2, 20, 3).drafts(2, 5, 2, 20, 3);
    assertThat(rows(SGLANG, s)).isEqualTo("1:4 2:4");
    s.waits(3, 4, 4);
    assertThat(rows(SGLANG, s)).isEqualTo("3:4");
    assertThat(rows(MIXED, s)).isEqualTo("3:4 1:4 2:4");
  }

  @Test
  void staticBatchesArePaddedToTheLongestRun() {
    Situation s =
        new Situation()
            .memory(0, 4)
            .drafts(1, 5, 2, 20, 3)
            .drafts(2, 5, 2, 20, 1)
            .decodes(3, 5, 2, 20); // a fourth sequence has ended
    StepPlan plan = STATIC.plan(s.view());
    assertThat(Situation.rows(plan)).isEqualTo("1:4 2:2 3:1");
    assertThat(plan.padding()).isEqualTo(4 * 4 - 7);
  }

  @Test
  void aPromptsLastTokenHasNoDrafts() {
    Situation s = new Situation().reads(1, 8, 7, 9).drafts(2, 8, 0, 9, 3); // no output yet
    for (Policy policy : List.of(VLLM, TRTLLM, SGLANG, MIXED)) {
      assertThat(rows(policy, s)).as(policy.name()).isEqualTo("1:1 2:1");
    }
  }

  /** Plans random situations with and without drafts. */
  @Test
  void draftsRetractNoSequenceAndTakeNoRowOfARunningOne() {
    Random random = new Random(17);
    for (Policy policy : List.of(VLLM, TRTLLM, TRTLLM_MAX, SGLANG, MIXED, STATIC)) {
      int granted = 0;
      int retractions = 0;
      for (int i = 0; i < 20_000; i++) {
        long seed = random.nextLong();
        View with = situation(new Random(seed), true, policy).view();
        StepPlan plan = policy.plan(with);
        StepPlan plain = policy.plan(situation(new Random(seed), false, policy).view());
        assertThat(Situation.ids(plan.retract()))
            .as("%s, seed %d", policy.name(), seed)
            .isEqualTo(Situation.ids(plain.retract()));
        Map<Integer, Integer> counts = new HashMap<>();
        plain.rows().forEach(r -> counts.put(r.sequence().id, r.count()));
        for (View.Item item : with.running()) {
          int drafts = item.drafts();
          int before = counts.getOrDefault(item.sequence().id, 0);
          int now =
              plan.rows().stream()
                  .filter(r -> r.sequence() == item.sequence())
                  .mapToInt(StepPlan.Rows::count)
                  .sum();
          boolean prompt = !item.decoding();
          if (!prompt || policy != TRTLLM) { // there prompts come after drafts
            assertThat(now)
                .as("%s, seed %d", policy.name(), seed)
                .isBetween(before, before + drafts);
          }
          granted += prompt ? 0 : now - before;
        }
        requirePages(with, plan, policy.name() + ", seed " + seed);
        retractions += plan.retract().size();
      }
      assertThat(granted).as(policy.name()).isGreaterThan(1_000);
      assertThat(retractions > 0).as(policy.name()).isEqualTo(policy != STATIC && policy != TRTLLM);
    }
  }

  private static void requirePages(View view, StepPlan plan, String what) {
    Map<Sequence, View.Item> items = new HashMap<>();
    view.running().forEach(item -> items.put(item.sequence(), item));
    view.waiting().forEach(item -> items.put(item.sequence(), item));
    int free = view.free()[0];
    for (Sequence s : plan.retract()) {
      free += items.get(s).reclaimable()[0];
    }
    for (StepPlan.Rows r : plan.rows()) {
      View.Item item = items.get(r.sequence());
      int to = item.computed() + r.count() + view.ahead();
      free -= view.geometry().growth(0, item.held(), to);
    }
    assertThat(free).as(what).isNotNegative();
  }

  private static Situation situation(Random r, boolean drafts, Policy policy) {
    Situation s = new Situation().page(1 << r.nextInt(4)).ahead(r.nextInt(2));
    s.chunk(4 + r.nextInt(30)).memory(0.1, 5);
    // Policies that set pages aside never run out of them.
    boolean sure = policy == STATIC || policy == TRTLLM;
    s.free(sure ? 400 : r.nextInt(6));
    List<Integer> ids = new ArrayList<>();
    for (int n = 1 + r.nextInt(5); n > 0; n--) {
      ids.add(ids.size());
      int prompt = 1 + r.nextInt(12);
      int output = 1 + r.nextInt(12);
      int guesses = Math.min(r.nextInt(6), 30 - output - 1);
      if (r.nextInt(5) > 0) {
        s.drafts(ids.size(), prompt, output, 30, drafts ? guesses : 0);
      } else {
        s.reads(ids.size(), prompt + 1, r.nextInt(prompt + 1), 30);
      }
    }
    return r.nextBoolean() ? s : s.waits(99, 1 + r.nextInt(10), 4);
  }
}
