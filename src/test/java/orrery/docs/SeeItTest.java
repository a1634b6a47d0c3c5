package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The "see it" lines of the chapters: a command that starts a server, and a link to a load. */
class SeeItTest {
  private static final Path LOADS = Path.of("src/main/resources/orrery/xray/loads.json");
  private static final Pattern LINE =
      Pattern.compile(
          "\\*\\*See it\\.\\*\\*\\s+`target/orrery/bin/orrery serve ?([^`]*)`,\\s+then\\s+open\\s+"
              + "<http://127\\.0\\.0\\.1:30000/\\?load=([a-z-]+)(&speed=\\d+)?>:");
  private static final Pattern RECORDED =
      Pattern.compile(
          "\\*\\*See it\\.\\*\\* `target/orrery/bin/orrery trace replay (\\S+\\.jsonl)`, then"
              + " open\\s+<http://127\\.0\\.0\\.1:30000/\\?speed=\\d+>:");

  /** Pages that are no chapter of a technique of the engine. */
  private static final Set<String> OTHERS =
      Set.of(
          "naive.md", // the oracle, which has no engine
          "hyper-connections.md", // these three: inside a forward pass, of which no event tells
          "deepseek-v4-map.md",
          "numbers-with-few-bits.md",
          "testing-your-own-engine.md",
          "library.md", // from here on: about using Orrery
          "x-ray-page.md",
          "watching.md",
          "run-batch.md",
          "serving-over-http.md",
          "openai-api.md",
          "house.md",
          "adding-to-the-house.md",
          "glossary.md");

  private static final Pattern CHAPTER =
      Pattern.compile("(?m)^\\d+\\. \\[[^\\]]+\\]\\(([a-z0-9-]+\\.md)\\)");
  private static final Pattern LINK = Pattern.compile("/\\?load=([a-z-]+)");

  /** The loads by name. */
  private static Map<String, JsonNode> loads() throws IOException {
    Map<String, JsonNode> loads = new TreeMap<>();
    JsonNode all = new ObjectMapper().readTree(new File(LOADS.toString()));
    all.forEach(load -> loads.put(load.path("name").asText(), load));
    return loads;
  }

  @Test
  void everyLoadIsShownByTheChapterThatItNamesWithTheFlagsThatItNeeds() throws IOException {
    for (Map.Entry<String, JsonNode> load : loads().entrySet()) {
      String chapter = Files.readString(Path.of("docs", load.getValue().path("chapter").asText()));
      Matcher line = LINE.matcher(chapter);
      List<String> shown = new ArrayList<>();
      while (line.find()) {
        shown.add(line.group(2));
        if (line.group(2).equals(load.getKey())) {
          String flags = line.group(1).replaceFirst("--model \\S+ ?", "").strip();
          assertThat(flags).as(load.getKey()).isEqualTo(load.getValue().path("flags").asText());
        }
      }
      assertThat(shown).as("loads of %s", load.getValue().path("chapter")).contains(load.getKey());
    }
  }

  @Test
  void everyChapterOfATechniqueHasALinkThatOpensThePageWithALoad() throws IOException {
    Set<String> chapters = new TreeSet<>();
    Matcher chapter = CHAPTER.matcher(Files.readString(Path.of("docs/README.md")));
    while (chapter.find()) {
      chapters.add(chapter.group(1));
    }
    assertThat(chapters).containsAll(OTHERS);
    chapters.removeAll(OTHERS);
    assertThat(chapters).hasSizeGreaterThan(20);
    for (String name : chapters) {
      String text = Files.readString(Path.of("docs", name));
      Matcher recorded = RECORDED.matcher(text);
      if (recorded.find()) { // two engines, which one page cannot start
        assertThat(text).as(name).contains("--trace " + recorded.group(1));
      } else {
        assertThat(LINE.matcher(text).find())
            .as("%s has a line that says \"see it\"", name)
            .isTrue();
      }
    }
  }

  @Test
  void everyLinkToALoadIsToOneThatExists() throws IOException {
    int links = 0;
    for (Page page : Page.all()) {
      Matcher link = LINK.matcher(Files.readString(page.path()));
      while (link.find()) {
        links++;
        assertThat(loads()).as(page.path().toString()).containsKey(link.group(1));
      }
    }
    assertThat(links).isGreaterThan(loads().size());
  }

  @Test
  void theChapterOfThePageListsEveryLoadWithItsFlags() throws IOException {
    String page = Files.readString(Path.of("docs/x-ray-page.md"));
    for (Map.Entry<String, JsonNode> load : loads().entrySet()) {
      String flags = load.getValue().path("flags").asText();
      assertThat(page.lines())
          .as(load.getKey())
          .anyMatch(
              row ->
                  row.startsWith("| `" + load.getKey() + "` |")
                      && row.contains(flags)
                      && row.contains("(" + load.getValue().path("chapter").asText() + ")"));
    }
  }
}
