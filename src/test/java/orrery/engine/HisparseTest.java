package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static orrery.engine.EngineTest.greedy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.TinyModels;
import orrery.disagg.TcpNetwork;
import orrery.events.Event;
import orrery.events.Event.SparseReads;
import orrery.events.EventSink;
import orrery.hisparse.HisparseConfig;
import orrery.kv.KvLayout;
import orrery.prefix.PrefixCacheKind;
import orrery.speculation.SpeculationOptions.Algorithm;

/** Entries on the host, and few of them on the device: what an engine does, tells and refuses. */
@Timeout(600)
class HisparseTest {
  private static final int TOPK = 3; // of the speck
  private static final int RATIO = 4;
  private static LoadedModel loaded;

  private final List<Event> events = Collections.synchronizedList(new ArrayList<>());

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("v4-mtp"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static EngineOptions plain() {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(8).withContextLength(256))
        .withBatching(b -> b.withMaxRunningRequests(3).withChunkedPrefillSize(32));
  }

  /** With buffers of so many slots; 0 for the default. */
  private static EngineOptions sparse(int slots) {
    return plain()
        .withHisparse(
            h -> h.withEnableHisparse(true).withHisparseConfig(new HisparseConfig(0, slots)));
  }

  private static List<Request> requests(int n, int prompt, int tokens) {
    return IntStream.range(0, n)
        .mapToObj(seed -> new Random(seed).ints(prompt + seed, 0, 90).toArray())
        .map(ids -> Request.of(ids, greedy(tokens).withLogprobs(2)))
        .toList();
  }

  private List<String> answers(EngineOptions options, List<Request> requests) {
    events.clear();
    try (Engine engine = Engine.start(loaded, options, events::add)) {
      return engine.submit(requests).stream()
          .map(c -> Said.of(c.join().getFirst()).toString())
          .toList();
    }
  }

  private long sum(ToLongFunction<SparseReads> what) {
    return List.copyOf(events).stream()
        .filter(SparseReads.class::isInstance)
        .mapToLong(e -> what.applyAsLong((SparseReads) e))
        .sum();
  }

  @ParameterizedTest
  @ValueSource(ints = {TOPK, 5, 0, 60})
  void answersAreThoseOfAnEngineThatHasAllEntriesOnTheDevice(int slots) {
    List<Request> requests = requests(7, 50, 30); // more than run at once, so buffers go round
    List<String> expected = answers(plain(), requests);
    assertThat(events).noneMatch(SparseReads.class::isInstance);
    assertThat(answers(sparse(slots), requests)).isEqualTo(expected);
    assertThat(sum(SparseReads::chosen)).isEqualTo(sum(r -> r.hits() + r.misses())).isPositive();
    assertThat(sum(SparseReads::misses) > 0).isEqualTo(slots < 60);
    assertThat(sum(SparseReads::evicted) > 0).isEqualTo(slots < 60);
  }

  @Test
  void aLargerBufferMissesLess() {
    List<Request> requests = requests(3, 90, 60);
    long last = Long.MAX_VALUE;
    for (int slots : new int[] {TOPK, 2 * TOPK, 4 * TOPK, 12 * TOPK}) {
      answers(sparse(slots), requests);
      assertThat(sum(SparseReads::misses)).as("%d slots", slots).isLessThan(last);
      last = sum(SparseReads::misses);
    }
    assertThat(last).isZero(); // 36 entries are a sequence of 144 tokens and more
  }

