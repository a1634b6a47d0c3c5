package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;

/** An engine that is stopped between two steps, and goes on. */
@Timeout(600)
class PauseTest {
  private static final int TOKENS = 60;
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final int MIDDLE = 7; // steps, of the sixty and more of an answer

  private final LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
  private final List<Event> events = new CopyOnWriteArrayList<>(); // read while it grows

  @AfterEach
  void close() {
    loaded.close();
  }

  private static Request request(int first) {
    SamplingParams params = EngineTest.sampled(TOKENS).withLogprobs(2).withSeed(first).withN(2);
    return Request.of(IntStream.range(first, first + 20).toArray(), params);
  }

  private static List<Request> requests() {
    return List.of(request(1), request(2), request(3));
  }

  /** Whether steps overlap. */
  boolean overlap() {
    return false;
  }

  private EngineOptions options(SchedulePolicy policy) {
    return EngineOptions.defaults()
        .withCompute(c -> c.withOverlap(overlap()))
        .withKv(kv -> kv.withPageSize(4))
        .withBatching(b -> b.withSchedulePolicy(policy).withMaxRunningRequests(4));
  }

  private Engine start(SchedulePolicy policy) {
    return Engine.start(loaded, options(policy), events::add);
  }

  /** An engine that is asked for a pause in the middle of the first answers. */
  private Engine startAndPause(
      SchedulePolicy policy, PauseMode mode, CompletableFuture<Void> paused) {
    AtomicReference<Engine> engine = new AtomicReference<>(); // set before the first request
    EventSink asks =
        event -> {
          events.add(event);
          if (event instanceof Event.StepDone s && s.step() == MIDDLE) {
            engine
                .get()
                .pause(mode)
                .whenComplete(
                    (_, bug) -> {
                      if (bug == null) {
                        paused.complete(null);
                      } else {
                        paused.completeExceptionally(bug);
                      }
                    });
          }
        };
    engine.set(Engine.start(loaded, options(policy), asks));
    return engine.get();
  }

  private static List<String> said(List<Completion> completions) {
    return completions.stream()
        .flatMap(c -> c.join().stream())
        .map(a -> Said.of(a).toString())
        .toList();
  }

