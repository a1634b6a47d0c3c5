package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions.Algorithm;

/** What happens when steps overlap; the switch matrix shows that no answer changes. */
@Timeout(600)
class OverlapTest {
  private static final int TOKENS = 24;

  private final LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
  private final List<Event> events = new CopyOnWriteArrayList<>(); // read while it grows

  @AfterEach
  void close() {
    loaded.close();
  }

  private static EngineOptions options(boolean overlap) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(4))
        .withCompute(c -> c.withOverlap(overlap));
  }

  private static Request request(int first, SamplingParams params) {
    return Request.of(IntStream.range(first, first + 6).toArray(), params);
  }

  private List<Answer> run(EngineOptions options, List<Request> requests) {
    events.clear();
    try (Engine engine = Engine.start(loaded, options, events::add)) {
      return engine.submit(requests).stream().flatMap(c -> c.join().stream()).toList();
    }
  }

  private <E extends Event> List<E> all(Class<E> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  private List<String> reasons() {
    return all(Event.Overlapped.class).stream().map(Event.Overlapped::settledFirst).toList();
  }

  @Test
  void aStepIsPlannedBeforeTheTokensOfTheStepBeforeAreHandedOut() {
    run(options(true), List.of(request(1, EngineTest.sampled(TOKENS))));
    List<Event.Overlapped> steps = all(Event.Overlapped.class);
    assertThat(steps).hasSize(TOKENS).hasSameSizeAs(all(Event.StepDone.class));
    assertThat(reasons().getFirst()).isEqualTo("IDLE");
    assertThat(reasons().subList(1, TOKENS)).containsOnly("NO");
    for (int i = 1; i < TOKENS; i++) {
      assertThat(steps.get(i).step()).isEqualTo(i);
      assertThat(steps.get(i).planned()).isLessThanOrEqualTo(steps.get(i - 1).settle());
      assertThat(steps.get(i).launch()).isGreaterThanOrEqualTo(steps.get(i - 1).decided());
    }
  }

  @Test
  void withoutOverlapNoEventSpeaksOfLanes() {
    run(options(false), List.of(request(1, EngineTest.sampled(TOKENS))));
    assertThat(all(Event.Overlapped.class)).isEmpty();
    assertThat(all(Event.StepDone.class)).hasSize(TOKENS);
  }

  @Test
  void anAnswerThatItsTextEndsCostsOneRowMoreAndIsTheSame() {
    SamplingParams free = EngineTest.sampled(TOKENS);
    int[] whole = run(options(false), List.of(request(1, free))).getFirst().tokens();
    SamplingParams stops = free.withStopTokenIds(List.of(whole[9]));
    Answer serial = run(options(false), List.of(request(1, stops))).getFirst();
    int rows = all(Event.StepDone.class).size();
    Answer overlapped = run(options(true), List.of(request(1, stops))).getFirst();
    assertThat(serial.finish()).isInstanceOf(FinishReason.StopToken.class);
    assertThat(EngineTest.bits(List.of(overlapped))).isEqualTo(EngineTest.bits(List.of(serial)));
    assertThat(all(Event.TokenOut.class)).hasSize(serial.tokens().length);
    assertThat(all(Event.StepDone.class)).hasSize(rows + 1);
  }

  @Test
  void whatCannotBePlannedAheadWaitsForTheStepBeforeAndSaysWhy() {
    SamplingParams params = EngineTest.sampled(TOKENS);
    run(options(true), List.of(request(1, params.withN(3))));
    assertThat(reasons()).contains("FORK", "NO");
    run(options(true), List.of(request(1, params.withPromptLogprobs(1))));
    assertThat(reasons()).contains("PROMPT_SCORES", "NO");
    run(
        options(true).withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM)),
        List.of(request(1, params)));
    assertThat(reasons()).contains("SPECULATION").doesNotContain("NO");
    List<Request> crowd = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      crowd.add(request(i, params));
    }
    EngineOptions tight =
        options(true)
            .withKv(kv -> kv.withMaxTotalTokens(64))
            .withBatching(b -> b.withScheduleConservativeness(0.01));
    run(tight, crowd);
    assertThat(all(Event.Retracted.class)).isNotEmpty();
    assertThat(reasons()).contains("PAGES", "NO");
  }

  @Test
  void aBugInASinkFailsAllRequestsWhileAStepIsOnItsWay() {
    EventSink bug =
        e -> {
          if (e instanceof Event.Overlapped o && o.step() == 5) {
            throw new IllegalStateException("a bug");
          }
        };
    try (Engine engine = Engine.start(loaded, options(true), bug)) {
      List<Completion> all =
          engine.submit(
              List.of(request(1, EngineTest.greedy(60)), request(2, EngineTest.greedy(60))));
      for (Completion c : all) {
        assertThatThrownBy(c::join)
            .isInstanceOf(RequestException.class)
            .hasMessageContaining("the engine stopped: a bug");
      }
      assertThat(engine.ended()).failsWithin(Duration.ofMinutes(1));
    }
  }

  @Test
  void aBugOnTheComputingThreadFailsAllRequests() {
    LoadedModel broken =
        SpyModel.spy(
            loaded,
            step -> {
              if (step.position[0] > 20) {
                throw new IllegalStateException("a broken op");
              }
            });
    try (Engine engine = Engine.start(broken, options(true))) {
      Completion c = engine.submit(request(1, EngineTest.greedy(60)));
      assertThatThrownBy(c::join)
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("the engine stopped: a broken op");
      assertThatThrownBy(() -> engine.submit(request(1, EngineTest.greedy(2))))
          .hasMessage("the engine is closed");
    }
  }

  /** Messages are read once more after a bug; a pause must not wait for a step that never lands. */
  @ParameterizedTest
  @EnumSource
  void aBugWhileAPauseIsAskedForFailsAllCallers(Where where) {
    AtomicReference<Engine> started = new AtomicReference<>();
    List<Future<?>> asked = new CopyOnWriteArrayList<>();
    IllegalStateException bug = new IllegalStateException("a bug");
    Runnable strike =
        () -> {
          if (asked.isEmpty()) {
            asked.add(started.get().pause(PauseMode.IN_PLACE));
            asked.add(started.get().flushCache());
            asked.add(started.get().warmUp(rows -> {}));
          }
          throw bug; // the same one each time
        };
    LoadedModel model =
        SpyModel.spy(
            loaded,
            step -> {
              if (!where.sink && step.position[0] > 12) {
                strike.run();
              }
            });
    EventSink sink =
        e -> {
          if (where.sink
              && (e instanceof Event.Overlapped o && o.step() >= 3 || !asked.isEmpty())) {
            strike.run();
          }
        };
    SamplingParams params = EngineTest.greedy(60);
    SamplingParams scored = params.withPromptLogprobs(1);
    EngineOptions options =
        options(true)
            .withSpeculation(s -> where.drafts ? s.withAlgorithm(Algorithm.NGRAM) : s)
            .withBatching(b -> b.withChunkedPrefillSize(2));
    try (Engine engine = Engine.start(model, options, sink)) {
      started.set(engine);
      List<Completion> all =
          engine.submit(List.of(request(1, where.scores ? scored : params), request(2, params)));
      for (Completion c : all) {
        assertThatThrownBy(c::join).hasMessageContaining("the engine stopped: a bug");
      }
      assertThat(asked).hasSize(3).allSatisfy(f -> assertThat(f).matches(OverlapTest::ends));
      assertThat(engine.ended()).failsWithin(Duration.ofMinutes(1));
    }
  }

  private static boolean ends(Future<?> asked) {
    try {
      asked.get(1, TimeUnit.MINUTES);
      return true;
    } catch (ExecutionException e) {
      return true;
    } catch (InterruptedException | TimeoutException e) {
      return false;
    }
  }

  /** Where a bug strikes, and what the steps do. */
  private enum Where {
    SINK(true, false, false),
    SINK_WITH_DRAFTS(true, true, false),
    SINK_WITH_SCORES(true, false, true),
    KERNEL(false, false, false),
    KERNEL_WITH_DRAFTS(false, true, false),
    KERNEL_WITH_SCORES(false, false, true);

    final boolean sink;
    final boolean drafts;
    final boolean scores;

    Where(boolean sink, boolean drafts, boolean scores) {
      this.sink = sink;
      this.drafts = drafts;
      this.scores = scores;
    }
  }

  @Test
  void aClosedEngineLeavesNoThread() {
    Set<Thread> before = Thread.getAllStackTraces().keySet();
    run(options(true), List.of(request(1, EngineTest.greedy(4))));
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(t -> t.getName().equals("orrery-compute") && !before.contains(t));
  }
}
