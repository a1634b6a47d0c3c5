package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import orrery.batching.StepPlan.Stop;
import orrery.batching.TrtLlmPolicy.Capacity;
import orrery.batching.View.Item;
import orrery.batching.View.Limits;
import orrery.batching.View.Memory;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;

/** A pool that keeps all, with many pages, and one with a window of 128, with few. */
class WindowPoolsInPlansTest {
  private static final KvGeometry GEOMETRY =
      new KvGeometry(
          new KvLayout(List.of(Stream.whole("key", 1), new Stream("raw", 1, 1, 128, 127))), 256);
  private static final List<Policy> GREEDY =
      List.of(new VllmPolicy(), new TrtLlmPolicy(Capacity.MAX_UTILIZATION));

  private final List<Item> running = new ArrayList<>();
  private final List<Item> waiting = new ArrayList<>();

  private static Item item(int id, int prompt, int known, int computed) {
    int[] first = {0, GEOMETRY.passed(1, computed)};
    int[] owned = {GEOMETRY.pages(0, computed), GEOMETRY.pages(1, computed) - first[1]};
    Sequence s = new Sequence(id, id, 0, new int[prompt], prompt + 500, 0, id, 0, "");
    int[] none = {0, 0};
    return new Item(s, known, computed, computed, computed, 0, first, none, owned, false);
  }

  private StepPlan plan(Policy policy, int freeAll, int freeOfWindow, int chunk) {
    int[] free = {freeAll, freeOfWindow};
    int[] total = free.clone();
    for (Item item : running) {
      for (int pool = 0; pool < 2; pool++) {
        total[pool] += item.reclaimable()[pool];
      }
    }
    return policy.plan(
        new View(
            0,
            List.copyOf(waiting),
            List.copyOf(running),
            GEOMETRY,
            free,
            total,
            0,
            0,
            new Limits(8, chunk),
            new Memory(0, 0)));
  }

  /** Found: the whole chunk had to fit the window's pool, so each long prompt threw them out. */
  @Test
  void aLongPromptIsCutToWhatTheWindowHasAndThrowsNoDecodingSequenceOut() {
    running.add(item(1, 2_000, 2_000, 512));
    running.add(item(2, 20, 161, 160)); // each needs a page of the window now
    running.add(item(3, 20, 161, 160));
    for (Policy policy : GREEDY) {
      StepPlan plan = plan(policy, 100, 4, 600);
      assertThat(plan.retract()).as(policy.name()).isEmpty();
      assertThat(Situation.rows(plan)).as("two of four pages").isEqualTo("1:32 2:1 3:1");
    }
  }

  @Test
  void aSequenceIsPushedOutOnlyWhenNotEvenOneRowHasAPageOfTheWindow() {
    running.add(item(1, 2_000, 2_000, 512));
    running.add(item(2, 20, 161, 160));
    running.add(item(3, 20, 165, 164)); // has room in its last page
    for (Policy policy : GREEDY) {
      StepPlan two = plan(policy, 100, 2, 600);
      assertThat(two.retract()).as(policy.name()).isEmpty();
      assertThat(Situation.rows(two)).isEqualTo("1:16 2:1 3:1");
      StepPlan one = plan(policy, 100, 1, 600);
      assertThat(Situation.ids(one.retract())).as(policy.name()).containsExactly(3);
      StepPlan all = plan(policy, 0, 100, 600); // the pages that stay: as it always was
      assertThat(Situation.ids(all.retract())).as(policy.name()).containsExactly(3, 2);
    }
  }

  @Test
  void aSequenceIsAdmittedIfItsWindowFitsAndItsChunkIsCutToThePagesThatAreFree() {
    running.add(item(1, 20, 161, 160));
    waiting.add(item(2, 1_000, 1_000, 0));
    for (Policy policy : GREEDY) {
      StepPlan refused = plan(policy, 100, 9, 600); // a window lies in 9 pages, one is for 1
      assertThat(refused.stop()).as(policy.name()).isEqualTo(Stop.NO_PAGES);
      assertThat(Situation.rows(refused)).isEqualTo("1:1");
      StepPlan admitted = plan(policy, 100, 10, 600);
      assertThat(Situation.rows(admitted)).as(policy.name()).isEqualTo("1:1 2:144");
      StepPlan missing = plan(policy, 1, 100, 600); // of pages that stay there must be enough
      assertThat(missing.stop()).as(policy.name()).isEqualTo(Stop.NO_PAGES);
    }
  }
}
