package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.greedy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import orrery.TinyModels;
import orrery.disagg.TcpNetwork;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.HostHit;

/** A decode engine with host memory loads what it had of a prompt before the other's rows come. */
@Timeout(600)
class DecodeTiersTest {
  private static final int PAGE = 16;

  private static Request request(int seed) {
    int[] prompt = new Random(seed).ints(10 * PAGE + 3, 0, 90).toArray();
    return Request.of(prompt, greedy(6).withLogprobs(2));
  }

  private static String said(TwoEngines two, Request request) {
    return Said.of(two.submit(request).decode().join().getFirst()).toString();
  }

  @Test
  void whatADecodeEngineHasOnTheHostIsLoadedAndToldAndChangesNoAnswer() {
    try (LoadedModel loaded = LoadedModel.load(TinyModels.speck("v4-mtp"))) {
      EngineOptions small =
          EngineOptions.defaults()
              .withKv(kv -> kv.withPageSize(PAGE).withContextLength(256).withMaxTotalTokens(256));
      EngineOptions tiers =
          SwitchCell.hostBlocks(
              loaded.model(), small.withOffload(o -> o.withEnableHierarchicalCache(true)), 40);
      List<Event> events = Collections.synchronizedList(new ArrayList<>());
      var prefill = new TwoEngines.Side(loaded, small, EventSink.NONE);
      var decode = new TwoEngines.Side(loaded, tiers, events::add);
      try (TwoEngines two =
          new TwoEngines(prefill, decode, TcpNetwork.local(), 8, Duration.ofMinutes(2))) {
        String first = said(two, request(1));
        said(two, request(2));
        said(two, request(3)); // the pages have no block of the first any more
        assertThat(List.copyOf(events)).noneMatch(e -> e instanceof HostHit);
        assertThat(said(two, request(1))).isEqualTo(first);
      }
      assertThat(events)
          .filteredOn(e -> e instanceof HostHit)
          .singleElement()
          .matches(e -> ((HostHit) e).pages() > 0 && ((HostHit) e).tokens() > 0);
    }
  }
}
