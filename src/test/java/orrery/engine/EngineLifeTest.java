package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Patience;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.prefix.PrefixCacheKind;
import orrery.sampling.FinishReason;
import orrery.sampling.SamplingParams;

/** Submitting, cancelling, waiting and closing, from any thread and at any moment. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class EngineLifeTest {
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static Request request(int tokens) {
    return Request.of(PROMPT, greedy(tokens).withLogprobs(0));
  }

  /** A sink that runs {@code then} on the engine's thread at the nth event of a kind. */
  private static EventSink at(Class<? extends Event> kind, int nth, Runnable then) {
    int[] seen = {0};
    return event -> {
      if (kind.isInstance(event) && ++seen[0] == nth) {
        then.run();
      }
    };
  }

  /** Cancels a request at every possible step, while two other requests go on. */
  @Test
  void aRequestCancelledAtAnyStepLeavesTheOthersUnchangedAndAllPagesFree() {
    Request stays = Request.of(PROMPT, sampled(14).withLogprobs(1).withN(2));
    Request goes = Request.of(Arrays.copyOf(PROMPT, 30), sampled(12).withN(3));
    EngineOptions options =
        SCALAR
            .withKv(kv -> kv.withMaxTotalTokens(120).withContextLength(64))
            .withBatching(b -> b.withChunkedPrefillSize(6));
    String expected;
    try (Engine engine = Engine.start(loaded, options)) {
      expected = bits(engine.submit(stays).join());
    }
    int cancelled = 0;
    for (PrefixCacheKind prefix : PrefixCacheKind.values()) {
      for (int step = 1; step < 30; step++) {
        AtomicReference<Completion> victim = new AtomicReference<>();
        CountDownLatch submitted = new CountDownLatch(1);
        EventSink sink =
            at(
                Event.StepDone.class,
                step,
                () -> {
                  await(submitted);
                  victim.get().cancel();
                });
        AtomicReference<Event.StepDone> last = new AtomicReference<>();
        EventSink both =
            sink.and(
                e -> {
                  if (e instanceof Event.StepDone s) {
                    last.set(s);
                  }
                });
        EngineOptions o = options.withPrefix(p -> p.withPrefixCache(prefix));
        try (Engine engine = Engine.start(loaded, o, both)) {
          List<Completion> all = engine.submit(List.of(stays, goes, stays));
          victim.set(all.get(1));
          submitted.countDown();
          assertThat(bits(all.get(0).join())).as("%s, step %d", prefix, step).isEqualTo(expected);
          assertThat(bits(all.get(2).join())).as("%s, step %d", prefix, step).isEqualTo(expected);
          List<Answer> cut = all.get(1).join();
          boolean aborted = cut.stream().anyMatch(a -> a.finish() instanceof FinishReason.Abort);
          cancelled += aborted ? 1 : 0;
        }
      }
    }
    assertThat(cancelled).as("cancelled in time").isGreaterThan(30);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aCancelledRequestAnswersWithWhatItHadAndCancellingTwiceOrLateChangesNothing() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      String whole = bits(engine.submit(request(200)).join());
      engine.pause(PauseMode.IN_PLACE).join();
      Completion c = engine.submit(request(200));
      assertThat(engine.step(5).join()).isEqualTo(5);
      int heard = 0;
      for (Token t : c) {
        heard += t.id() == Token.NONE ? 0 : 1;
        if (heard == 3) {
          c.cancel();
          c.cancel();
        }
      }
      Answer a = c.join().getFirst();
      assertThat(a.finish()).isEqualTo(new FinishReason.Abort("cancelled"));
      assertThat(a.tokens()).hasSize(heard).hasSizeBetween(3, 199);
      c.cancel();
      assertThat(c.join()).hasSize(1);
      engine.resume().join();
      Completion waiting = engine.submit(request(5));
      waiting.cancel(); // perhaps before its first step
      assertThat(waiting.join().getFirst().tokens().length).isLessThanOrEqualTo(5);
      assertThat(bits(engine.submit(request(200)).join())).isEqualTo(whole);
    }
  }

  @Test
  void anAnswerIsCutOffAtItsDeadlineAndOthersAreNot() {
    EventSink slow =
        e -> {
          if (e instanceof Event.StepDone) {
            sleep(2);
          }
        };
    try (Engine engine = Engine.start(loaded, SCALAR, slow)) {
      List<Completion> both =
          engine.submit(List.of(request(100).withDeadline(Duration.ofMillis(40)), request(100)));
      Answer cut = both.get(0).join().getFirst();
      assertThat(cut.finish()).isEqualTo(new FinishReason.Abort("deadline"));
      assertThat(cut.tokens().length).isLessThan(100);
      assertThat(both.get(1).join().getFirst().tokens()).hasSize(100);
      Request patient = request(3).withDeadline(Duration.ofDays(36_500));
      assertThat(engine.submit(patient).join().getFirst().tokens()).hasSize(3);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aFullQueueRejectsRequestsClearlyUntilAWaitingOneBegins() {
    CountDownLatch admitted = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    EventSink sink =
        at(
            Event.StepDone.class,
            1,
            () -> {
              admitted.countDown();
              await(goOn);
            });
    EngineOptions options =
        SCALAR.withBatching(b -> b.withMaxRunningRequests(1).withMaxQueuedRequests(2));
    try (Engine engine = Engine.start(loaded, options, sink)) {
      Completion running = engine.submit(request(20));
      await(admitted);
      Completion first = engine.submit(request(4));
      Completion second = engine.submit(request(4));
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> engine.submit(request(4)))
            .isInstanceOfSatisfying(
                RequestException.class,
                e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.QUEUE_FULL))
            .hasMessage("the queue is full: 2 requests wait, at most 2 may; try again later");
      }
      goOn.countDown();
      assertThat(running.join().getFirst().tokens()).hasSize(20);
      assertThat(first.join().getFirst().tokens()).hasSize(4);
      assertThat(second.join().getFirst().tokens()).hasSize(4);
      assertThat(engine.submit(request(4)).join()).hasSize(1);
    }
  }

  /** The queue counts all waiting requests, not only those on their way into the engine. */
  @Test
  void waitingRequestsCountAsQueuedThoughTheEngineHasSeenThem() {
    EngineOptions options =
        SCALAR.withBatching(b -> b.withMaxRunningRequests(1).withMaxQueuedRequests(3));
    try (Engine engine = Engine.start(loaded, options)) {
      engine.pause(PauseMode.IN_PLACE).join();
      List<Completion> accepted = new ArrayList<>(engine.submit(List.of(request(100))));
      assertThat(engine.step(2).join()).isEqualTo(2);
      for (int i = 0; i < 3; i++) {
        accepted.add(engine.submit(request(100)));
      }
      assertThat(engine.step(12).join()).as("the engine has taken them in").isEqualTo(12);
      assertThatThrownBy(() -> engine.submit(request(100)))
          .hasMessageContaining("the queue is full");
      accepted.get(2).cancel(); // a waiting request frees its place
      accepted.get(2).join();
      accepted.add(engine.submit(request(1)));
      accepted.forEach(Completion::cancel);
    }
  }

  @Test
  void manyThreadsSubmitAtOnceAndEachGetsItsOwnAnswer() throws Exception {
    SamplingParams params = sampled(8).withLogprobs(1);
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      List<String> expected = new ArrayList<>();
      for (int t = 0; t < 8; t++) {
        expected.add(bits(engine.submit(own(t, params)).join()));
      }
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> callers = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
          int mine = t;
          callers.add(
              threads.submit(
                  () -> {
                    for (int i = 0; i < 12; i++) {
                      assertThat(bits(engine.submit(own(mine, params)).join()))
                          .isEqualTo(expected.get(mine));
                    }
                  }));
        }
        for (Future<?> caller : callers) {
          caller.get();
        }
      }
    }
  }

  private static Request own(int t, SamplingParams params) {
    int[] prompt = PROMPT.clone();
    prompt[t] = 1;
    return Request.of(prompt, params);
  }

  @Test
  void aRequestWhoseTokensAreNeverReadBlocksNoOther() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion unread = engine.submit(request(200));
      for (int i = 0; i < 5; i++) {
        assertThat(engine.submit(request(20)).join().getFirst().tokens()).hasSize(20);
      }
      assertThat(unread.join().getFirst().tokens()).hasSize(200);
    }
  }

  /** A callback that waits for another answer, or closes the engine, must not stop the engine. */
  @Test
  void workChainedToAFutureRunsBesideTheEngine() throws Exception {
    Engine engine = Engine.start(loaded, SCALAR);
    CompletableFuture<String> chained =
        engine
            .submit(request(3))
            .answers()
            .thenApply(
                first -> {
                  String second = bits(engine.submit(request(4)).join());
                  engine.close();
                  return second;
                });
    assertThat(chained.get(2, TimeUnit.MINUTES)).isNotEmpty();
    assertThatThrownBy(() -> engine.submit(request(1))).hasMessage("the engine is closed");
  }

  @Test
  void aFutureFailsWithTheReasonOfItsRequest() {
    Engine engine = Engine.start(loaded, SCALAR, at(Event.StepDone.class, 2, EngineLifeTest::bug));
    CompletableFuture<List<Answer>> future = engine.submit(request(9)).answers();
    assertThatThrownBy(() -> future.get(2, TimeUnit.MINUTES))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(RequestException.class)
        .hasMessageContaining("the engine stopped: a bug");
    engine.close();
  }

  private static void bug() {
    throw new IllegalStateException("a bug");
  }

  @Test
  void aBugOfTheEngineFailsEveryRequestAndNoMoreAreTaken() {
    Engine engine = Engine.start(loaded, SCALAR, at(Event.StepDone.class, 2, EngineLifeTest::bug));
    List<Completion> all = engine.submit(List.of(request(9), request(9), request(9)));
    for (Completion c : all) {
      assertThatThrownBy(c::join)
          .isInstanceOfSatisfying(
              RequestException.class,
              e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.CLOSED))
          .hasMessageContaining("a bug");
      assertThatThrownBy(() -> c.forEach(token -> {})).hasMessageContaining("a bug");
    }
    engine.close();
    assertThatThrownBy(() -> engine.submit(request(1))).hasMessage("the engine is closed");
  }

  @Test
  void moreRequestsTogetherThanMayWaitAreInvalidAndNotToBeTriedAgain() {
    EngineOptions options = SCALAR.withBatching(b -> b.withMaxQueuedRequests(2));
    try (Engine engine = Engine.start(loaded, options)) {
      assertThatThrownBy(() -> engine.submit(List.of(request(1), request(1), request(1))))
          .isInstanceOfSatisfying(
              RequestException.class,
              e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.INVALID))
          .hasMessage("requests: expected at most max-queued-requests 2 together, found 3");
      assertThat(engine.submit(List.of(request(1), request(1)))).hasSize(2);
    }
  }

  @Test
  void aProgramSeesThatAnEngineHasEndedAndWhichBugStoppedIt() {
    Engine sound = Engine.start(loaded, SCALAR);
    CompletableFuture<Void> end = sound.ended();
    sound.submit(request(2)).join();
    assertThat(end).isNotDone();
    sound.close();
    assertThat(end).isCompleted();
    Engine broken = Engine.start(loaded, SCALAR, at(Event.StepDone.class, 2, EngineLifeTest::bug));
    broken.submit(request(9));
    assertThat(broken.ended())
        .failsWithin(Duration.ofMinutes(2))
        .withThrowableThat()
        .withMessageContaining("a bug");
    broken.endPauses(); // does nothing
    broken.close();
  }

  @Test
  void requestsThatComeTogetherAllFailIfABugMeetsOneOfThem() {
    for (int nth = 1; nth <= 3; nth++) {
      EventSink sink = at(Event.Submitted.class, nth, EngineLifeTest::bug);
      Engine engine = Engine.start(loaded, SCALAR, sink);
      for (Completion c : engine.submit(List.of(request(9), request(9), request(9)))) {
        assertThat(c.answers())
            .failsWithin(Duration.ofMinutes(2))
            .withThrowableThat()
            .withMessageContaining("the engine stopped: a bug");
      }
      engine.close();
    }
  }

  @Test
  void whoWaitsForAPauseOrAFlushHearsOfABug() {
    EventSink sink = at(Event.Resumed.class, 1, EngineLifeTest::bug);
    Engine engine = Engine.start(loaded, SCALAR, sink);
    engine.pause(PauseMode.IN_PLACE).join();
    Completion request = engine.submit(request(9));
    CompletableFuture<Boolean> flushed = engine.flushCache(Duration.ofHours(1));
    CompletableFuture<Void> resumed = engine.resume();
    for (CompletableFuture<?> waits : List.of(flushed, resumed, request.answers())) {
      assertThat(waits)
          .failsWithin(Duration.ofMinutes(2))
          .withThrowableThat()
          .withMessageContaining("the engine stopped: a bug");
    }
    engine.close();
  }

  @Test
  void everyRequestEndsEvenIfTheSinkThrowsAtEveryEvent() {
    List<Integer> told = new ArrayList<>();
    EventSink broken =
        e -> {
          if (e instanceof Event.Finished f) {
            told.add(f.request());
          }
          if (e instanceof Event.TokenOut || e instanceof Event.Finished) {
            bug();
          }
        };
    Engine engine = Engine.start(loaded, SCALAR, broken);
    List<Completion> all = engine.submit(List.of(request(9), request(9), request(9)));
    for (Completion c : all) {
      assertThatThrownBy(c::join).hasMessageContaining("a bug");
    }
    engine.close();
    assertThat(told).as("requests whose end was told").containsExactlyInAnyOrder(0, 1, 2);
  }

  @Test
  void closingFinishesTheRequestsThatWereTakenAndTakesNoMore() {
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      Engine engine = Engine.start(loaded, SCALAR.withBatching(b -> b.withSchedulePolicy(policy)));
      List<Completion> all = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        all.add(engine.submit(request(7)));
      }
      engine.close();
      engine.close(); // closing twice changes nothing
      for (Completion c : all) {
        assertThat(c.answers()).succeedsWithin(Duration.ofMinutes(2));
        assertThat(c.join().getFirst().tokens()).hasSize(7);
      }
      assertThatThrownBy(() -> engine.submit(request(1)))
          .isInstanceOfSatisfying(
              RequestException.class,
              e -> assertThat(e.kind()).isEqualTo(RequestException.Kind.CLOSED));
    }
  }

  @Test
  void aRequestSubmittedWhileTheEngineClosesIsAnsweredOrRefused() throws Exception {
    for (int round = 0; round < 20; round++) {
      Engine engine = Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxQueuedRequests(40)));
      List<CompletableFuture<?>> futures =
          java.util.Collections.synchronizedList(new ArrayList<>());
      List<Thread> threads = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        threads.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      boolean open = true;
                      while (open) {
                        try {
                          futures.add(engine.submit(request(1)).answers());
                        } catch (RequestException turnedAway) {
                          open = turnedAway.kind() == RequestException.Kind.QUEUE_FULL;
                        }
                      }
                    }));
      }
      sleep(2);
      engine.close();
      for (Thread t : threads) {
        t.join();
      }
      for (CompletableFuture<?> f : futures) {
        f.handle((a, e) -> a).get(2, TimeUnit.MINUTES); // has an answer or an error
      }
    }
  }

  @Test
  void aCloseThatIsInterruptedFailsEveryRequestAndEnds() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    EventSink holds =
        at(
            Event.StepDone.class,
            5,
            () -> {
              held.countDown();
              await(goOn);
            });
    Engine engine =
        Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(2)), holds);
    List<Completion> all = engine.submit(List.of(request(400), request(400), request(400)));
    await(held); // some run, one waits
    Thread closer = Thread.ofPlatform().start(engine::close);
    closer.interrupt();
    Patience.await(
        "the interrupt is taken note of, and the engine's end awaited",
        () -> !closer.isInterrupted() && closer.getState() == Thread.State.WAITING);
    goOn.countDown();
    closer.join();
    for (Completion c : all) {
      assertThatThrownBy(c::join).hasMessageContaining("the engine was interrupted");
    }
  }

  @Test
  void aRequestOfHigherPriorityIsAdmittedFirst() {
    List<Integer> order = new ArrayList<>();
    EventSink sink =
        e -> {
          if (e instanceof Event.Admitted a) {
            order.add(a.request());
          }
        };
    try (Engine engine =
        Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(1)), sink)) {
      List<Completion> all =
          engine.submit(
              List.of(
                  request(3).withPriority(-1), request(3), request(3).withPriority(7), request(3)));
      all.forEach(Completion::join);
    }
    assertThat(order).containsExactly(2, 1, 3, 0);
  }
}
