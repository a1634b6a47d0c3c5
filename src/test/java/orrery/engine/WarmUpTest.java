package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.kv.KvCache;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.observe.EventJson;
import orrery.speculation.SpeculationOptions.Algorithm;

/** A step of every bucket before the first request; and that steps of prompts are captured too. */
@Timeout(600)
class WarmUpTest {
  private static final int CHUNK = 16;
  private static final int RUNNING = 4;

  private final List<Event> events = new CopyOnWriteArrayList<>();
  private LoadedModel loaded;

  @AfterEach
  void close() {
    loaded.close();
  }

  private EngineOptions options(boolean warmup) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(4))
        .withBatching(b -> b.withChunkedPrefillSize(CHUNK).withMaxRunningRequests(RUNNING))
        .withCompute(c -> c.withWarmup(warmup))
        .withSpeculation(
            s -> loaded.model().hasMtp() ? s.withAlgorithm(Algorithm.MTP).withNumSteps(2) : s);
  }

  private static List<Request> requests() {
    return IntStream.range(0, 5)
        .mapToObj(
            i ->
                Request.of(
                    IntStream.range(i, i + 9 * i + 3).toArray(),
                    EngineTest.sampled(20).withLogprobs(1).withSeed(i)))
        .toList();
  }

  private List<String> said(boolean warmup) {
    events.clear();
    try (Engine engine = Engine.start(loaded, options(warmup), events::add)) {
      return engine.submit(requests()).stream()
          .flatMap(c -> c.join().stream())
          .map(a -> Said.of(a).toString())
          .toList();
    }
  }

  /** Everything but times, and the pauses between requests. */
  private List<String> told() {
    return events.stream()
        .filter(e -> !(e instanceof Event.Idle))
        .map(WarmUpTest::json)
        .map(e -> e.replaceAll("(?i)nanos\":-?\\d+", "nanos"))
        .toList();
  }

  private static String json(Event event) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      EventJson.write(event, json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"groups", "mtp", "v4-mtp"})
  void aWarmedEngineGivesTheSameAnswersAndTellsTheSameEvents(String speck) {
    loaded = LoadedModel.load(TinyModels.speck(speck));
    List<String> answers = said(false);
    List<String> cold = told();
    assertThat(said(true)).isEqualTo(answers);
    assertThat(told()).isEqualTo(cold);
  }

  @Test
  void warmingUpRunsEveryBucketAndLeavesTheCacheEmpty() {
    loaded = LoadedModel.load(TinyModels.speck("v4-mtp"));
    try (Engine engine = Engine.start(loaded, options(false), events::add)) {
      List<Integer> buckets = new ArrayList<>();
      assertThat(engine.warmUp(buckets::add).join()).isTrue();
      assertThat(buckets.subList(0, 5)).containsExactly(1, 2, 4, 8, 16);
      assertThat(buckets.getLast()).isGreaterThan(CHUNK);
      engine.resume().join(); // the engine has told how things stand
      assertThat(events).allMatch(Event.Idle.class::isInstance);
      Event.Idle idle = (Event.Idle) events.getLast();
      assertThat(idle.pools()).allSatisfy(pool -> assertThat(pool.free()).isEqualTo(pool.total()));
      Answer first = engine.submit(requests().getLast()).join().getFirst();
      assertThat(first.cachedTokens()).isZero();
    }
  }

  @Test
  void warmingUpWaitsForNoRequestAndDisturbsNone() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
    try (Engine engine = Engine.start(loaded, options(false))) {
      engine.pause(PauseMode.IN_PLACE).join();
      Completion waiting = engine.submit(requests().getFirst());
      assertThat(engine.warmUp(rows -> {}).join()).isFalse();
      engine.resume().join();
      assertThat(waiting.join()).hasSize(1);
    }
  }

  @Test
  void aWarmedEngineRunsNoModelCodeForARequest() {
    LoadedModel real = LoadedModel.load(TinyModels.speck("groups"));
    CountingModel counting = CountingModel.of(real.model());
    loaded = counting.in(real);
    try (Engine engine = Engine.start(loaded, options(true))) {
      engine.resume().join(); // behind the warm-up
      List<Integer> captured = List.copyOf(counting.launched());
      assertThat(captured).startsWith(1, 2, 4, 8, 16).doesNotHaveDuplicates();
      engine.submit(requests()).forEach(Completion::join);
      assertThat(counting.launched()).isEqualTo(captured);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mtp", "v4-mtp"})
  void aWarmedEngineCapturesNoProgramOfDraftsForARequest(String speck) {
    LoadedModel real = LoadedModel.load(TinyModels.speck(speck));
    CountingModel counting = CountingModel.of(real.model());
    loaded = counting.in(real);
    EngineOptions drafting =
        options(true)
            .withBatching(b -> b.withMaxRunningRequests(3))
            .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4));
    try (Engine engine = Engine.start(loaded, drafting, events::add)) {
      engine.resume().join(); // behind the warm-up
      List<Integer> captured = List.copyOf(counting.drafted());
      engine.submit(requests()).forEach(Completion::join);
      assertThat(counting.drafted()).isEqualTo(captured);
    }
    assertThat(events)
        .anyMatch(e -> e instanceof Event.StepDone s && s.draftRows() >= 4 * s.decodeRows());
  }

  /** Of each bucket: the layer itself, the first guesses, and chains of one to three links. */
  @ParameterizedTest
  @ValueSource(strings = {"mtp", "v4-mtp"})
  void warmingUpRunsTheChainsOfAllNumbersOfDraftsForAsManySequencesAsAStepCanHave(String speck) {
    List<Integer> rows = new CopyOnWriteArrayList<>();
    LoadedModel real = LoadedModel.load(TinyModels.speck(speck));
    loaded = SpyModel.spy(real, step -> {}, step -> rows.add(step.rows()));
    EngineOptions drafting =
        options(true)
            .withBatching(b -> b.withMaxRunningRequests(3))
            .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(4));
    Engine.start(loaded, drafting).close();
    List<Integer> expected = new ArrayList<>();
    for (int bucket : new int[] {1, 2, 4}) {
      expected.add(bucket);
      expected.addAll(Collections.nCopies(1 + 1 + 2 + 3, Math.min(bucket, 3)));
    }
    expected.addAll(List.of(8, 16)); // no step drafts for so many
    assertThat(rows).startsWith(expected.toArray(Integer[]::new));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void aWarmUpDraftsNoFurtherThanTheLongestSequence(int contextLength) {
    loaded = LoadedModel.load(TinyModels.speck("mtp"));
    EngineOptions drafting =
        options(true)
            .withKv(kv -> kv.withContextLength(contextLength))
            .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(8));
    List<Integer> buckets = new ArrayList<>();
    Engine.start(loaded, drafting, events::add, buckets::add).close();
    assertThat(buckets).startsWith(1);
  }

  /** The second round of requests finds the first one's pages, and drafts from them. */
  @ParameterizedTest
  @ValueSource(strings = {"groups", "mtp", "v4-mtp"})
  void aWarmUpBetweenRequestsChangesNoCachedRowNoAnswerAndNoDraft(String speck) {
    loaded = LoadedModel.load(TinyModels.speck(speck));
    List<Answer> answers = saidTwice(false);
    assertThat(answers.getLast().cachedTokens()).isPositive();
    List<String> undisturbed = told();
    assertThat(saidTwice(true))
        .extracting(a -> Said.of(a).toString())
        .isEqualTo(answers.stream().map(a -> Said.of(a).toString()).toList());
    assertThat(told()).isEqualTo(undisturbed);
  }

  private List<Answer> saidTwice(boolean warmup) {
    events.clear();
    List<Answer> said = new ArrayList<>();
    try (Engine engine = Engine.start(loaded, options(false), events::add)) {
      for (int round = 0; round < 2; round++) {
        engine.submit(requests()).forEach(c -> said.addAll(c.join()));
        engine.resume().join(); // behind the end of the last request
        if (round == 0 && warmup) {
          assertThat(engine.warmUp(rows -> {}).join()).isTrue();
        }
      }
    }
    return said;
  }

  @Test
  void theStartTellsHowTheWarmUpThatTheOptionsWantGetsOn() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
    List<Integer> buckets = new ArrayList<>();
    Engine.start(loaded, options(true), events::add, buckets::add).close();
    assertThat(buckets).startsWith(1, 2, 4, 8, 16).doesNotHaveDuplicates();
    buckets.clear();
    Engine.start(loaded, options(false), events::add, buckets::add).close();
    assertThat(buckets).isEmpty();
  }

  /** A model that has no memory for a bucket of four rows. */
  private record Greedy(Model real) implements ForwardingModel {
    @Override
    public IntFunction<Forward> bind(KvCache cache, int maxLogitRows) {
      IntFunction<Forward> bound = real.bind(cache, maxLogitRows);
      return rows -> {
        if (rows == 4) {
          throw new OutOfMemoryError("Java heap space");
        }
        return bound.apply(rows);
      };
    }
  }

  @Test
  void aWarmUpWithoutMemorySaysOnceWhatItWasDoing() {
    LoadedModel real = LoadedModel.load(TinyModels.speck("groups"));
    loaded =
        new LoadedModel(real.directory(), new Greedy(real.model()), real.tokenizer(), real.eos());
    assertThatThrownBy(() -> Engine.start(loaded, options(true)))
        .hasMessageContaining(
            "out of memory while warming up with a step of 4 rows (Java heap space); the heap is");
  }

  /** Prompts of any length, their chunks, and chunks beside decoding rows. */
  @Test
  void stepsOfPromptsReplayCapturedProgramsAsDecodingStepsDo() {
    LoadedModel real = LoadedModel.load(TinyModels.speck("groups"));
    CountingModel counting = CountingModel.of(real.model());
    loaded = counting.in(real);
    try (Engine engine = Engine.start(loaded, options(false), events::add)) {
      for (int round = 0; round < 3; round++) {
        engine.flushCache().join();
        engine.submit(requests()).forEach(Completion::join);
      }
    }
    Stream<Event.StepDone> steps =
        events.stream().filter(Event.StepDone.class::isInstance).map(e -> (Event.StepDone) e);
    List<Event.StepDone> all = steps.toList();
    assertThat(all).anyMatch(s -> s.prefillRows() > 0 && s.decodeRows() == 0);
    assertThat(all).anyMatch(s -> s.prefillRows() == CHUNK);
    assertThat(all).anyMatch(s -> s.prefillRows() > 0 && s.decodeRows() > 0);
    assertThat(counting.launched()).doesNotHaveDuplicates().hasSizeLessThan(7);
    assertThat(all).hasSizeGreaterThan(5 * counting.launched().size());
  }
}