  /** Pauses in the middle of the answers, and goes on after a while. */
  private List<String> interrupted(SchedulePolicy policy, PauseMode mode) {
    CompletableFuture<Void> paused = new CompletableFuture<>();
    try (Engine engine = startAndPause(policy, mode, paused)) {
      List<Completion> all = engine.submit(requests());
      paused.join();
      Completion late = engine.submit(request(4));
      engine.flushCache().join(); // the engine has read its messages, and still answers
      engine.resume().join();
      List<Completion> four = new ArrayList<>(all);
      four.add(late);
      return said(four);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPauseChangesNoAnswerUnderAnyPolicy(SchedulePolicy policy) {
    List<String> expected;
    try (Engine engine = start(policy)) {
      List<Request> four = new ArrayList<>(requests());
      four.add(request(4));
      expected = said(four.stream().map(engine::submit).toList());
    }
    for (PauseMode mode : List.of(PauseMode.IN_PLACE, PauseMode.RETRACT)) {
      events.clear();
      assertThat(interrupted(policy, mode)).as("%s", mode).isEqualTo(expected);
      List<Event> pause = duringThePause();
      assertThat(pause).noneMatch(Event.StepDone.class::isInstance);
      assertThat(pause).anyMatch(Event.Submitted.class::isInstance);
      Event.Idle idle =
          (Event.Idle) pause.stream().filter(Event.Idle.class::isInstance).findFirst().get();
      boolean retracts = mode == PauseMode.RETRACT;
      assertThat(idle.running() == 0).isEqualTo(retracts);
      assertThat(idle.pools().getFirst().referenced() == 0).isEqualTo(retracts);
      assertThat(pause.stream().anyMatch(Event.Retracted.class::isInstance)).isEqualTo(retracts);
    }
  }

  private List<Event> duringThePause() {
    List<Class<?>> kinds = new ArrayList<>();
    events.forEach(e -> kinds.add(e.getClass()));
    return events.subList(
        kinds.indexOf(Event.Paused.class), kinds.indexOf(Event.Resumed.class) + 1);
  }

  @Test
  void aPauseMayEndTheRequestsWithTheirTokensSoFar() {
    CompletableFuture<Void> paused = new CompletableFuture<>();
    try (Engine engine = startAndPause(SchedulePolicy.SGLANG, PauseMode.ABORT, paused)) {
      Completion request = engine.submit(request(1));
      paused.join();
      assertThat(request.join())
          .hasSize(2)
          .allMatch(a -> a.finish().equals(new FinishReason.Abort("paused")))
          .allMatch(a -> a.tokens().length >= 1 && a.tokens().length < TOKENS);
      Completion waits = engine.submit(request(2));
      engine.flushCache().join();
      assertThat(waits.isDone()).isFalse();
      engine.resume();
      assertThat(waits.join().getFirst().tokens()).hasSize(TOKENS);
    }
  }

  @Test
  void requestsAreCancelledAndReachTheirDeadlinesDuringAPause() {
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      engine.pause(PauseMode.IN_PLACE).join();
      Completion late = engine.submit(request(1).withDeadline(Duration.ofMillis(5)));
      Completion left = engine.submit(request(2));
      left.cancel();
      assertThat(left.join().getFirst().finish()).isEqualTo(new FinishReason.Abort("cancelled"));
      assertThat(late.join().getFirst().finish()).isEqualTo(new FinishReason.Abort("deadline"));
      Completion all = engine.submit(request(3));
      engine.cancelAll().join();
      assertThat(all.join()).allMatch(a -> a.finish().type().equals("abort"));
    }
    assertThat(events).noneMatch(Event.StepDone.class::isInstance);
    assertThat(events.getLast())
        .isInstanceOfSatisfying(
            Event.Idle.class, e -> assertThat(e.running() + e.waiting()).isZero());
  }

  @Test
  void closingAPausedEngineFinishesItsRequests() {
    Engine engine = start(SchedulePolicy.SGLANG);
    engine.pause(PauseMode.IN_PLACE).join();
    Completion request = engine.submit(request(1));
    engine.close();
    assertThat(request.join()).allMatch(a -> a.tokens().length == TOKENS);
    assertThat(events.stream().filter(Event.Resumed.class::isInstance)).hasSize(1);
    for (ThrowingCallable late :
        List.<ThrowingCallable>of(
            () -> engine.pause(PauseMode.ABORT), engine::resume, engine::cancelAll)) {
      assertThatThrownBy(late)
          .isInstanceOf(RequestException.class)
          .hasMessage("the engine is closed");
    }
  }

  @Test
  void afterTheEndOfPausesRequestsGoOnAndNoPauseStopsThem() {
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      engine.pause(PauseMode.IN_PLACE).join();
      Completion waits = engine.submit(request(1));
      engine.endPauses();
      assertThatThrownBy(() -> engine.pause(PauseMode.IN_PLACE))
          .isInstanceOf(RequestException.class)
          .hasMessage("the engine finishes what it has, and pauses no more");
      assertThat(waits.join()).allMatch(a -> a.tokens().length == TOKENS);
      assertThat(engine.submit(request(2)).join()).hasSize(2);
    }
  }

