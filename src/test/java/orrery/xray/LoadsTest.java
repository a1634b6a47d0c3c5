package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.cli.XrayServer;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.HostHit;
import orrery.events.StepRows;

/** Each load really shows what it says, on the models that write. */
@Timeout(value = 30, unit = TimeUnit.MINUTES)
class LoadsTest {
  private static final Path MOE = Path.of("tiny-models/storyteller-moe");
  private static final Path V4 = Path.of("tiny-models/storyteller-v4");

  /** What happened in a load. */
  private record Shown(List<Event> events) {
    <E extends Event> List<E> all(Class<E> kind) {
      return events.stream().filter(kind::isInstance).map(kind::cast).toList();
    }

    long rejected() {
      return all(Event.Verified.class).stream().filter(v -> v.accepted() < v.judged()).count();
    }

    /** Whether a step computed prompt rows of one sequence beside decode rows of others. */
    long mixedSteps() {
      return all(StepRows.class).stream()
          .filter(s -> s.rows().stream().anyMatch(r -> r.prompt() > 0))
          .filter(s -> s.rows().stream().anyMatch(r -> r.decode() > 0))
          .count();
    }

    /** Blocks that lost a page after they had been kept. */
    long tombstones() {
      Map<Integer, Set<String>> had = new HashMap<>();
      Set<Integer> lost = new HashSet<>();
      for (BlockKept kept : all(BlockKept.class)) {
        Set<String> before = had.computeIfAbsent(kept.block(), b -> new HashSet<>());
        for (int pool = 0; pool < kept.pages().length; pool++) {
          for (int i = 0; i < kept.pages()[pool].length; i++) {
            String place = pool + "/" + i;
            if (kept.pages()[pool][i] >= 0) {
              before.add(place);
            } else if (before.contains(place)) {
              lost.add(kept.block());
            }
          }
        }
      }
      return lost.size();
    }
  }

  private static Shown run(XrayServer server, String name) throws Exception {
    JsonNode load = null;
    for (JsonNode one : server.get("/xray/loads").json()) {
      load = one.get("name").asText().equals(name) ? one : load;
    }
    if (!load.get("fits").asBoolean()) {
      String flags = load.get("flags").asText();
      assertThat(server.post("/xray/restart", "{\"flags\": \"" + flags + "\"}").status())
          .isEqualTo(200);
    }
    int before = server.events().size();
    JsonNode taken = server.post("/xray/load", "{\"name\": \"" + name + "\"}").json();
    assertThat(taken.get("requests")).as(taken.toString()).isNotEmpty();
    Set<Integer> open = new HashSet<>();
    taken.get("requests").forEach(id -> open.add(id.asInt()));
    List<Event> seen = new ArrayList<>();
    while (!ended(seen, open)) {
      Thread.sleep(20);
      List<Event> all = server.events();
      seen = new ArrayList<>(all.subList(before, all.size()));
    }
    return new Shown(seen);
  }

  /** Whether every choice of every request has ended. */
  private static boolean ended(List<Event> events, Set<Integer> requests) {
    int choices = 0;
    int submitted = 0;
    int ends = 0;
    for (Event event : events) {
      if (event instanceof Event.Submitted s && requests.contains(s.request())) {
        submitted++;
        choices += s.choices();
      } else if (event instanceof Event.Finished f && requests.contains(f.request())) {
        ends++;
        assertThat(f.reason()).isIn("stop", "length");
      }
    }
    return submitted == requests.size() && ends == choices;
  }

  static Stream<Path> writers() {
    return Stream.of(MOE, V4);
  }

