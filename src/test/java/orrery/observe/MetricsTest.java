package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import orrery.TinyModels;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.Event.PoolPages;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Metrics, read back by a strict parser, against the events that they come from. */
class MetricsTest {
  private static final long MS = 1_000_000;

  private final Metrics metrics = new Metrics("tiny \"one\"\\");

  private Exposition read() {
    return Exposition.read(metrics.text());
  }

  private static <E extends Event> long sum(
      List<Event> events, Class<E> kind, ToLongFunction<E> of) {
    return events.stream().filter(kind::isInstance).map(kind::cast).mapToLong(of).sum();
  }

  @Test
  void theNamesThatDashboardsExpectAreThereBeforeTheFirstRequest() {
    Map<String, String> types = new HashMap<>();
    read().families().forEach((name, family) -> types.put(name, family.type()));
    for (String gauge :
        """
        num_running_reqs num_queue_reqs token_usage num_used_tokens kv_used_tokens
        kv_available_tokens kv_evictable_tokens max_total_num_tokens cache_hit_rate
        gen_throughput spec_accept_length num_retracted_reqs
        """
            .split("\\s+")) {
      assertThat(types).containsEntry("sglang:" + gauge, "gauge");
    }
    for (String counter :
        """
        prompt_tokens_total generation_tokens_total num_requests_total cached_tokens_total
        num_aborted_requests_total num_retracted_requests_total evicted_tokens_total
        """
            .split("\\s+")) {
      assertThat(types).containsEntry("sglang:" + counter, "counter");
    }
    for (String histogram :
        """
        time_to_first_token_seconds inter_token_latency_seconds e2e_request_latency_seconds
        queue_time_seconds
        """
            .split("\\s+")) {
      assertThat(types).containsEntry("sglang:" + histogram, "histogram");
    }
    for (String counter : "num_drafts num_draft_tokens num_accepted_tokens".split(" ")) {
      assertThat(types).containsEntry("vllm:spec_decode_" + counter + "_total", "counter");
    }
  }

  @Test
  void countersSayWhatTheEventsOfABusyRunSay() {
    List<Event> seen = SinksTest.busyRun(metrics);
    Exposition text = read();
    Set<Integer> ran = new HashSet<>();
    long cached = 0;
    for (Event event : seen) {
      if (event instanceof Event.Admitted e && ran.add(e.request())) {
        cached += e.hit();
      }
    }
    assertThat(text.value("sglang:prompt_tokens_total")).isEqualTo(80);
    assertThat(text.value("sglang:cached_tokens_total")).isEqualTo(cached).isPositive();
    assertThat(text.value("sglang:generation_tokens_total"))
        .isEqualTo(sum(seen, Event.TokenOut.class, e -> 1));
    assertThat(text.value("sglang:num_requests_total")).isEqualTo(8);
    assertThat(text.value("sglang:num_aborted_requests_total")).isZero();
    assertThat(text.value("sglang:num_retracted_requests_total"))
        .isEqualTo(sum(seen, Event.Retracted.class, e -> 1))
        .isPositive();
    assertThat(
            text.value("sglang:num_retracted_input_tokens_total")
                + text.value("sglang:num_retracted_output_tokens_total"))
        .isEqualTo(sum(seen, Event.Retracted.class, Event.Retracted::lost));
    assertThat(text.value("sglang:evicted_tokens_total"))
        .isEqualTo(4 * sum(seen, Event.Evicted.class, Event.Evicted::pages))
        .isPositive();
    assertThat(text.value("orrery:evicted_pages_total", "pool", "all"))
        .isEqualTo(sum(seen, Event.Evicted.class, Event.Evicted::pages));
    assertThat(text.value("orrery:steps_total")).isEqualTo(sum(seen, Event.StepDone.class, e -> 1));
    assertThat(text.value("orrery:rows_total", "kind", "prompt"))
        .isEqualTo(sum(seen, Event.StepDone.class, Event.StepDone::prefillRows));
    assertThat(text.value("orrery:rows_total", "kind", "decode"))
        .isEqualTo(sum(seen, Event.StepDone.class, Event.StepDone::decodeRows));
    assertThat(text.count("sglang:queue_time_seconds")).isEqualTo(8);
    assertThat(text.count("sglang:time_to_first_token_seconds")).isEqualTo(9);
    assertThat(text.count("sglang:e2e_request_latency_seconds")).isEqualTo(9);
    assertThat(text.count("sglang:inter_token_latency_seconds"))
        .isEqualTo(sum(seen, Event.TokenOut.class, e -> e.index() > 0 ? 1 : 0));
  }