  @Test
  void theEventOfAStepComesBeforeItsEndAndItsBytesAreThoseOfItsRows() {
    answers(sparse(TOPK), requests(3, 50, 30));
    KvLayout layout = Sizes.layout(loaded.model(), sparse(TOPK));
    var entries = layout.streams().stream().filter(s -> s.chosen() > 0).toList();
    long bytes = entries.getFirst().format().bytes(entries.getFirst().width());
    List<Event> steps =
        events.stream()
            .filter(e -> e instanceof SparseReads || e instanceof Event.StepDone)
            .toList();
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i) instanceof SparseReads r) {
        assertThat(((Event.StepDone) steps.get(i + 1)).step()).isEqualTo(r.step());
        assertThat(r.bytesDown()).isEqualTo(bytes * r.misses());
        assertThat(r.bytesDirect()).isEqualTo(bytes * r.direct());
        assertThat(r.bytesUp()).isEqualTo(bytes * r.written());
        assertThat(r.sequences()).isBetween(r.chosen() > 0 ? 1 : 0, 3);
      }
    }
    int tokens = 3 * (50 + 29) + 0 + 1 + 2; // the last token of an answer is no row
    assertThat(sum(SparseReads::written))
        .isBetween(entries.size() * (tokens / RATIO - 3L), (long) entries.size() * tokens / RATIO);
  }

  @Test
  void rowsOfAPromptReadOnTheHostAndThoseOfADecodeStepDoNot() {
    answers(sparse(TOPK), requests(1, 64, 20));
    SparseReads now = null;
    long prompts = 0;
    for (Event e : events) {
      now = e instanceof SparseReads r ? r : now;
      if (e instanceof Event.StepDone done && now != null && now.step() == done.step()) {
        assertThat(now.direct() > 0).isEqualTo(done.prefillRows() > 0);
        prompts += now.direct();
      }
    }
    assertThat(prompts).isPositive();
  }

  @Test
  void aPrefixHitFindsItsEntriesOnTheHost() {
    List<Request> same = List.of(requests(1, 80, 9).getFirst());
    try (Engine engine = Engine.start(loaded, sparse(24), events::add)) {
      String first = Said.of(engine.submit(same).getFirst().join().getFirst()).toString();
      assertThat(sum(SparseReads::misses)).isZero(); // 24 slots for 22 entries
      Answer again = engine.submit(same).getFirst().join().getFirst();
      assertThat(again.cachedTokens()).isEqualTo(72);
      assertThat(Said.of(again).toString()).isEqualTo(first);
      long layers =
          Sizes.layout(loaded.model(), sparse(24)).streams().stream()
              .filter(s -> s.chosen() > 0)
              .count();
      assertThat(sum(SparseReads::misses))
          .as("each entry of the hit is copied once at most")
          .isBetween(layers * TOPK, layers * 72 / RATIO);
    }
  }

  @Test
  void aWarmUpTellsNothingAndTakesNoBuffer() {
    List<Request> requests = requests(3, 40, 12);
    List<String> expected = answers(sparse(0), requests);
    EngineOptions warm = sparse(0).withCompute(c -> c.withWarmup(true).withOverlap(true));
    assertThat(answers(warm, requests)).isEqualTo(expected);
    events.clear();
    try (Engine engine = Engine.start(loaded, warm, events::add)) {
      assertThat(engine.warmUpNow(rows -> {})).isTrue();
    }
    assertThat(events).noneMatch(SparseReads.class::isInstance);
  }

  @Test
  void aDecodeEngineMayKeepEntriesOnTheHostThoughThePrefillEngineDoesNot() {
    List<Request> requests = requests(6, 70, 25);
    EngineOptions all = plain().withPrefix(p -> p.withPrefixCache(PrefixCacheKind.RADIX));
    List<String> expected = answers(all, requests);
    events.clear();
    var prefill = new TwoEngines.Side(loaded, all, EventSink.NONE);
    var decode = new TwoEngines.Side(loaded, sparse(TOPK), events::add);
    try (TwoEngines two =
        new TwoEngines(prefill, decode, TcpNetwork.local(), 8, Duration.ofMinutes(2))) {
      List<TwoEngines.Halves> halves = requests.stream().map(two::submit).toList();
      List<String> said =
          halves.stream().map(h -> Said.of(h.decode().join().getFirst()).toString()).toList();
      assertThat(said).isEqualTo(expected);
    }
    assertThat(sum(SparseReads::misses)).isPositive();
    assertThat(sum(SparseReads::evicted)).isPositive();
    assertThat(sum(SparseReads::direct)).as("it computes no prompt").isZero();
  }

  @Test
  void aPrefillEngineGivesABufferBackBeforeItsPagesAreSent() {
    List<Request> requests = requests(8, 70, 5);
    List<String> expected = answers(plain(), requests);
    EngineOptions one = sparse(TOPK).withBatching(b -> b.withMaxRunningRequests(1));
    try (TwoEngines two = new TwoEngines(loaded, one, sparse(0), TcpNetwork.local(), 8)) {
      List<TwoEngines.Halves> halves = requests.stream().map(two::submit).toList();
      List<String> said =
          halves.stream().map(h -> Said.of(h.decode().join().getFirst()).toString()).toList();
      assertThat(said).isEqualTo(expected);
    }
  }

  @Test
  void thePlanTellsApartWhatLiesOnTheDeviceAndOnTheHost() {
    EngineOptions wide = plain().withKv(kv -> kv.withMaxTotalTokens(4096));
    EngineOptions sparse =
        wide.withHisparse(
            h -> h.withEnableHisparse(true).withHisparseConfig(new HisparseConfig(TOPK, 7)));
    HeapPlan before = HeapPlan.of(loaded.model(), wide);
    HeapPlan after = HeapPlan.of(loaded.model(), sparse);
    KvLayout layout = Sizes.layout(loaded.model(), sparse);
    long host = layout.hostBytesPerPage(8) * (4096 / 8 + 1);
    assertThat(host).isPositive();
    HeapPlan.Kind cache = after.kinds().getFirst();
    assertThat(cache.bytes()).isEqualTo(before.kinds().getFirst().bytes() - host);
    HeapPlan.Kind entries = after.kinds().get(before.kinds().size());
    assertThat(entries.bytes()).isEqualTo(host);
    assertThat(entries.what()).isEqualTo("entries on the host of a KV cache of 4,096 tokens");
    assertThat(entries.option()).isEqualTo(cache.option());
    HeapPlan.Kind buffers = after.kinds().getLast();
    assertThat(buffers.option()).isEqualTo("hisparse-config");
    assertThat(buffers.what())
        .isEqualTo(
            "device buffers of 7 entries in each layer with an indexer, for each of 3"
                + " max-running-requests");
    assertThat(buffers.bytes()).isGreaterThan(layout.bufferBytes());
    long row =
        layout.streams().stream().filter(s -> s.chosen() > 0).mapToLong(s -> s.bytes(4)).sum();
    assertThat(layout.bufferBytes()).isEqualTo(3 * 7 * row);
  }

  @Test
  void aBufferHoldsTwiceWhatADecodeStepMayChooseUnlessItsSizeIsSaid() {
    EngineOptions drafts =
        sparse(0).withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4));
    assertThat(Sizes.layout(loaded.model(), sparse(0)).buffers().slots()).isEqualTo(2 * TOPK);
    assertThat(Sizes.layout(loaded.model(), drafts).buffers().slots()).isEqualTo(2 * 5 * TOPK);
    EngineOptions small =
        drafts.withHisparse(h -> h.withHisparseConfig(new HisparseConfig(0, 5 * TOPK - 1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.start(loaded, small).close())
        .withMessage(
            "hisparse-config: expected device_buffer_size of at least 15, 3 entries for each of"
                + " the 5 rows of a decode step, found 14");
  }

  @Test
  void aBufferNeedsNoMoreSlotsThanASequenceHasEntries() {
    EngineOptions drafts =
        sparse(0)
            .withKv(kv -> kv.withContextLength(40))
            .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4));
    assertThat(Sizes.layout(loaded.model(), drafts).buffers().slots()).isEqualTo(40 / RATIO);
    EngineOptions said =
        drafts.withHisparse(h -> h.withHisparseConfig(new HisparseConfig(0, 40 / RATIO)));
    assertThat(Sizes.layout(loaded.model(), said).buffers().slots()).isEqualTo(40 / RATIO);
    EngineOptions small =
        drafts.withHisparse(h -> h.withHisparseConfig(new HisparseConfig(0, 40 / RATIO - 1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.check(loaded, small))
        .withMessage(
            "hisparse-config: expected device_buffer_size of at least 10, all entries of a"
                + " sequence of context-length, found 9");
  }

  @Test
  void sizesThatAreNotThoseOfTheModelAreRefusedAsTheUserWroteThem() {
    EngineOptions small = sparse(TOPK - 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.check(loaded, small))
        .withMessage(
            "hisparse-config: expected device_buffer_size of at least 3, which a decode step may"
                + " choose, found 2");
    EngineOptions other =
        plain()
            .withHisparse(
                h ->
                    h.withEnableHisparse(true).withHisparseConfig(new HisparseConfig(TOPK + 1, 0)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.check(loaded, other))
        .withMessage("hisparse-config: expected \"top_k\" 3, the model's index_topk, found 4");
  }

  @Test
  void aPlanThatIsTooLargeNamesTheOptionOfItsLargestPart() {
    EngineOptions host =
        plain()
            .withKv(kv -> kv.withMaxTotalTokens(Integer.MAX_VALUE))
            .withHisparse(h -> h.withEnableHisparse(true));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> HeapPlan.requirePossible(loaded, host))
        .withMessageStartingWith("max-total-tokens: ");
    EngineOptions entries = sparse(1 << 24);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> HeapPlan.requirePossible(loaded, entries))
        .withMessageStartingWith(
            "hisparse-config: device buffers of 16,777,216 entries in each layer with an indexer,"
                + " for each of 3 max-running-requests, with what comes beside it (");
  }

  @Test
  void buffersThatNoArrayCouldHoldAreRefused() {
    EngineOptions many = sparse(1 << 24).withBatching(b -> b.withMaxRunningRequests(4096));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.check(loaded, many))
        .withMessageStartingWith(
            "hisparse-config: expected device buffers of at most 2,147,483,631 numbers in each"
                + " layer, found")
        .withMessageContaining("4,096 max-running-requests with 16,777,216 entries");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> sparse((1 << 24) + 1))
        .withMessage(
            "hisparse-config: expected device_buffer_size from 1 to 16777216, found 16777217");
  }

  @Test
  void aModelWithoutAnIndexerIsRefused() {
    try (LoadedModel other = LoadedModel.load(TinyModels.speck("mtp"))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> Engine.check(other, sparse(0).withKv(kv -> kv.withContextLength(0))))
          .withMessage(
              "enable-hisparse: expected a model with an indexer, which chooses the entries that a"
                  + " row reads, found glm4_moe without one");
    }
  }
}
