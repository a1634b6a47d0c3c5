package orrery.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import orrery.batching.SglangPolicy.Order;
import orrery.batching.TrtLlmPolicy.Capacity;

/** The tests that every policy must pass, on random walks without a model. */
class PolicyContractTest {
  private static final int WALKS = 10_000; // for each of ten policies
  private static final int SITUATIONS = 10_000; // with a deferred sequence, for each policy

  private record Variant(String name, Policy policy, boolean retracts) {}

  private static Stream<Variant> policies() {
    return Stream.of(
        new Variant("static", new StaticPolicy(0), false),
        new Variant("sglang fcfs", new SglangPolicy(Order.FCFS, false, 1), true),
        new Variant("sglang fcfs, bold", new SglangPolicy(Order.FCFS, false, 0.05), true),
        new Variant("sglang fcfs, mixed, bold", new SglangPolicy(Order.FCFS, true, 0.05), true),
        new Variant("sglang lpm, bold", new SglangPolicy(Order.LPM, false, 0.05), true),
        new Variant("sglang lpm, mixed", new SglangPolicy(Order.LPM, true, 1), true),
        new Variant("sglang fcfs, shy", new SglangPolicy(Order.FCFS, true, 10), true),
        new Variant("vllm", new VllmPolicy(), true),
        new Variant("trtllm", new TrtLlmPolicy(Capacity.GUARANTEED_NO_EVICT), false),
        new Variant("trtllm max utilization", new TrtLlmPolicy(Capacity.MAX_UTILIZATION), true));
  }

  /**
   * A request is retracted at most as often as all requests together have tokens, see {@link Walk}.
   */
  @TestFactory
  Stream<DynamicTest> everySequenceFinishesAndEveryPlanKeepsItsPromises() {
    return policies().map(v -> DynamicTest.dynamicTest(v.name(), () -> walk(v)));
  }

  /**
   * Of the waiting sequences only the last one can be deferred, and it waits for one ahead of it,
   * which has at least its priority and its hit. Nothing runs and there is room. So one of those
   * ahead must start: else the deferred one waits for ever, and they wait behind it.
   */
  @TestFactory
  Stream<DynamicTest> aDeferredSequenceDoesNotHoldUpTheOneItWaitsFor() {
    return policies()
        .filter(v -> v.policy().waitsForPrefixes())
        .map(v -> DynamicTest.dynamicTest(v.name(), () -> defer(v)));
  }

  private static void defer(Variant v) {
    for (int seed = 0; seed < SITUATIONS; seed++) {
      Random random = new Random(seed);
      int ahead = 1 + random.nextInt(5);
      int[] priorities = random.ints(ahead, 0, 3).map(p -> -p).sorted().map(p -> -p).toArray();
      int[] hits = random.ints(ahead, 0, 4).map(pages -> 4 * pages).toArray();
      Situation s = new Situation().free(1_000);
      for (int id = 0; id < ahead; id++) {
        s.waits(id, hits[id] + 1 + random.nextInt(40), 8, hits[id], priorities[id]);
      }
      int awaited = random.nextInt(ahead);
      int hit = 4 * random.nextInt(hits[awaited] / 4 + 1);
      s.waitsForPrefix(ahead, hit + 5 + random.nextInt(40), hit, priorities[ahead - 1]);
      StepPlan plan = v.policy().plan(s.view());
      assertThat(Situation.ids(plan.admit()))
          .as("%s, seed %d", v.name(), seed)
          .isNotEmpty()
          .doesNotContain(ahead);
      assertThat(plan.rowCount()).isPositive();
    }
  }

  private static void walk(Variant v) {
    long begin = System.nanoTime();
    int retractions = 0;
    int most = 0;
    int hits = 0;
    int forks = 0;
    int cancelled = 0;
    long drafts = 0;
    long draftsAhead = 0;
    long refusedDrafts = 0;
    int refused = 0;
    int forksBehindHits = 0;
    long steps = 0;
    for (int seed = 0; seed < WALKS; seed++) {
      Walk walk = new Walk(v.policy(), seed);
      try {
        walk.play();
      } catch (RuntimeException | AssertionError e) {
        fail("%s, seed %d: %s", v.name(), seed, e.getMessage(), e);
      }
      retractions += walk.retractions;
      most = Math.max(most, walk.mostRetractions);
      hits += walk.hits;
      forks += walk.forks;
      cancelled += walk.cancelled;
      drafts += walk.drafts;
      draftsAhead += walk.draftsAhead;
      refusedDrafts += walk.refusedDrafts;
      refused += walk.refused;
      forksBehindHits += walk.forksBehindHits;
      steps += walk.step;
    }
    System.out.printf(
        "%s: %d walks, %d steps, %d retractions (at most %d of one request), %d hits, %d forks (%d"
            + " pools behind hits), %d cancelled, %d refused; %d drafts, %d of them with a slot"
            + " ahead, %d refused; %.1f s%n",
        v.name(),
        WALKS,
        steps,
        retractions,
        most,
        hits,
        forks,
        forksBehindHits,
        cancelled,
        refused,
        drafts,
        draftsAhead,
        refusedDrafts,
        (System.nanoTime() - begin) / 1e9);
    assertThat(retractions > 0).as("retractions").isEqualTo(v.retracts());
    assertThat(hits).as("prefix hits").isPositive();
    assertThat(forks).as("forks").isPositive();
    assertThat(forksBehindHits).as("forks behind hits").isPositive();
    assertThat(cancelled).as("cancelled").isPositive();
    assertThat(refused).as("requests that could not run alone").isPositive();
    assertThat(draftsAhead).as("drafts with a slot ahead").isPositive();
    assertThat(drafts - draftsAhead).as("drafts without").isPositive();
    assertThat(refusedDrafts > 0)
        .as("drafts without room: static batching has set pages aside for all drafts")
        .isEqualTo(!v.name().equals("static"));
  }
}