  @Test
  void gaugesOfPagesAddUpAndAreThoseOfTheLatestEvent() {
    List<Event> seen = SinksTest.busyRun(metrics);
    Exposition text = read();
    PoolPages last = ((Event.Idle) seen.getLast()).pools().getFirst();
    assertThat(text.value("orrery:pages", "pool", "all", "state", "free")).isEqualTo(last.free());
    assertThat(text.value("orrery:pages", "pool", "all", "state", "cached")).isEqualTo(last.idle());
    assertThat(text.value("orrery:pages", "pool", "all", "state", "held")).isZero();
    assertThat(text.value("sglang:max_total_num_tokens")).isEqualTo(64);
    assertThat(
            text.value("sglang:kv_used_tokens")
                + text.value("sglang:kv_available_tokens")
                + text.value("sglang:kv_evictable_tokens"))
        .isEqualTo(64);
    assertThat(text.value("sglang:kv_evictable_tokens")).isEqualTo(4 * last.idle()).isPositive();
    assertThat(text.value("sglang:num_running_reqs")).isZero();
    assertThat(text.value("sglang:gen_throughput")).as("at rest").isZero();
  }

  @Test
  void pagesOfEachPoolAreThereForAModelWithWindows() {
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/speck-v4-one"));
        Engine engine = Engine.start(model, EngineOptions.defaults(), metrics)) {
      int[] prompt = IntStream.range(1, 40).toArray();
      engine.submit(Request.of(prompt, SamplingParams.defaults().withMaxTokens(4))).join();
    }
    List<PoolPages> pools = metrics.load().pools();
    assertThat(pools).hasSizeGreaterThan(1);
    Exposition text = read();
    for (PoolPages p : pools) {
      assertThat(text.value("orrery:pages", "pool", p.pool(), "state", "free")).isEqualTo(p.free());
    }
  }

  @Test
  void aCancelGivesItsPagesBackAndAFlushFreesAllOfThem() {
    try (LoadedModel model = LoadedModel.load(TinyModels.speck("groups"));
        Engine engine = Engine.start(model, EngineOptions.defaults(), metrics)) {
      SamplingParams endless =
          SamplingParams.defaults().withMaxTokens(400).withIgnoreEos(true).withN(2);
      Completion c = engine.submit(Request.of(IntStream.range(1, 50).toArray(), endless));
      c.iterator().next();
      c.iterator().next();
      engine.pause(PauseMode.IN_PLACE).join();
      assertThat(read().value("orrery:paused")).isEqualTo(1);
      c.cancel(); // while it is paused: no answer is quicker than that
      engine.resume().join();
      c.join();
      assertThat(engine.flushCache().join()).isTrue();
    }
    Exposition text = read();
    assertThat(text.value("orrery:paused")).isZero();
    assertThat(text.value("sglang:num_aborted_requests_total")).isEqualTo(1);
    assertThat(text.value("sglang:num_requests_total")).isEqualTo(1);
    assertThat(text.count("sglang:e2e_request_latency_seconds")).as("cut off").isZero();
    assertThat(text.value("sglang:kv_used_tokens")).isZero();
    assertThat(text.value("sglang:kv_available_tokens"))
        .isEqualTo(text.value("sglang:max_total_num_tokens"))
        .isPositive();
    assertThat(text.value("orrery:cache_flushes_total")).isEqualTo(1);
  }

  @Test
  void aRequestForThreeAnswersIsOneRequestWithOnePromptAndTheTokensOfThree() {
    SamplingParams three = SamplingParams.defaults().withMaxTokens(5).withIgnoreEos(true).withN(3);
    try (LoadedModel model = LoadedModel.load(TinyModels.speck("groups"));
        Engine engine = Engine.start(model, EngineOptions.defaults(), metrics)) {
      engine.submit(Request.of(IntStream.range(1, 20).toArray(), three)).join();
    }
    Exposition text = read();
    assertThat(text.value("sglang:num_requests_total")).isEqualTo(1);
    assertThat(text.value("sglang:prompt_tokens_total")).isEqualTo(19);
    assertThat(text.value("sglang:cached_tokens_total")).isZero();
    assertThat(text.value("sglang:generation_tokens_total")).isEqualTo(15);
    assertThat(text.value("sglang:num_aborted_requests_total")).isZero();
    assertThat(text.count("sglang:queue_time_seconds")).isEqualTo(1);
    assertThat(text.count("sglang:time_to_first_token_seconds")).isEqualTo(3);
    assertThat(text.count("sglang:inter_token_latency_seconds")).isEqualTo(12);
    assertThat(text.count("sglang:e2e_request_latency_seconds")).isEqualTo(3);
  }

  @Test
  void draftsAreCountedUnderTheNamesOfBothEngines() {
    SpeculationStats stats = new SpeculationStats();
    EngineOptions options =
        EngineOptions.defaults()
            .withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNumSteps(3));
    try (LoadedModel model = LoadedModel.load(TinyModels.speck("groups"));
        Engine engine = Engine.start(model, options, metrics.and(stats))) {
      int[] prompt = IntStream.range(0, 40).map(i -> 1 + i % 4).toArray();
      SamplingParams params =
          SamplingParams.defaults().withMaxTokens(60).withTemperature(0).withIgnoreEos(true);
      engine.submit(Request.of(prompt, params)).join();
    }
    assertThat(stats.verifications()).isPositive();
    Exposition text = read();
    assertThat(text.value("vllm:spec_decode_num_drafts_total")).isEqualTo(stats.verifications());
    assertThat(text.value("sglang:spec_verify_calls_total")).isEqualTo(stats.verifications());
    assertThat(text.value("vllm:spec_decode_num_draft_tokens_total")).isEqualTo(stats.drafted());
    assertThat(text.value("vllm:spec_decode_num_accepted_tokens_total"))
        .isEqualTo(stats.accepted())
        .isPositive();
    double positions = 0;
    for (int i = 0; i < 3; i++) {
      positions +=
          text.value("vllm:spec_decode_num_accepted_tokens_per_pos_total", "position", "" + i);
    }
    assertThat(positions).isEqualTo(stats.accepted());
    assertThat(metrics.acceptLength()).isEqualTo(stats.acceptanceLength());
    assertThat(text.value("sglang:spec_accept_length")).isBetween(1.0, 4.0);
    assertThat(text.value("sglang:spec_accept_rate")).isBetween(0.0, 1.0);
  }

  @Test
  void aWindowWithoutDraftsHasNoRateOfAcceptedDrafts() {
    metrics.accept(new Event.Verified(80 * MS, 0, 0, new int[0], 0, 0, false));
    List<PoolPages> pools = List.of(new PoolPages("all", 4, 10, 10, 0, 0));
    metrics.accept(new Event.Idle(90 * MS, 0, 0, pools));
    assertThat(read().value("sglang:spec_accept_rate")).isZero();
  }

  private static Event token(long ms, int sequence, int index, Origin origin) {
    return new Event.TokenOut(ms * MS, 0, sequence, index, 7, "x", origin, Float.NaN, List.of());
  }

  private static Event step(long ms, int running, int waiting) {
    List<PoolPages> pools = List.of(new PoolPages("all", 4, 10, 5, 1, 0));
    return new Event.StepDone(
        ms * MS, 0, 1, 1, 1, 0, running, waiting, pools, "", 0, 0, MS, 0, 0, 0);
  }

  /** Two answers of a request that comes at 10 ms, waits until 30 ms, and has a hit of 8 of 20. */
  private void twoAnswers() {
    List<Event> events =
        List.of(
            new Event.Submitted(10 * MS, 0, 20, 9, 2, new int[0]),
            new Event.Admitted(30 * MS, 0, 0, 8, 0),
            token(50, 0, 0, Origin.PLAIN),
            token(50, 1, 0, Origin.PLAIN),
            new Event.Forked(51 * MS, 0, 1, 0, 20),
            step(52, 2, 0),
            token(80, 0, 1, Origin.ACCEPTED),
            token(80, 0, 2, Origin.BONUS),
            new Event.Verified(80 * MS, 0, 0, new int[] {7, 8}, 2, 1, false),
            new Event.Retracted(81 * MS, 0, 1, 21),
            step(82, 1, 1),
            token(90, 0, 3, Origin.PLAIN),
            new Event.Finished(90 * MS, 0, 0, "stop", 20, 4, ""),
            step(92, 0, 1));
    events.forEach(metrics::accept);
  }

  @Test
  void latenciesAreTheDifferencesOfTheEventsTimes() {
    twoAnswers();
    Exposition text = read();
    assertThat(text.sum("sglang:queue_time_seconds")).isEqualTo(0.020, within(1e-12));
    assertThat(text.sum("sglang:time_to_first_token_seconds")).isEqualTo(0.080, within(1e-12));
    assertThat(text.count("sglang:time_to_first_token_seconds")).isEqualTo(2);
    // 30 ms for two tokens of one step, then 10 ms for one
    assertThat(text.sum("sglang:inter_token_latency_seconds")).isEqualTo(0.040, within(1e-12));
    assertThat(text.count("sglang:inter_token_latency_seconds")).isEqualTo(3);
    Exposition.Family itl = text.family("sglang:inter_token_latency_seconds");
    assertThat(itl.value("sglang:inter_token_latency_seconds_bucket", "le", "0.01")).isEqualTo(1);
    assertThat(itl.value("sglang:inter_token_latency_seconds_bucket", "le", "0.02")).isEqualTo(3);
    assertThat(text.sum("sglang:e2e_request_latency_seconds")).isEqualTo(0.080, within(1e-12));
    assertThat(text.value("sglang:cache_hit_rate")).isEqualTo(0.4);
    assertThat(text.value("sglang:num_retracted_input_tokens_total")).isEqualTo(20);
    assertThat(text.value("sglang:num_retracted_output_tokens_total")).isEqualTo(1);
    assertThat(text.value("sglang:token_usage")).isEqualTo(5.0 / 16);
  }

  @Test
  void aRequestIsOverWithItsLastAnswerAndIsAbortedIfOneOfThemWas() {
    twoAnswers();
    assertThat(read().value("sglang:num_requests_total")).isZero();
    metrics.accept(new Event.Finished(95 * MS, 0, 1, "abort", 20, 2, ""));
    assertThat(read().value("sglang:num_requests_total")).isEqualTo(1);
    assertThat(read().value("sglang:num_aborted_requests_total")).isEqualTo(1);
    metrics.accept(new Event.Submitted(96 * MS, 1, 3, 9, 1, new int[0]));
    metrics.accept(new Event.Finished(97 * MS, 1, 2, "error", 3, 0, ""));
    metrics.accept(new Event.Rejected(98 * MS, "prompt: too long"));
    assertThat(read().value("sglang:num_requests_total")).isEqualTo(2);
    assertThat(read().value("sglang:num_aborted_requests_total")).isEqualTo(1);
    assertThat(read().value("orrery:num_failed_requests_total")).isEqualTo(1);
    assertThat(read().value("orrery:num_refused_requests_total")).isEqualTo(1);
  }

  @Test
  void theLoadCountsRequestsThatCameSinceTheLatestStep() {
    twoAnswers();
    assertThat(metrics.load().running()).isZero();
    assertThat(metrics.load().waiting()).isEqualTo(1);
    assertThat(metrics.load().waitingTokens()).as("of requests that never ran").isZero();
    metrics.accept(new Event.Submitted(100 * MS, 1, 33, 9, 1, new int[0]));
    assertThat(metrics.load().waiting()).isEqualTo(2);
    assertThat(metrics.load().waitingTokens()).isEqualTo(33);
    assertThat(read().value("sglang:num_queue_reqs")).isEqualTo(2);
    metrics.accept(new Event.Finished(110 * MS, 1, 2, "abort", 33, 0, ""));
    metrics.accept(new Event.Idle(111 * MS, 0, 0, List.of(new PoolPages("all", 4, 15, 0, 1, 0))));
    assertThat(metrics.load().waiting()).isZero();
    assertThat(metrics.load().waitingTokens()).isZero();
  }

  @Test
  void thePaceIsThatOfAWindowOfFortySteps() {
    List<Event> events = new ArrayList<>();
    events.add(new Event.Submitted(0, 0, 1, 99, 1, new int[0]));
    for (int i = 0; i < 39; i++) {
      events.add(token(i + 1, 0, i, Origin.PLAIN));
      events.add(step(i + 1, 1, 0));
    }
    events.forEach(metrics::accept);
    assertThat(metrics.throughput()).as("no window is complete").isZero();
    metrics.accept(token(40, 0, 39, Origin.PLAIN));
    metrics.accept(step(40, 1, 0));
    assertThat(metrics.throughput()).isEqualTo(1000, within(1e-6)); // from 0 to 40 ms
    metrics.accept(new Event.Finished(41 * MS, 0, 0, "length", 1, 40, ""));
    metrics.accept(new Event.Idle(41 * MS, 0, 0, List.of(new PoolPages("all", 4, 15, 0, 1, 0))));
    assertThat(metrics.throughput()).isZero();
  }
}
