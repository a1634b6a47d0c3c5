package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.events.Loaded;
import orrery.events.NotStored;
import orrery.events.Stored;

/** What moves between tiers, in metrics and in a trace. */
class TierSinksTest {
  private static final List<Event> EVENTS =
      List.of(
          new HostHit(900, 0, 0, 32, 6),
          new Stored(1_000, "all", 16, 1, 4096, 100, 600, false),
          new Stored(1_500, "window 8", 16, 2, 512, 1_100, 1_400, true),
          new NotStored(1_600, "all", 1, "cancelled"),
          new Loaded(
              5_000, 4, 6, 32, 9_216, 2_000, 4_000, 700, 3, new int[][] {{4, 5}, {1, 2, 3, 7}}),
          new HostPools(
              5_100,
              List.of(
                  new HostSlots("all", 16, 5, 2, 1, 0),
                  new HostSlots("window 8", 16, 4, 3, 0, 2))));

  @TempDir Path directory;

  @Test
  void metricsOfTiersHaveSglangsNamesAndAreThereOnlyIfThereIsATier() {
    Metrics metrics = new Metrics("m");
    assertThat(text(metrics)).doesNotContain("load_back", "hicache", "host");
    EVENTS.forEach(metrics::accept);
    Exposition text = Exposition.read(metrics.text());
    assertThat(text.value("sglang:load_back_tokens_total")).isEqualTo(32);
    assertThat(text.value("sglang:load_back_bytes_total")).isEqualTo(9_216);
    assertThat(text.count("sglang:load_back_duration_seconds")).isEqualTo(1);
    assertThat(text.value("sglang:hicache_backup_tokens_total", "pool", "all")).isEqualTo(16);
    assertThat(text.value("sglang:hicache_backup_bytes_total")).isEqualTo(4_608);
    assertThat(text.value("sglang:hicache_host_total_tokens")).isEqualTo(128);
    assertThat(text.value("sglang:hicache_host_used_tokens")).isEqualTo(32);
    assertThat(text.value("orrery:host_hit_tokens_total")).isEqualTo(32);
    assertThat(text.value("orrery:host_not_stored_parts_total", "pool", "all")).isEqualTo(1);
    assertThat(text.value("orrery:host_evicted_parts_total", "pool", "window 8")).isEqualTo(2);
    assertThat(text.value("orrery:host_slots", "pool", "all", "state", "storing")).isEqualTo(1);
    assertThat(text.value("orrery:load_back_taken_pieces_total")).isEqualTo(3);
  }

  private static String text(Metrics metrics) {
    return new String(metrics.text(), StandardCharsets.UTF_8);
  }

  @Test
  void aTraceHasALaneOfTheMoverWithItsCopiesAndCountersOfTheSlots() throws IOException {
    Path file = directory.resolve("tiers.json");
    try (TraceSink sink = TraceSink.open(file)) {
      EVENTS.forEach(sink::accept);
    }
    int mover = -1;
    List<String> lane = new ArrayList<>();
    List<String> counters = new ArrayList<>();
    List<String> marks = new ArrayList<>();
    for (JsonNode e : new ObjectMapper().readTree(file.toFile())) {
      String name = e.path("name").asText();
      if (name.equals("thread_name") && e.get("args").get("name").asText().equals("mover")) {
        mover = e.get("tid").asInt();
      } else if (e.get("ph").asText().equals("C")) {
        counters.add(name);
      } else if (e.get("ph").asText().equals("X")) {
        assertThat(e.get("tid").asInt()).isEqualTo(mover);
        lane.add(name + " " + e.get("ts").asText() + " + " + e.get("dur").asText());
      } else if (e.get("ph").asText().equals("i")) {
        marks.add(name);
      }
    }
    assertThat(lane).containsExactly("store 0.1 + 0.5", "load 4 parts 2.0 + 2.0");
    assertThat(counters).containsExactly("host slots, all", "host slots, window 8");
    assertThat(marks)
        .containsExactly(
            "host hit, 32 tokens", "stored before its pages became free", "not stored");
  }
}