  @Test
  void aPausedEngineSleepsUntilAMessageOrTheNextDeadline() throws Exception {
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      engine.pause(PauseMode.IN_PLACE).join();
      Completion waits = engine.submit(request(1));
      engine.step(1).join();
      Thread thread =
          Thread.getAllStackTraces().keySet().stream()
              .filter(t -> t.getName().equals("orrery-engine"))
              .max(Comparator.comparingLong(Thread::threadId))
              .orElseThrow();
      ThreadMXBean threads = ManagementFactory.getThreadMXBean();
      long before = threads.getThreadInfo(thread.threadId()).getWaitedCount();
      Thread.sleep(200);
      assertThat(threads.getThreadInfo(thread.threadId()).getWaitedCount() - before).isLessThan(20);
      waits.cancel();
      waits.join();
      Completion late = engine.submit(request(2).withDeadline(Duration.ofMillis(50)));
      CompletableFuture<Boolean> flushed = engine.flushCache(Duration.ofMinutes(5));
      assertThat(late.join().getFirst().finish()).isEqualTo(new FinishReason.Abort("deadline"));
      assertThat(flushed).as("after the deadline nothing waits").succeedsWithin(LONG);
    }
  }

  @Test
  void aPausedEngineComputesAsManyStepsAsItIsAskedFor() {
    List<String> expected;
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      expected = said(List.of(engine.submit(request(1)), engine.submit(request(2))));
    }
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      engine.pause(PauseMode.IN_PLACE).join();
      List<Completion> all = List.of(engine.submit(request(1)), engine.submit(request(2)));
      events.clear();
      for (int steps : List.of(1, 1, 3)) {
        assertThat(engine.step(steps).join()).isEqualTo(steps);
      }
      assertThat(steps()).isEqualTo(5);
      engine.flushCache().join(); // the engine has had time to go on, if it would
      assertThat(steps()).isEqualTo(5);
      CompletableFuture<Integer> more = engine.step(2);
      CompletableFuture<Integer> rest = engine.step(1_000_000);
      CompletableFuture<Integer> none = engine.step(1);
      assertThat(more.join()).isEqualTo(2);
      assertThat(said(all)).isEqualTo(expected);
      assertThat(rest.join()).isEqualTo((int) steps() - 7).isLessThan(1_000_000);
      assertThat(none.join()).isZero();
      assertThat(engine.step(1).join()).as("nothing is left to compute").isZero();
      assertThat(events).noneMatch(Event.Resumed.class::isInstance);
    }
  }

  private long steps() {
    return events.stream().filter(Event.StepDone.class::isInstance).count();
  }

  @Test
  void anEngineThatIsNotPausedComputesNoSingleSteps() {
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      assertThatThrownBy(() -> engine.step(1).join())
          .hasRootCauseInstanceOf(RequestException.class)
          .hasRootCauseMessage(
              "step: expected a paused engine, found one that is not; pause it first");
      assertThatThrownBy(() -> engine.step(0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("steps: expected at least 1, found 0");
    }
  }

  @Test
  void aPauseThatEndsEndsTheStepsThatWereAskedFor() {
    Engine engine = start(SchedulePolicy.SGLANG);
    engine.pause(PauseMode.IN_PLACE).join();
    Completion request = engine.submit(request(1));
    CompletableFuture<Integer> asked = engine.step(1_000_000);
    engine.resume().join();
    assertThat(asked).succeedsWithin(LONG).satisfies(n -> assertThat(n).isLessThan(1_000));
    engine.pause(PauseMode.IN_PLACE).join();
    CompletableFuture<Integer> last = engine.step(1_000_000);
    engine.close();
    assertThat(last).succeedsWithin(LONG);
    assertThat(request.join()).allMatch(a -> a.tokens().length == TOKENS);
    assertThatThrownBy(() -> engine.step(1)).hasMessage("the engine is closed");
  }

  @Test
  void aCompletionSaysHowMuchOfItsPromptWasCachedAsSoonAsItRuns() {
    try (Engine engine = start(SchedulePolicy.SGLANG)) {
      engine.submit(request(1)).join();
      engine.pause(PauseMode.IN_PLACE).join();
      Completion again = engine.submit(request(1));
      assertThat(again.cachedTokens()).isZero();
      engine.resume();
      again.iterator().next();
      assertThat(again.cachedTokens()).isEqualTo(16);
      assertThat(again.join().getFirst().cachedTokens()).isEqualTo(16);
    }
  }
}
