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

/** Entries that lie on the host, in metrics and in a trace. */
class SparseSinksTest {
  private static final List<Event> EVENTS =
      List.of(
          new Event.SparseReads(1_000, 7, 2, 96, 80, 16, 11, 3, 0, 3_072, 0, 576),
          new Event.SparseReads(2_000, 8, 1, 32, 30, 2, 1, 0, 640, 384, 122_880, 5_000_000_000L));

  @TempDir Path directory;

  @Test
  void metricsAreSumsOverTheStepsAndAreThereOnlyIfEntriesLieOnTheHost() {
    Metrics metrics = new Metrics("m");
    assertThat(new String(metrics.text(), StandardCharsets.UTF_8)).doesNotContain("hisparse");
    EVENTS.forEach(metrics::accept);
    Exposition text = Exposition.read(metrics.text());
    assertThat(text.value("vllm:hisparse_cache_hits_total")).isEqualTo(110);
    assertThat(text.value("vllm:hisparse_cache_misses_total")).isEqualTo(18);
    assertThat(text.value("vllm:hisparse_host_to_device_bytes_total")).isEqualTo(3_456);
    assertThat(text.value("orrery:hisparse_device_to_host_bytes_total")).isEqualTo(5_000_000_576L);
    assertThat(text.value("orrery:hisparse_evicted_entries_total")).isEqualTo(12);
    assertThat(text.value("orrery:hisparse_direct_entries_total")).isEqualTo(640);
    assertThat(text.value("orrery:hisparse_direct_bytes_total")).isEqualTo(122_880);
  }

  @Test
  void theCountersOfATraceGoBackToZeroWithAStepThatReadsNone() throws IOException {
    Path file = directory.resolve("quiet.json");
    try (TraceSink sink = TraceSink.open(file)) {
      sink.accept(done(500, 6));
      sink.accept(EVENTS.getFirst());
      sink.accept(done(1_000, 7));
      sink.accept(done(2_000, 8));
      sink.accept(new Event.Idle(3_000, 0, 0, List.of()));
      sink.accept(EVENTS.getLast());
      sink.accept(done(4_000, 9));
      sink.accept(new Event.Idle(5_000, 0, 0, List.of()));
    }
    List<String> hits = new ArrayList<>();
    for (JsonNode e : new ObjectMapper().readTree(file.toFile())) {
      if (e.path("name").asText().equals("entries")) {
        hits.add(e.get("ts").asText() + " " + e.get("args").get("in buffers"));
      }
    }
    assertThat(hits).containsExactly("1.0 80", "2.0 0", "2.0 30", "5.0 0");
  }

  private static Event done(long nanos, int step) {
    return new Event.StepDone(
        nanos, step, 0, 1, 0, 0, 1, 0, List.of(), "NOTHING_WAITS", 0, 0, 0, 0, 0, 0);
  }

  @Test
  void aTraceHasCountersOfTheEntriesAndOfTheirBytesAtEachStep() throws IOException {
    Path file = directory.resolve("sparse.json");
    try (TraceSink sink = TraceSink.open(file)) {
      EVENTS.forEach(sink::accept);
    }
    List<String> counters = new ArrayList<>();
    for (JsonNode e : new ObjectMapper().readTree(file.toFile())) {
      if (e.get("ph").asText().equals("C")) {
        counters.add(e.get("ts").asText() + " " + e.get("name").asText() + " " + e.get("args"));
      }
    }
    assertThat(counters)
        .containsExactly(
            "1.0 entries {\"in buffers\":80,\"copied from the host\":16,\"read on the host\":0}",
            "1.0 bytes from the host {\"copied\":3072,\"read in place\":0}",
            "2.0 entries {\"in buffers\":30,\"copied from the host\":2,\"read on the host\":640}",
            "2.0 bytes from the host {\"copied\":384,\"read in place\":122880}");
  }
}
