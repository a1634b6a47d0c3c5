package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;

/** Reading an answer, and leaving the loop early. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class CompletionTest {
  private static final int LONG = 400;
  private static final FinishReason CANCELLED = new FinishReason.Abort("cancelled");
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static Request request(int tokens, int n) {
    return Request.of(PROMPT, greedy(tokens).withN(n));
  }

  /** A request that has some tokens and gets no more: no test runs against time. */
  private static Completion begun(Engine engine, int n) {
    engine.pause(PauseMode.IN_PLACE).join();
    Completion c = engine.submit(request(LONG, n));
    assertThat(engine.step(5).join()).isEqualTo(5);
    return c;
  }

  private static void assertCutOff(Completion c) {
    Answer a = c.join().getFirst();
    assertThat(a.finish()).isEqualTo(CANCELLED);
    assertThat(a.tokens().length).isLessThan(LONG);
  }

  @Test
  void leavingTheBlockByBreakCancels() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion left;
      try (Completion c = begun(engine, 1)) {
        left = c;
        for (Token t : c) {
          if (t.index() == 2) {
            break;
          }
        }
      }
      assertCutOff(left);
    }
  }

  @Test
  void leavingTheBlockByAnExceptionCancels() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      AtomicReference<Completion> left = new AtomicReference<>();
      assertThatThrownBy(
              () -> {
                try (Completion c = begun(engine, 1)) {
                  left.set(c);
                  c.iterator().next();
                  throw new IllegalStateException("the reader's");
                }
              })
          .hasMessage("the reader's");
      assertCutOff(left.get());
    }
  }

  @Test
  void closingACompletionThatHasEndedChangesNothing() {
    try (Engine engine = Engine.start(loaded, SCALAR);
        Completion c = engine.submit(request(5, 1))) {
      assertThat(c.join().getFirst().tokens()).hasSize(5);
      c.close();
      assertThat(c.join().getFirst().finish()).isEqualTo(new FinishReason.Length(5));
    }
  }

  @Test
  void anInterruptedIterationThrowsAndCancels() throws Exception {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = begun(engine, 1);
      AtomicReference<Throwable> seen = new AtomicReference<>();
      AtomicReference<Boolean> flag = new AtomicReference<>();
      CountDownLatch reading = new CountDownLatch(1);
      Thread reader =
          Thread.ofPlatform()
              .start(
                  () -> {
                    try {
                      for (Token t : c) {
                        reading.countDown();
                      }
                    } catch (RequestException e) {
                      flag.set(Thread.currentThread().isInterrupted());
                      seen.set(e);
                    }
                  });
      reading.await();
      reader.interrupt();
      reader.join();
      assertThat(seen.get())
          .isInstanceOf(RequestException.class)
          .hasMessage("request 0: interrupted while waiting for it; it was cancelled");
      assertThat(((RequestException) seen.get()).kind())
          .isEqualTo(RequestException.Kind.INTERRUPTED);
      assertThat(flag.get()).as("still interrupted").isTrue();
      assertCutOff(c);
    }
  }

  @Test
  void anInterruptedJoinThrowsAndCancels() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = begun(engine, 1);
      Thread.currentThread().interrupt();
      assertThatThrownBy(c::join).isInstanceOf(RequestException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertCutOff(c);
    }
  }

  @Test
  void anInterruptedThreadGetsAnswersThatAreThereAndNoRequestIsCalledCancelled() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = engine.submit(request(3, 1));
      c.join();
      Thread.currentThread().interrupt();
      assertThat(c.join().getFirst().tokens()).hasSize(3);
      assertThatThrownBy(() -> c.iterator().hasNext())
          .hasMessage(
              "request 0: interrupted while waiting for it;"
                  + " it had ended, and join() gives its answers");
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  @Test
  void anIterationOfAFailedRequestThrowsInsteadOfEnding() {
    EventSink breaks =
        event -> {
          if (event instanceof Event.StepDone s && s.step() == 3) {
            throw new IllegalStateException("a bug");
          }
        };
    Engine engine = Engine.start(loaded, SCALAR, breaks);
    Iterator<Token> tokens = engine.submit(request(LONG, 1)).iterator();
    List<Token> read = new ArrayList<>();
    assertThatThrownBy(() -> tokens.forEachRemaining(read::add))
        .isInstanceOf(RequestException.class)
        .hasMessageContaining("a bug");
    assertThat(read).isNotEmpty();
    engine.close();
  }

  @Test
  void iteratingAgainEndsAtOnce() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = engine.submit(request(3, 1));
      assertThat(c).hasSize(3);
      assertThat(c).isEmpty();
      assertThat(c).isEmpty();
    }
  }

  @Test
  void cancellingTheFutureCancelsTheRequest() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = begun(engine, 1);
      c.iterator().next();
      CompletableFuture<List<Answer>> future = c.answers();
      assertThat(future.cancel(true)).isTrue();
      assertCutOff(c);
      assertThat(future).isCancelled();
      assertThat(c.answers()).isSameAs(future);
      assertThatThrownBy(future::get).isInstanceOf(CancellationException.class);
      assertThat(future.cancel(true)).as("cancelled stays cancelled").isTrue();
    }
  }

  /** The future once was a new stage at each call, which had almost never ended yet. */
  @Test
  void theFutureOfAFinishedAnswerIsDone() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      for (int i = 0; i < 200; i++) {
        Completion c = engine.submit(request(1, 1));
        while (!c.isDone()) {
          Thread.onSpinWait();
        }
        assertThat(c.answers().isDone()).isTrue();
        assertThat(c.answers().join()).isEqualTo(c.join());
      }
    }
  }

  @Test
  void aFutureThatWasTakenEarlyIsCompletedByTheEngine() throws Exception {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      CompletableFuture<List<Answer>> future = engine.submit(request(20, 1)).answers();
      AtomicReference<String> thread = new AtomicReference<>();
      CompletableFuture<Void> after =
          future.thenAccept(a -> thread.set(Thread.currentThread().getName()));
      assertThat(future.get(2, TimeUnit.MINUTES).getFirst().tokens()).hasSize(20);
      after.get(2, TimeUnit.MINUTES);
      assertThat(thread.get()).isNotEqualTo("orrery-engine");
    }
  }

  @Test
  void waitingForAWhileTellsWhetherTheRequestHasEnded() throws Exception {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      Completion c = begun(engine, 1);
      assertThat(c.await(1, TimeUnit.MILLISECONDS)).isFalse();
      c.cancel();
      assertThat(c.await(2, TimeUnit.MINUTES)).isTrue();
    }
  }

  /**
   * Cancelled in the queue, before the prompt is computed, or later: there are always n answers.
   */
  @Test
  void nChoicesGiveNAnswersWheneverTheyAreCancelled() {
    List<Event.Finished> finished = new ArrayList<>();
    EventSink sink =
        event -> {
          if (event instanceof Event.Finished f) {
            finished.add(f);
          }
        };
    int inTheQueue;
    try (Engine engine =
        Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(1)), sink)) {
      Completion running = begun(engine, 1);
      Completion waiting = engine.submit(request(LONG, 3));
      inTheQueue = waiting.id();
      waiting.cancel();
      List<Answer> answers = waiting.join();
      assertThat(answers).extracting(Answer::choice).containsExactly(0, 1, 2);
      assertThat(answers).extracting(Answer::finish).containsOnly(CANCELLED);
      assertThat(answers).allSatisfy(a -> assertThat(a.tokens()).isEmpty());
      running.cancel();
      Completion begun = begun(engine, 3);
      begun.iterator().next();
      begun.cancel();
      assertThat(begun.join()).extracting(Answer::choice).containsExactly(0, 1, 2);
    }
    assertThat(finished.stream().filter(f -> f.request() == inTheQueue)).hasSize(3);
  }

  @Test
  void anArgumentThatIsNullIsNamed() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      List<Request> holes = new ArrayList<>();
      holes.add(null);
      assertThatNullPointerException()
          .isThrownBy(() -> engine.submit((Request) null))
          .withMessage("request: expected a request, found null");
      assertThatNullPointerException()
          .isThrownBy(() -> engine.submit((List<Request>) null))
          .withMessage("requests: expected a list, found null");
      assertThatNullPointerException()
          .isThrownBy(() -> engine.submit(holes))
          .withMessage("requests: expected requests, found null among them");
      assertThatNullPointerException()
          .isThrownBy(() -> engine.close(null))
          .withMessage("patience: expected a duration, found null");
    }
    assertThatNullPointerException()
        .isThrownBy(() -> Engine.check(loaded, null))
        .withMessage("options: expected engine options, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> Request.of(null, greedy(1)))
        .withMessage("prompt: expected token ids, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> Request.of(PROMPT, null))
        .withMessageContaining("expected sampling parameters, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> request(1, 1).withDeadline(null))
        .withMessage("deadline: expected a duration, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> Engine.start(null, SCALAR))
        .withMessage("model: expected a loaded model, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> Engine.start(loaded, null))
        .withMessage("options: expected engine options, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> Engine.start(loaded, SCALAR, null))
        .withMessageContaining("sink: expected an event sink, found null");
    assertThatThrownBy(() -> greedy(1).withStop(null))
        .hasMessage("stop: expected a list, found null");
    assertThatThrownBy(() -> EngineOptions.defaults().withCompute(c -> c.withKernels(null)))
        .hasMessage("kernels: expected a set of kernels, found null");
    assertThatNullPointerException()
        .isThrownBy(() -> LoadedModel.load(null))
        .withMessage("model: expected a directory, found null");
  }
}
