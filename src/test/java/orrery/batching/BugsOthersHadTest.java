package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.batching.SglangPolicy.Order;
import orrery.batching.TrtLlmPolicy.Capacity;

/** Bugs that other small engines had in their schedulers. */
class BugsOthersHadTest {
  private static final List<Policy> POLICIES =
      List.of(
          new StaticPolicy(0),
          new SglangPolicy(Order.FCFS, false, 1),
          new SglangPolicy(Order.LPM, true, 1),
          new VllmPolicy(),
          new TrtLlmPolicy(Capacity.GUARANTEED_NO_EVICT),
          new TrtLlmPolicy(Capacity.MAX_UTILIZATION));

  /** Retracts the last sequence at every step at which two or more run. */
  private record Ruthless(Policy gentle) implements Policy {
    @Override
    public StepPlan plan(View view) {
      StepPlan plan = gentle.plan(view);
      if (view.running().size() < 2 || !plan.retract().isEmpty() || !plan.admit().isEmpty()) {
        return plan;
      }
      Sequence last = view.running().getLast().sequence();
      List<StepPlan.Rows> rows = new ArrayList<>(plan.rows());
      rows.removeIf(r -> r.sequence() == last);
      return rows.isEmpty()
          ? plan
          : new StepPlan(List.of(last), List.of(), rows, 0, plan.stop(), plan.memory());
    }

    @Override
    public String name() {
      return "ruthless " + gentle.name();
    }
  }

  /** nano-vllm#211: a preempted sequence came back to its own blocks and counted them wrongly. */
  @Test
  void retractionAtEveryStepLosesNoSequenceAndNoPage() {
    int retractions = 0;
    int hits = 0;
    for (int seed = 0; seed < 1_500; seed++) {
      Walk walk = new Walk(new Ruthless(new VllmPolicy()), seed);
      walk.play();
      retractions += walk.retractions;
      hits += walk.hits;
    }
    assertThat(retractions).isGreaterThan(2_000);
    assertThat(hits).isGreaterThan(1_000);
  }

  /** nano-vllm#274: the only sequence preempted itself and the empty schedule crashed. */
  @Test
  void theOnlySequenceIsNeverRetractedAndAPlanWithoutSequencesIsEmpty() {
    for (Policy policy : POLICIES) {
      // Sequence 1 stands at a page's end; other pages are held by cheaper sequences.
      for (int others = 0; others < 3; others++) {
        Situation s = new Situation().memory(0.7, 1 + others).decodes(1, 8, 4, 40);
        for (int i = 0; i < others; i++) {
          s.decodes(2 + i, 2, 1, 40);
        }
        StepPlan plan = policy.plan(s.free(others == 0 ? 1 : others).view());
        assertThat(Situation.ids(plan.retract())).as(policy.name()).doesNotContain(1);
        assertThat((" " + Situation.rows(plan) + " ")).as(policy.name()).contains(" 1:1 ");
      }
      StepPlan empty = policy.plan(new Situation().memory(0.7, 0).view());
      assertThat(empty.rows()).isEmpty();
      assertThat(Situation.ids(empty.admit())).isEmpty();
      assertThat(empty.padding()).isZero();
      assertThat(empty.stop()).isIn(StepPlan.Stop.NOTHING_WAITS, StepPlan.Stop.BATCH);
    }
  }

  /** nano-vllm#144: "no answer yet" was taken for "prefill", which is wrong after a preemption. */
  @Test
  void aRetractedSequenceWithAnAnswerIsReadAgainInChunksLikeAPrompt() {
    Sequence s = new Sequence(1, 1, 0, new int[6], 40, 0, 0, 0, "");
    for (int i = 0; i < 6; i++) {
      s.append(i);
    }
    s.stop(true);
    assertThat(s.computed()).isZero();
    assertThat(s.output()).isEqualTo(6);
    for (Policy policy : POLICIES) {
      // It has 12 known tokens, 6 of them its answer; chunks are of 8.
      Situation again = new Situation().chunk(8).maxRunning(1).memory(0.7, 0);
      View view = again.waits(1, 12, 28).view();
      View.Item it = view.waiting().getFirst();
      View.Item retracted =
          new View.Item(s, 12, 0, 0, 0, 0, it.first(), it.takes(), it.reclaimable(), false);
      StepPlan plan =
          policy.plan(
              new View(
                  1_000,
                  List.of(retracted),
                  List.of(),
                  view.geometry(),
                  view.free(),
                  view.total(),
                  view.ahead(),
                  view.margin(),
                  view.limits(),
                  view.memory()));
      assertThat(plan.rows()).as(policy.name()).containsExactly(new StepPlan.Rows(s, 8));
      assertThat(retracted.decoding()).isFalse();
    }
  }
}
