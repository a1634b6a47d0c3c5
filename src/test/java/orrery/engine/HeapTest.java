package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.speculation.SpeculationOptions.Algorithm.MTP;
import static orrery.speculation.SpeculationOptions.Algorithm.NGRAM;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.grammar.Constraint;
import orrery.grammar.Grammars;
import orrery.kv.KvGeometry;
import orrery.model.Activations;
import orrery.model.ModelConfig;
import orrery.model.ModelSpec;
import orrery.sampling.SamplingParams;

/** Options that would take too much memory are refused before anything is made. */
class HeapTest {
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("mtp"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static void assertRefused(UnaryOperator<EngineOptions> options, String... words) {
    EngineOptions o = options.apply(EngineOptions.defaults());
    for (Runnable start :
        new Runnable[] {() -> Engine.start(loaded, o).close(), () -> Engine.check(loaded, o)}) {
      assertThatIllegalArgumentException()
          .isThrownBy(start::run)
          .withMessageMatching("[a-z-]+: .* would take [0-9,.]+ [MG]iB; [0-9.]+ [MG]iB are left.*")
          .satisfies(e -> assertThat(e.getMessage()).contains(words));
    }
  }

  @Test
  void aCacheIsRefusedByTheOptionThatMakesItLarge() {
    assertRefused(
        o -> o.withKv(kv -> kv.withMaxTotalTokens(2_000_000_000)),
        "max-total-tokens: a KV cache of 2,000,");
    assertRefused(
        o -> o.withKv(kv -> kv.withPageSize(1_000_000_000)),
        "page-size: a KV cache of 2 pages of 1,000,000,000 tokens");
    assertRefused(
        o -> o.withKv(kv -> kv.withPageSize(Integer.MAX_VALUE)),
        "page-size: a KV cache of 2 pages of 2,147,483,647");
  }

  @Test
  void aPageLongerThanTheContextTakesNoMoreOfAWindowThanTheContext() {
    ModelConfig v4 = Architectures.read(TinyModels.speck("v4-release").resolve("config.json"));
    EngineOptions o = EngineOptions.defaults().withKv(kv -> kv.withPageSize(1_000_000));
    int context = Sizes.contextLength(v4, o);
    KvGeometry g = Sizes.geometry(v4, o, context);
    long[] pages = Sizes.pages(o, g, context);
    assertThat(pages[0]).isEqualTo(1); // of 1,000,064 tokens, as the user asks
    for (int pool = 1; pool < pages.length; pool++) {
      assertThat(pages[pool]).as(g.name(pool)).isBetween(1L, (long) g.pages(pool, context));
    }
  }

  @Test
  void ordinaryOptionsAskForLittleAndAreAllowed() {
    HeapPlan plan = HeapPlan.of(loaded.model(), EngineOptions.defaults());
    assertThat(plan.bytes()).isBetween(1L << 20, 256L << 20);
    assertThatCode(plan::require).doesNotThrowAnyException();
    EngineOptions wide =
        EngineOptions.defaults()
            .withBatching(b -> b.withMaxRunningRequests(4096))
            .withSpeculation(s -> s.withAlgorithm(MTP).withNumSteps(16));
    assertThat(HeapPlan.of(loaded.model(), wide).bytes()).isGreaterThan(20 * plan.bytes());
  }

  /** 4,096 requests with 16 drafts each: 69,632 rows of logits. */
  @Test
  void everyPartGrowsWithItsOption() {
    EngineOptions plain = EngineOptions.defaults();
    EngineOptions drafts =
        plain
            .withBatching(b -> b.withMaxRunningRequests(4096))
            .withSpeculation(s -> s.withAlgorithm(MTP).withNumSteps(16));
    HeapPlan.Kind steps = HeapPlan.of(loaded.model(), drafts).kinds().get(1);
    assertThat(steps.option()).isEqualTo("speculative-num-steps");
    assertThat(steps.what()).contains("69,888 rows", "4,096 with 16 drafts each");
    long logits = 69_632L * loaded.model().vocab() * Float.BYTES;
    assertThat(steps.bytes()).isGreaterThan(2 * logits); // of the model and of its MTP layer
    HeapPlan.Kind prompts = HeapPlan.of(loaded.model(), plain).kinds().get(1);
    assertThat(prompts.option()).isEqualTo("chunked-prefill-size");
    assertThat(prompts.bytes()).isLessThan(steps.bytes() / 50);
  }

  @Test
  void everyThreadHasTheWorkingMemoryOfOpsForTheLargestStep() {
    EngineOptions one =
        EngineOptions.defaults()
            .withCompute(c -> c.withThreads(1))
            .withBatching(b -> b.withMaxRunningRequests(8).withChunkedPrefillSize(24));
    EngineOptions five = one.withCompute(c -> c.withThreads(5));
    ModelSpec model = loaded.model();
    long more = HeapPlan.of(model, five).bytes() - HeapPlan.of(model, one).bytes();
    int context = Sizes.contextLength(model, one);
    Activations a = model.activations(Sizes.layout(model, one).boundary() >= 0, context);
    assertThat(a.ops()).isPositive();
    assertThat(more).isEqualTo(4 * (a.thread() + a.ops() + 32 * a.opsRow()));
  }

  @Test
  void productsAndSumsThatOverflowAreTheLargestLong() {
    assertThat(Heap.times(3, 5, 7)).isEqualTo(105);
    assertThat(Heap.times(1L << 32, 1L << 32)).isEqualTo(Long.MAX_VALUE);
    assertThat(Heap.times(Long.MAX_VALUE, 1)).isEqualTo(Long.MAX_VALUE);
    assertThat(Heap.times(0, Long.MAX_VALUE, 2)).isZero();
    assertThat(Heap.plus(Long.MAX_VALUE, 1)).isEqualTo(Long.MAX_VALUE);
    assertThat(Heap.size(1_610_612_736L)).isEqualTo("1.5 GiB");
    assertThat(Heap.size(1_572_864)).isEqualTo("1.5 MiB");
  }

  @Test
  void theErrorWhenMemoryRunsOutSaysWhatWasBeingMade() {
    assertThatThrownBy(
            () ->
                Heap.making(
                    "a castle",
                    () -> {
                      throw new OutOfMemoryError("Java heap space");
                    }))
        .isInstanceOf(OutOfMemoryError.class)
        .hasMessageStartingWith(
            "out of memory while making a castle (Java heap space); the heap is at most ")
        .hasCauseInstanceOf(OutOfMemoryError.class);
  }

  @Test
  void anErrorOfTheJvmWithoutWordsIsNotQuoted() {
    assertThat(Heap.during("running", new OutOfMemoryError()))
        .hasMessageStartingWith("out of memory while running; the heap is at most ");
  }

  @Test
  void aBillionAnswersToOnePromptAreRefusedWithTheirSize() {
    try (Engine engine = Engine.start(loaded, EngineOptions.defaults())) {
      SamplingParams params = SamplingParams.defaults().withN(1_000_000_000);
      assertThatThrownBy(() -> engine.submit(Request.of(new int[] {1, 2}, params)))
          .isInstanceOf(RequestException.class)
          .hasMessageStartingWith("n: 1000000000 answers to a prompt of 2 tokens would take")
          .hasMessageContaining("GiB");
    }
  }

  /** Else a client could keep the machine busy with what is refused. */
  @Test
  void aRefusedRequestCollectsNoGarbage() {
    try (Engine engine = Engine.start(loaded, EngineOptions.defaults())) {
      SamplingParams params = SamplingParams.defaults().withN(1_000_000_000);
      Request request = Request.of(new int[] {1, 2}, params);
      long before = collections();
      for (int i = 0; i < 40; i++) {
        assertThatThrownBy(() -> engine.submit(request)).isInstanceOf(RequestException.class);
      }
      assertThat(collections() - before).isLessThan(20);
    }
  }

  private static long collections() {
    return ManagementFactory.getGarbageCollectorMXBeans().stream()
        .mapToLong(GarbageCollectorMXBean::getCollectionCount)
        .sum();
  }

  @Test
  void theRoomForRequestsIsWhatTheWeightsAndTheEngineLeaveAndNeverChanges() {
    HeapPlan plan = HeapPlan.of(loaded.model(), EngineOptions.defaults());
    long weights = loaded.model().info().bytes();
    assertThat(plan.room(loaded.model())).isEqualTo(Heap.max() - weights - plan.bytes());
  }

  @Test
  void logProbabilitiesOfAnswersThatComeTogetherHaveOneLimit() {
    SamplingParams params = SamplingParams.defaults().withMaxTokens(100).withLogprobs(20);
    Request one = Request.of(new int[] {1, 2}, params);
    long each = 100 * PromptScores.bytes(20);
    assertThat(each).isEqualTo(66_000);
    RequestLimits.requireFewLogprobs(List.of(one, one), 500, 8 * 2 * each);
    List<List<Request>> tooMany =
        List.of(
            List.of(one, one, one),
            List.of(Request.of(new int[] {1, 2}, params.withN(3))),
            List.of(Request.of(new int[] {1, 2}, params.withMaxTokens(201))));
    for (List<Request> requests : tooMany) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> RequestLimits.requireFewLogprobs(requests, 500, 8 * 2 * each))
          .withMessageMatching("logprobs: log-probabilities of .* 0.1 MiB, 1/8 of what .*");
    }
    // The context ends an answer earlier, and without log-probabilities there is no limit.
    Request cut = Request.of(new int[] {1, 2}, params.withMaxTokens(Integer.MAX_VALUE));
    RequestLimits.requireFewLogprobs(List.of(cut), 202, 8 * 2 * each);
    Request plain = Request.of(new int[] {1, 2}, params.withN(1000).withLogprobs(-1));
    RequestLimits.requireFewLogprobs(List.of(plain), 500, 0);
  }

  /** Each choice has its prompt and the state of its search; the tables are there once. */
  @Test
  void choicesThatComeTogetherHaveOneLimit() {
    SamplingParams params =
        SamplingParams.defaults().withStop(Collections.nCopies(256, "x".repeat(1024)));
    long tables = params.sharedBytes();
    assertThat(tables).isBetween(4L * 256 * 1024, 5L * 256 * 1024);
    long each = 4096 + 2 * 4 * 2 + params.answerBytes();
    assertThat(params.answerBytes()).isBetween(2L * 4 * 256 + 2 * 1024, 16L * 1024);
    List<Request> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      all.add(Request.of(new int[] {1, 2}, params).withSeed(i));
    }
    RequestLimits.requireRoomToWait(all, tables + 100 * each);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RequestLimits.requireRoomToWait(all, tables + 100 * each - 1))
        .withMessageMatching("requests: 100 that come together would take .*");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RequestLimits.requireRoomToWait(all, tables - 1))
        .withMessageMatching("stop: the search for these strings would take 1.0 MiB.*");
    List<Request> many = List.of(Request.of(new int[] {1, 2}, params.withN(100)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RequestLimits.requireRoomToWait(many, tables + 99 * each))
        .withMessageMatching("n: 100 answers to a prompt of 2 tokens would take .*");
  }

  @Test
  void aConstraintIsCountedOnceForAllWhoShareIt() {
    byte[][] tokens = new byte[256][1]; // [256][1]
    for (int b = 0; b < tokens.length; b++) {
      tokens[b][0] = (byte) b;
    }
    Constraint constraint = Grammars.of(tokens).regex("[a-c]{1000}");
    SamplingParams params = SamplingParams.defaults().withConstraint(constraint);
    Request one = Request.of(new int[] {1, 2}, params);
    assertThat(constraint.bytes()).isGreaterThan((2 << 20) + 1000L * (8 + 2));
    long all = 2 * (4096 + 2 * 4 * 2) + constraint.bytes();
    RequestLimits.requireRoomToWait(List.of(one, one.withSeed(3)), all);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RequestLimits.requireRoomToWait(List.of(one, one), all - 1))
        .withMessageMatching("requests: 2 that come together would take .*");
  }

  @Test
  void promptLookupIsCountedForEachRunLength() {
    EngineOptions off = EngineOptions.defaults();
    EngineOptions one = off.withSpeculation(s -> s.withAlgorithm(NGRAM).withNgram(3, 3));
    EngineOptions all = off.withSpeculation(s -> s.withAlgorithm(NGRAM).withNgram(1, 64));
    long each = running(one) - running(off);
    int context = Sizes.contextLength(loaded.model(), off);
    int requests = off.batching().maxRunningRequests();
    assertThat(each).isBetween(8L * context * requests, 16L * context * requests);
    assertThat(running(all) - running(off)).isEqualTo(64 * each);
  }

  private static long running(EngineOptions o) {
    return HeapPlan.of(loaded.model(), o).kinds().stream()
        .filter(kind -> kind.what().contains("running requests hold"))
        .mapToLong(HeapPlan.Kind::bytes)
        .sum();
  }
}
