package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Patience;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;

/** How an engine ends, and that nothing of it is left. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class ShutdownTest {
  private static final FinishReason SHUTDOWN = new FinishReason.Abort("shutdown");
  private static LoadedModel loaded;

  /** With this an answer of 450 tokens takes most of a minute: no thread is so late. */
  private static final EventSink SLOW = slow(100);

  private static EventSink slow(int millis) {
    return event -> {
      if (event instanceof Event.StepDone) {
        sleep(millis);
      }
    };
  }

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Request request(int tokens) {
    return Request.of(PROMPT, greedy(tokens));
  }

  @Test
  void closingWithPatienceFinishesWhatItCanAndCutsTheRestOff() {
    Engine engine =
        Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(2)), SLOW);
    Completion brief = engine.submit(request(2));
    Completion endless = engine.submit(request(450));
    Completion waiting = engine.submit(request(450));
    brief.join();
    endless.iterator().next(); // it runs
    assertThat(engine.close(Duration.ofMillis(30))).isFalse();
    assertThat(brief.join().getFirst().tokens()).hasSize(2);
    assertThat(endless.join().getFirst().finish()).isEqualTo(SHUTDOWN);
    assertThat(endless.join().getFirst().tokens()).isNotEmpty().hasSizeLessThan(450);
    assertThat(waiting.join().getFirst().finish()).isEqualTo(SHUTDOWN);
    assertThatThrownBy(() -> engine.submit(request(1))).hasMessage("the engine is closed");
  }

  @Test
  void closingWithEnoughPatienceFinishesAll() {
    Engine engine = Engine.start(loaded, SCALAR);
    Completion c = engine.submit(request(20));
    assertThat(engine.close(Duration.ofMinutes(2))).isTrue();
    assertThat(c.join().getFirst().tokens()).hasSize(20);
    assertThat(engine.close(Duration.ZERO)).as("nothing was left to do").isTrue();
  }

  @Test
  void shuttingDownNowCutsAllOffAndWaitsForNothing() {
    Engine engine = Engine.start(loaded, SCALAR.withBatching(b -> b.withMaxRunningRequests(1)));
    engine.pause(PauseMode.IN_PLACE).join();
    List<Completion> all = engine.submit(List.of(request(450), request(450)));
    assertThat(engine.step(3).join()).isEqualTo(3);
    engine.shutdownNow(); // no step comes between the pause and this
    for (Completion c : all) {
      assertThat(c.join().getFirst().finish()).isEqualTo(SHUTDOWN);
      assertThat(c.join().getFirst().tokens()).hasSize(c == all.getFirst() ? 3 : 0);
    }
    assertThatThrownBy(() -> engine.submit(request(1))).hasMessage("the engine is closed");
    engine.close();
    engine.shutdownNow(); // late, and nothing
  }

  @Test
  void aSinkThatClosesItsEngineDoesNotWaitForItself() {
    AtomicReference<Engine> engine = new AtomicReference<>();
    engine.set(
        Engine.start(
            loaded,
            SCALAR,
            event -> {
              if (event instanceof Event.TokenOut) {
                engine.get().close();
              }
            }));
    Completion c = engine.get().submit(request(5));
    assertThat(c.join().getFirst().tokens()).hasSize(5);
    engine.get().close();
  }

  /** This holds also for events of refused requests and of late ones. */
  @Test
  void eventsComeOnTheEnginesThreadAndNoneAfterItsEnd() {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    EventSink sink =
        event -> {
          threads.add(Thread.currentThread().getName());
          events.add(event);
        };
    Engine engine = Engine.start(loaded, SCALAR, sink);
    engine.submit(request(3)).join();
    assertThatThrownBy(() -> engine.submit(Request.of(new int[0], greedy(1))))
        .isInstanceOf(RequestException.class);
    engine.close();
    assertThat(threads).containsExactly("orrery-engine");
    assertThat(events).hasAtLeastOneElementOfType(Event.Rejected.class);
    int before = events.size();
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> engine.submit(request(1))).hasMessage("the engine is closed");
    }
    engine.shutdownNow();
    engine.close();
    assertThat(events).hasSize(before);
  }

  /** The engine's thread ends when there is no work, and a new one starts with the next request. */
  @Test
  void anIdleEngineHasNoThreadAndAnswersAllTheSame() throws InterruptedException {
    Set<Thread> others = Set.copyOf(engineThreads()); // engines that were closed a moment ago
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      assertThat(others).containsAll(engineThreads());
      String first = EngineTest.bits(engine.submit(request(4)).join());
      Patience.await("its thread ends", () -> others.containsAll(engineThreads()));
      assertThat(EngineTest.bits(engine.submit(request(4)).join())).isEqualTo(first);
    }
  }

  private static List<Thread> engineThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(t -> t.getName().equals("orrery-engine"))
        .toList();
  }

  @Test
  void closingTellsWhetherARequestWasCutOff() {
    Engine idle = Engine.start(loaded, SCALAR);
    assertThat(idle.close(Duration.ZERO)).isTrue();
    Engine busy = Engine.start(loaded, SCALAR);
    busy.pause(PauseMode.IN_PLACE).join();
    busy.submit(request(450));
    busy.shutdownNow();
    assertThat(busy.close(Duration.ofMinutes(2))).isFalse();
    assertThat(busy.close(Duration.ofMinutes(2))).isFalse();
  }

  @Test
  void theErrorForAClosedModelSaysThatItIsClosed() {
    LoadedModel model = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
    model.close();
    assertThatThrownBy(() -> Engine.start(model, SCALAR))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageEndingWith("tokenizer.json: this tokenizer is closed");
    assertThatThrownBy(() -> model.requireTokenizer().encode("text"))
        .hasMessageEndingWith("tokenizer.json: this tokenizer is closed");
    model.close(); // closing twice changes nothing
  }

  /**
   * A program that forgets to close the engine ends by itself, but only after its answers are
   * complete.
   */
  @Test
  void aProgramThatForgetsToCloseEndsWhenItsAnswersAreThere() throws Exception {
    Process program = ForkedProgram.start(List.of(), Forgetful.class.getName());
    assertThat(program.waitFor(5, TimeUnit.MINUTES)).as("ended by itself").isTrue();
    assertThat(ForkedProgram.output(program)).contains("main is over", "tokens 40");
    assertThat(program.exitValue()).isZero();
  }

  /** Run in a JVM of its own. */
  static final class Forgetful {
    public static void main(String[] args) {
      LoadedModel model = LoadedModel.load(TinyModels.speck("groups"));
      Engine engine = Engine.start(model, SCALAR, slow(5));
      engine
          .submit(request(40))
          .answers()
          .thenAccept(a -> System.out.println("tokens " + a.getFirst().tokens().length));
      System.out.println("main is over");
    }
  }

  @Test
  void withoutTheVectorModuleTheFlagIsNamedAndScalarKernelsRun() throws Exception {
    Process program = ForkedProgram.start(List.of(), NoModule.class.getName());
    assertThat(program.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(ForkedProgram.output(program))
        .contains(
            "vector kernels need the JVM flag --add-modules=jdk.incubator.vector, and this JVM was"
                + " started without it",
            "scalar tokens 3");
  }

  /** Run in a JVM of its own, without the module. */
  static final class NoModule {
    public static void main(String[] args) {
      LoadedModel model = LoadedModel.load(TinyModels.speck("groups"));
      try {
        Engine.start(model, EngineOptions.defaults()).close();
      } catch (IllegalStateException e) {
        System.out.println(e.getMessage());
      }
      try (Engine engine = Engine.start(model, SCALAR)) {
        System.out.println(
            "scalar tokens " + engine.submit(request(3)).join().getFirst().tokens().length);
      }
    }
  }
}
