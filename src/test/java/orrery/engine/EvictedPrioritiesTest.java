package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import orrery.TinyModels;
import orrery.events.Event;
import orrery.events.EvictedPages;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;

/** An eviction says which priorities the pages had that went. */
class EvictedPrioritiesTest {
  private static final int PAGE = 4;

  private static Request request(int from, int tokens) {
    return Request.of(IntStream.range(from, from + tokens).toArray(), EngineTest.greedy(1));
  }

  private static RetentionConfig keep(int priority) {
    Retention retention = new Retention(priority);
    return new RetentionConfig(List.of(TokenRange.from(0, retention)), Optional.empty());
  }

  @ParameterizedTest
  @EnumSource(names = "OFF", mode = EnumSource.Mode.EXCLUDE)
  void anEvictionCountsItsPagesByPriorityAndTheLowestGoFirst(PrefixCacheKind cache) {
    List<Event> events = new ArrayList<>();
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withPageSize(PAGE).withMaxTotalTokens(80))
            .withPrefix(p -> p.withPrefixCache(cache));
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
        Engine engine = Engine.start(loaded, options, events::add)) {
      engine.submit(request(0, 13).withRetention(keep(60))).join(); // 3 blocks
      engine.submit(request(20, 13)).join(); // 3 blocks of 35
      engine.submit(request(40, 13).withRetention(keep(10))).join(); // 3 blocks
      for (int i = 0; i < 4; i++) { // each shares nothing, and needs most of the 20 pages
        engine.submit(request(1 + i, 52 + 3 * i)).join();
      }
    }
    List<Event.Evicted> evictions =
        events.stream()
            .filter(Event.Evicted.class::isInstance)
            .map(Event.Evicted.class::cast)
            .toList();
    assertThat(evictions).isNotEmpty();
    for (Event.Evicted e : evictions) {
      assertThat(e.by().stream().mapToInt(EvictedPages::pages).sum()).isEqualTo(e.pages());
      assertThat(e.by()).isSortedAccordingTo(Comparator.comparingInt(EvictedPages::priority));
    }
    assertThat(evictions.getFirst().by()).allMatch(p -> p.priority() == 10);
    assertThat(pages(evictions, 10)).isEqualTo(3);
    assertThat(pages(evictions, 35)).isGreaterThan(3);
    assertThat(pages(evictions, 60)).isZero();
  }

  private static int pages(List<Event.Evicted> evictions, int priority) {
    return evictions.stream()
        .flatMap(e -> e.by().stream())
        .filter(p -> p.priority() == priority)
        .mapToInt(EvictedPages::pages)
        .sum();
  }
}
