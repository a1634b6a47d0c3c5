package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.TinyModels;
import orrery.events.EventSink;

/** The engine's thread and the way to it, when what they stand on fails. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
class EngineThreadTest {
  private static LoadedModel loaded;

  private final AtomicInteger queued = new AtomicInteger();

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("groups"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private EngineCore core(EngineOptions options) {
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    return new EngineCore(
        loaded, options, EventSink.NONE, () -> 0, queued, drafters, Engine.KEYFRAMES, () -> {});
  }

  /** As if no thread could be started. */
  @Test
  void requestsThatMemoryRunsOutForAreNotCountedAsWaiting() throws InterruptedException {
    EngineCore core = core(SCALAR);
    EngineThread thread = new EngineThread(core);
    AtomicBoolean full = new AtomicBoolean(true);
    Arrivals arrivals =
        new Arrivals(
            core,
            thread,
            queued,
            SCALAR.withBatching(b -> b.withMaxQueuedRequests(2)),
            EventSink.NONE,
            () -> {
              if (full.get()) {
                throw new OutOfMemoryError("unable to create native thread");
              }
              return 0;
            });
    List<Request> two = List.of(Request.of(PROMPT, greedy(3)), Request.of(PROMPT, greedy(3)));
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> arrivals.submit(two)).isInstanceOf(OutOfMemoryError.class);
      assertThat(arrivals.waiting()).isZero();
    }
    full.set(false);
    assertThat(arrivals.submit(two)).hasSize(2).allMatch(c -> c.join().size() == 1);
    thread.drain();
    thread.awaitEnd();
  }

  @Test
  void anEngineWhosePartsCannotBeClosedEndsAndSaysWhy() throws InterruptedException {
    EngineCore core = core(SCALAR.withOffload(o -> o.withEnableHierarchicalCache(true)));
    core.close(); // its host memory cannot be freed twice
    EngineThread thread = new EngineThread(core);
    thread.drain();
    assertThat(thread.awaitEnd(Duration.ofSeconds(30).toNanos())).isTrue();
    assertThat(thread.ended())
        .failsWithin(Duration.ZERO)
        .withThrowableThat()
        .withRootCauseInstanceOf(IllegalStateException.class)
        .withMessageContaining("closed");
  }
}
