package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.greedy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.prefix.PrefixCacheKind;

/** The prefix cache can be emptied while no request is there. */
class FlushCacheTest {
  private static final int PAGE = 4;
  private static final Request REQUEST =
      Request.of(IntStream.range(0, 20).toArray(), greedy(6).withLogprobs(2));

  private final LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));

  @AfterEach
  void close() {
    loaded.close();
  }

  private static EngineOptions options(PrefixCacheKind cache) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(PAGE))
        .withPrefix(p -> p.withPrefixCache(cache));
  }

  @ParameterizedTest
  @EnumSource
  void aFlushedCacheHitsNothingAndTheAnswerIsTheSame(PrefixCacheKind kind) {
    List<Event> events = new ArrayList<>();
    try (Engine engine = Engine.start(loaded, options(kind), events::add)) {
      Answer first = engine.submit(REQUEST).join().getFirst();
      Answer hit = engine.submit(REQUEST).join().getFirst();
      assertThat(engine.flushCache().join()).isTrue();
      Answer again = engine.submit(REQUEST).join().getFirst();
      boolean remembers = kind != PrefixCacheKind.OFF;
      assertThat(hit.cachedTokens()).isEqualTo(remembers ? 16 : 0);
      assertThat(again.cachedTokens()).isZero();
      assertThat(Said.of(hit).toString()).isEqualTo(Said.of(first).toString());
      assertThat(Said.of(again).toString()).isEqualTo(Said.of(first).toString());
      assertThat(engine.flushCache().join()).isTrue();
      assertThat(engine.flushCache().join()).as("an empty cache can be flushed").isTrue();
    }
    int[] blocks =
        events.stream()
            .filter(Event.Flushed.class::isInstance)
            .mapToInt(e -> ((Event.Flushed) e).blocks())
            .toArray();
    // Computed are the prompt and the answer but its last token: 25 tokens.
    int full = kind == PrefixCacheKind.OFF ? 0 : 25 / PAGE;
    assertThat(blocks).hasSize(3).endsWith(full, 0);
    assertThat(blocks[0]).isGreaterThanOrEqualTo(full);
  }

  @Test
  void itIsRefusedWhileARequestRunsOrWaits() {
    AtomicReference<Engine> engine = new AtomicReference<>();
    List<CompletableFuture<Boolean>> asked = new CopyOnWriteArrayList<>();
    List<Event> events = new CopyOnWriteArrayList<>();
    Engine started =
        Engine.start(
            loaded,
            options(PrefixCacheKind.RADIX),
            e -> {
              events.add(e);
              if (e instanceof Event.StepDone s && s.running() > 0 && asked.size() < 3) {
                asked.add(engine.get().flushCache());
              }
            });
    try (started) {
      engine.set(started);
      started.submit(REQUEST).join();
      assertThat(asked).hasSize(3).allMatch(flushed -> !flushed.join());
      assertThat(events).noneMatch(Event.Flushed.class::isInstance);
      assertThat(started.submit(REQUEST).join().getFirst().cachedTokens()).isEqualTo(16);
    }
  }

  @Test
  void withPatienceItWaitsForTheLastRequestAndThenAllPagesAreFree() {
    List<Event> events = new ArrayList<>();
    try (Engine engine = Engine.start(loaded, options(PrefixCacheKind.RADIX), events::add)) {
      engine.pause(PauseMode.IN_PLACE).join();
      Completion request = engine.submit(REQUEST);
      CompletableFuture<Boolean> flushed = engine.flushCache(Duration.ofMinutes(5));
      CompletableFuture<Boolean> impatient = engine.flushCache(Duration.ofMillis(20));
      assertThat(impatient.join()).as("the request still waits").isFalse();
      assertThat(flushed).isNotDone();
      engine.resume();
      assertThat(flushed.join()).isTrue();
      assertThat(request.isDone()).isTrue();
      assertThat(engine.submit(REQUEST).join().getFirst().cachedTokens()).isZero();
    }
    int at = 0;
    while (!(events.get(at) instanceof Event.Flushed)) {
      at++;
    }
    assertThat(events.stream().filter(Event.Flushed.class::isInstance)).hasSize(1);
    assertThat(events.get(at + 1))
        .isInstanceOfSatisfying(
            Event.Idle.class,
            e ->
                assertThat(e.pools())
                    .allMatch(p -> p.free() == p.total() && p.idle() + p.referenced() == 0));
  }

  @Test
  void aClosedEngineRefusesIt() {
    Engine engine = Engine.start(loaded, options(PrefixCacheKind.RADIX));
    engine.close();
    for (ThrowingCallable flush :
        List.<ThrowingCallable>of(
            engine::flushCache, () -> engine.flushCache(Duration.ofSeconds(1)))) {
      assertThatThrownBy(flush)
          .isInstanceOf(RequestException.class)
          .hasMessage("the engine is closed");
    }
  }
}
