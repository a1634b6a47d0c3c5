package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.batching.SchedulePolicy;
import orrery.batching.StepPlan.Stop;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.graph.Step;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;
import orrery.madeup.MadeUp;
import orrery.madeup.MadeUpModel;
import orrery.madeup.NaiveMadeUp;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.SamplingParams;
import orrery.speculation.MtpDrafter;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * An engine with the pools of DeepSeek-V4 in their real sizes: windows of 128, states of 8 and r.
 */
@Timeout(600)
class HybridPoolsTest {
  private static final int W = 128;
  private static final int P = 512; // four windows

  private final Random random = new Random(11);
  private final List<Event> events = new ArrayList<>(); // on the engine's thread, read at its end

  private static LoadedModel load(MadeUp numbers) {
    return new LoadedModel(
        Path.of("v4"), new MadeUpModel(numbers), Optional.empty(), new int[] {5, 17});
  }

  private static EngineOptions options(int context, int page) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withContextLength(context).withPageSize(page))
        .withBatching(b -> b.withChunkedPrefillSize(256).withMaxRunningRequests(4));
  }

  private static EngineOptions drafting(EngineOptions o, int steps) {
    return o.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(steps));
  }

  private static SamplingParams params(int tokens, int n, long seed) {
    return SamplingParams.defaults()
        .withMaxTokens(tokens)
        .withIgnoreEos(true)
        .withTemperature(0.9)
        .withN(n)
        .withLogprobs(2)
        .withSeed(seed);
  }

  private int[] prompt(int tokens) {
    return random.ints(tokens, 0, 61).toArray();
  }

  private <T> List<T> seen(Class<T> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private static void requireSaid(
      Function<int[], float[][]> oracle, LoadedModel loaded, Request q, List<Answer> answers) {
    for (Answer a : answers) {
      Said expected = Said.by(oracle, loaded, q.prompt(), q.params(), a.choice());
      assertThat(Said.of(a).toString()).isEqualTo(expected.toString());
    }
  }

  /** What a request may hold is said by {@link KvGeometry#expected}; here it is counted. */
  @Test
  void aRequestOf4096TokensOwnsWindowsAndNotLengths() {
    for (int drafts : new int[] {-1, 0, 2}) { // without drafts, MTP rows are put off
      boolean mtp = drafts >= 0;
      EngineOptions plain = options(4_352, 200); // rounded up to 256
      EngineOptions o = mtp ? drafting(plain, drafts) : plain;
      int margin = mtp ? MtpDrafter.MARGIN : 0;
      int rows = 256 + 4 * 3; // of a step, drafts included
      int[] most = new int[3]; // [pools] of a step, while its rows are computed
      events.clear();
      LoadedModel bare = load(MadeUp.v4(W, 128, 4_352));
      try (LoadedModel loaded = SpyModel.spy(bare, step -> look(step, most));
          Engine engine = Engine.start(loaded, o, events::add)) {
        assertThat(engine.pageTokens()).isEqualTo(256);
        engine.submit(Request.of(prompt(3_000), params(1_096, 1, 3))).join();
      }
      String as = "drafts " + drafts;
      assertThat(most[0]).as(as).isEqualTo(16); // 4,096 tokens
      assertThat(most[1]).as(as).isLessThanOrEqualTo(pages(W + margin + rows, 16));
      assertThat(most[2]).as(as).isLessThanOrEqualTo(pages(8 + margin + rows, 8));
      List<Event.StepDone> steps = seen(Event.StepDone.class);
      for (Event.StepDone step : steps) {
        List<PoolPages> pools = step.pools();
        assertThat(pools)
            .extracting(PoolPages::pool)
            .containsExactly("all", "window 128", "window 8");
        assertThat(pools).extracting(PoolPages::span).containsExactly(256, 16, 8);
        assertThat(pools.get(1).referenced()).as(as).isLessThanOrEqualTo(pages(W + margin, 16));
        assertThat(pools.get(2).referenced()).as(as).isLessThanOrEqualTo(pages(8 + margin, 8));
      }
      int passed = steps.stream().mapToInt(s -> s.pools().get(1).passed()).sum();
      assertThat(passed).as(as).isBetween(4_096 / 16 - pages(W + margin, 16), 4_096 / 16);
      System.out.printf(
          "4,096 tokens, drafts %s: most pages while a step runs %s; between steps %s%n",
          drafts,
          Arrays.toString(most),
          steps.stream()
              .map(s -> s.pools().stream().map(PoolPages::referenced).toList())
              .reduce((a, b) -> List.of(max(a, b, 0), max(a, b, 1), max(a, b, 2)))
              .orElseThrow());
    }
  }

  private static int max(List<Integer> a, List<Integer> b, int i) {
    return Math.max(a.get(i), b.get(i));
  }

  /** Pages in which so many slots lie, wherever they begin. */
  private static int pages(int slots, int span) {
    return Math.ceilDiv(slots + span - 1, span);
  }

  private static void look(Step step, int[] most) {
    for (int r = 0; r < step.rows(); r++) {
      PageTable table = step.tables[step.sequence[r]];
      for (int pool = 0; pool < most.length; pool++) {
        most[pool] = Math.max(most[pool], table.end(pool) - table.first(pool));
      }
    }
  }

  /** In four pools, of which a hit needs all, nothing, 4 rows and 127. */
  @Test
  void hitsBehindDecodedTokensAndForksBehindThemGiveTheOraclesBits() {
    MadeUp numbers = MadeUp.v4(W, 16, 1_536);
    Function<int[], float[][]> oracle = new NaiveMadeUp(numbers)::logits;
    for (PrefixCacheKind kind :
        new PrefixCacheKind[] {PrefixCacheKind.RADIX, PrefixCacheKind.HASH}) {
      for (boolean mtp : new boolean[] {false, true}) {
        EngineOptions plain = options(1_536, P).withPrefix(p -> p.withPrefixCache(kind));
        EngineOptions o = mtp ? drafting(plain, 3) : plain;
        events.clear();
        try (LoadedModel loaded = load(numbers);
            Engine engine = Engine.start(loaded, o, events::add)) {
          int[] first = prompt(40);
          Answer long_ = engine.submit(Request.of(first, params(1_000, 1, 4))).join().getFirst();
          int[] all = Arrays.copyOf(first, 1_040);
          System.arraycopy(long_.tokens(), 0, all, 40, 1_000);
          Request behind = Request.of(Arrays.copyOf(all, 1_030), params(6, 3, 5));
          requireSaid(oracle, loaded, behind, engine.submit(behind).join());
          Request half = Request.of(Arrays.copyOf(all, 520), params(6, 1, 6));
          requireSaid(oracle, loaded, half, engine.submit(half).join());
        }
        String as = kind + ", MTP " + mtp;
        assertThat(seen(Event.Admitted.class))
            .as(as)
            .extracting(Event.Admitted::hit)
            .containsExactly(0, 1_024, 512);
        assertThat(seen(Event.Forked.class)).as(as).hasSize(2);
        assertThat(seen(Event.StepDone.class).getFirst().pools())
            .extracting(PoolPages::pool)
            .containsExactly("all", "window 128", "window 16", "window 8");
      }
    }
  }

  @Test
  void requestsThatAreRetractedBecauseThePagesThatStayRunOutGiveTheOraclesBits() {
    MadeUp numbers = MadeUp.v4(W, 16, 1_536);
    Function<int[], float[][]> oracle = new NaiveMadeUp(numbers)::logits;
    for (SchedulePolicy policy :
        new SchedulePolicy[] {SchedulePolicy.VLLM, SchedulePolicy.TRTLLM_MAX_UTILIZATION}) {
      EngineOptions o =
          options(1_024, P)
              .withKv(kv -> kv.withMaxTotalTokens(3 * P))
              .withBatching(b -> b.withSchedulePolicy(policy));
      events.clear();
      try (LoadedModel loaded = load(numbers);
          Engine engine = Engine.start(loaded, o, events::add)) {
        answerAll(engine, loaded, oracle, 505, 16);
      }
      assertThat(seen(Event.Retracted.class)).as(policy.name()).isNotEmpty();
    }
  }

  private void answerAll(
      Engine engine,
      LoadedModel loaded,
      Function<int[], float[][]> oracle,
      int prompt,
      int tokens) {
    List<Request> requests = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      requests.add(Request.of(prompt(prompt), params(tokens, 1, i)));
    }
    List<Completion> completions = engine.submit(requests);
    for (int i = 0; i < 4; i++) {
      requireSaid(oracle, loaded, requests.get(i), completions.get(i).join());
    }
  }

  @Test
  void windowPoolsForTwoSequencesAdmitNoMoreAndAreNeverOvercommitted() {
    MadeUp numbers = MadeUp.v4(W, 16, 1_536);
    Function<int[], float[][]> oracle = new NaiveMadeUp(numbers)::logits;
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      EngineOptions o =
          options(1_024, P)
              .withKv(kv -> kv.withMaxTotalTokens(16 * P).withSwaFullTokensRatio(0.04))
              .withBatching(b -> b.withSchedulePolicy(policy).withBatchWaitMillis(0));
      events.clear();
      try (LoadedModel loaded = load(numbers);
          Engine engine = Engine.start(loaded, o, events::add)) {
        answerAll(engine, loaded, oracle, 300, 8);
      }
      List<Event.StepDone> steps = seen(Event.StepDone.class);
      assertThat(steps.getFirst().pools().get(1).total()).isEqualTo(21); // 328 tokens
      assertThat(steps)
          .as(policy.name())
          .extracting(Event.StepDone::running)
          .contains(2)
          .doesNotContain(3, 4);
      assertThat(steps).extracting(Event.StepDone::stop).contains(Stop.NO_PAGES.name());
    }
  }

  @Test
  void aRequestThatAWindowPoolIsTooSmallForIsRefusedByPoolAndOption() {
    EngineOptions o =
        options(1_024, P).withKv(kv -> kv.withMaxTotalTokens(2 * P).withSwaFullTokensRatio(0.1));
    try (LoadedModel loaded = load(MadeUp.v4(W, 16, 1_536));
        Engine engine = Engine.start(loaded, o)) {
      assertThat(engine.longest()).isEqualTo(7 * 16);
      assertThatThrownBy(() -> engine.submit(Request.of(prompt(200), params(8, 1, 1))))
          .isInstanceOf(RequestException.class)
          .hasMessage(
              "request: prompt and max_tokens make 208 tokens, which need 9 pages of 16; the KV"
                  + " cache's pool window 128 has 7 (swa-full-tokens-ratio, max-total-tokens)");
    }
  }

  /** With as many window pages as lengths would need, the same steps are planned. */
  @Test
  void windowsOfAutomaticSizeHoldNoSequenceBack() {
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      for (boolean mtp : new boolean[] {false, true}) {
        for (PrefixCacheKind kind : PrefixCacheKind.values()) {
          requireEqualPlans(policy, mtp, kind);
        }
      }
    }
  }

  private void requireEqualPlans(SchedulePolicy policy, boolean mtp, PrefixCacheKind kind) {
    EngineOptions plain =
        options(2_048, 256)
            .withPrefix(p -> p.withPrefixCache(kind))
            .withBatching(
                b -> b.withSchedulePolicy(policy).withMaxRunningRequests(8).withBatchWaitMillis(0));
    List<List<String>> plans = new ArrayList<>();
    int[] pages = new int[2];
    for (int full = 0; full < 2; full++) {
      int ratio = full;
      run20(mtp ? drafting(plain, 2) : plain, ratio);
      List<Event.StepDone> steps = seen(Event.StepDone.class);
      plans.add(steps.stream().map(HybridPoolsTest::plan).toList());
      pages[full] = steps.getFirst().pools().get(1).total();
    }
    String as = policy + ", MTP " + mtp + ", prefix cache " + kind;
    assertThat(plans.get(0)).as(as).isEqualTo(plans.get(1));
    assertThat(pages[0]).as(as).isLessThan(pages[1]);
    System.out.printf("%s: %d pages of the window instead of %d%n", as, pages[0], pages[1]);
  }

  /** Answers 20 requests of any length; their events are the only ones then. */
  private void run20(EngineOptions options, int ratio) {
    events.clear();
    random.setSeed(19);
    try (LoadedModel loaded = load(MadeUp.v4(W, 128, 2_048));
        Engine engine =
            Engine.start(
                loaded, options.withKv(kv -> kv.withSwaFullTokensRatio(ratio)), events::add)) {
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        int tokens = 100 + random.nextInt(1_500);
        requests.add(Request.of(prompt(tokens), params(1 + random.nextInt(60), 1, i)));
      }
      engine.submit(requests).forEach(Completion::join);
    }
  }

  @Test
  void onlyAPrefixCacheHasRoomForCachedWindows() {
    try (LoadedModel loaded = load(MadeUp.v4(W, 128, 2_048))) {
      for (PrefixCacheKind kind : PrefixCacheKind.values()) {
        EngineOptions o = options(2_048, 256).withPrefix(p -> p.withPrefixCache(kind));
        KvGeometry g = Sizes.geometry(loaded.model(), o, 2_048);
        // 4 windows that begin anywhere, a chunk and 4 tokens, and a part of a page for each
        int windows = 4 * pages(W, 16) + Math.ceilDiv(256 + 4, 16) + 4;
        int states = 4 * pages(8, 8) + Math.ceilDiv(256 + 4, 8) + 4;
        boolean caches = kind != PrefixCacheKind.OFF;
        int cachedWindows = caches ? 4 * W / 16 : 0; // one for each running sequence
        int cachedStates = caches ? Math.ceilDiv(17 * 256 / 8, 10) : 0; // a tenth of all lengths
        assertThat(Sizes.pages(o, g, 2_048))
            .as(kind.name())
            .containsExactly(17, windows + cachedWindows, states + cachedStates);
      }
    }
  }

  private static String plan(Event.StepDone s) {
    return s.prefillRows() + " " + s.decodeRows() + " " + s.running() + " " + s.waiting();
  }
}