  @ParameterizedTest
  @MethodSource("writers")
  void everyLoadShowsWhatItSays(Path model) throws Exception {
    try (XrayServer server = new XrayServer(model, "")) {
      Shown dozen = run(server, "dozen");
      assertThat(dozen.all(Event.Submitted.class)).hasSize(12);
      assertThat(dozen.all(Event.Admitted.class).stream().filter(a -> a.hit() > 0).count())
          .as("three chats take the first one's pages")
          .isGreaterThanOrEqualTo(3);
      assertThat(dozen.all(Event.Verified.class)).isNotEmpty();
      Shown drafts = run(server, "drafts");
      assertThat(drafts.rejected()).as("rejected drafts").isGreaterThan(5);
      Shown shared = run(server, "shared-prefix");
      assertThat(shared.all(Event.Admitted.class).stream().filter(a -> a.hit() >= 64).count())
          .as("seven prompts find the beginning of the first")
          .isGreaterThanOrEqualTo(7);
      Shown host = run(server, "host-memory");
      assertThat(host.all(HostHit.class)).as("a beginning comes back").hasSize(1);
      Shown chunks = run(server, "long-among-short");
      assertThat(chunks.mixedSteps()).as("answers go on between chunks").isGreaterThan(3);
      Shown tight = run(server, "tight-memory");
      assertThat(tight.all(Event.Retracted.class)).isNotEmpty();
      Shown choices = run(server, "choices");
      assertThat(choices.all(Event.Forked.class)).hasSize(6);
      assertThat(choices.all(Event.Forked.class)).allMatch(f -> f.shared() > 0);
      Shown grammar = run(server, "grammar");
      assertThat(grammar.all(Event.Finished.class)).hasSize(4);
      if (server.serving().engine().hasWindows()) {
        Shown windows = run(server, "windows");
        assertThat(
                windows.all(Event.StepDone.class).stream()
                    .anyMatch(s -> s.pools().stream().anyMatch(p -> p.passed() > 0)))
            .as("windows pass pages")
            .isTrue();
        assertThat(windows.tombstones()).as("tombstones").isPositive();
        Shown entries = run(server, "host-entries");
        assertThat(
                entries.all(Event.SparseReads.class).stream()
                    .mapToLong(Event.SparseReads::misses)
                    .sum())
            .as("entries that were copied from the host")
            .isGreaterThan(50);
        assertThat(entries.all(Event.SparseReads.class)).anyMatch(r -> r.hits() > 3 * r.misses());
      }
    }
  }

  @Test
  void aLoadComesWithTheFlagsOfTheServersUser() throws Exception {
    String own = "--max-running-requests 7 --speculative-algorithm ngram";
    try (XrayServer server = new XrayServer(TinyModels.speck("mtp"), own)) {
      for (JsonNode load : server.get("/xray/loads").json()) {
        String flags = load.get("flags").asText();
        switch (load.get("name").asText()) {
          case "windows" -> {
            assertThat(load.get("impossible").asText()).contains("no windows");
            assertThat(flags).doesNotContain("requests 7");
          }
          case "drafts" -> {
            assertThat(flags).startsWith("--max-running-requests 7 --speculative-algorithm mtp");
            assertThat(load.get("fits").asBoolean()).as("the engine drafts by ngram").isFalse();
          }
          case "shared-prefix" -> {
            assertThat(flags).isEqualTo(own);
            assertThat(load.get("fits").asBoolean()).isTrue();
          }
          default -> assertThat(load.get("title").asText()).isNotEmpty();
        }
      }
    }
  }

  @Test
  void everyLoadNamesAChapterThatIsThereAndAModelWithoutATokenizerTakesAllItCan() throws Exception {
    try (XrayServer server = new XrayServer(TinyModels.speck("v4-mtp"), "")) {
      JsonNode loads = server.get("/xray/loads").json();
      assertThat(loads).hasSize(10);
      for (JsonNode load : loads) {
        assertThat(Files.exists(Path.of("docs", load.get("chapter").asText()))).isTrue();
        assertThat(load.get("look").asText()).endsWith(".");
        if (load.get("impossible").isNull()) {
          String name = load.get("name").asText();
          assertThat(run(server, name).all(Event.Finished.class)).as(name).isNotEmpty();
        }
      }
    }
  }
}
