package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import orrery.docs.Page.Block;
import orrery.docs.Workbench.Outcome;

/**
 * Carries out every "break it" of the docs. The diff is applied to a copy of its file, and the
 * command's tests run. Exactly the tests that the chapter quotes must go red, with the quoted
 * messages. Without the edit the same tests are green, as the ordinary run of the tests shows.
 */
class BreakItTest {
  /** Pages with nothing to break, and why. */
  private static final Map<String, String> NOTHING_TO_BREAK =
      Map.ofEntries(
          Map.entry("README.md", "no chapter"),
          Map.entry("docs/README.md", "no chapter"),
          Map.entry("docs/adding-to-the-house.md", "its edits add; RecipeTest carries them out"),
          Map.entry("docs/deepseek-v4-map.md", "names places; DeepSeekV4MapTest holds them"),
          Map.entry("docs/glossary.md", "no chapter"),
          Map.entry("docs/house.md", "no chapter; HouseTest holds it"),
          Map.entry("docs/library.md", "how to use the Java API; its code is tested as it stands"),
          Map.entry("docs/multi-token-prediction-tables.md", "figures of another chapter"),
          Map.entry("docs/openai-api.md", "a manual of fields; ServedFieldsTest holds it"),
          Map.entry("docs/run-batch.md", "a manual of a command"),
          Map.entry("docs/testing-your-own-engine.md", "about engines of others"),
          Map.entry("docs/watching.md", "a manual of a command"),
          Map.entry("docs/x-ray-page.md", "a manual of a page; XrayPageTest holds it"));

  @TempDir private static Path directory;

  private static List<BreakIt> edits() {
    List<BreakIt> edits = new ArrayList<>();
    for (Page page : Page.all()) {
      if (page.path().equals(RecipeTest.PAGE)) {
        continue;
      }
      List<Block> blocks = page.blocks();
      for (int i = 0; i < blocks.size(); i++) {
        if (blocks.get(i).kind().equals("diff")) {
          edits.add(BreakIt.parse(blocks.get(i), blocks.get(i + 1), blocks.get(i + 2)));
        }
      }
    }
    return edits;
  }

  @TestFactory
  List<DynamicTest> everyEditTurnsTheTestsRedThatTheChapterQuotes() {
    List<DynamicTest> tests = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      for (BreakIt edit : edits()) {
        Path own = directory.resolve("edit" + tests.size());
        Future<Outcome> outcome = pool.submit(() -> edit.run(Files.createDirectories(own)));
        tests.add(dynamicTest(edit.where().toString(), () -> check(edit, Workbench.of(outcome))));
      }
    }
    return tests;
  }

  private static void check(BreakIt edit, Outcome outcome) {
    assertThat(outcome.ran())
        .as("tests that ran")
        .containsExactlyInAnyOrderElementsOf(edit.names());
    assertThat(outcome.red().keySet())
        .as("red tests, of %s", outcome.red())
        .containsExactlyInAnyOrderElementsOf(edit.red().keySet());
    edit.red()
        .forEach(
            (test, message) ->
                assertThat(outcome.red().get(test))
                    .as(test)
                    .containsSubsequence(Arrays.asList(message.split("…"))));
  }

  @Test
  void everyChapterHasAnEditThatBreaksItOrAReasonForNone() {
    List<String> broken =
        edits().stream().map(e -> e.where().page().toString()).distinct().toList();
    List<String> others =
        Page.all().stream()
            .map(p -> p.path().toString())
            .filter(p -> !broken.contains(p))
            .collect(Collectors.toList());
    assertThat(others).containsExactlyInAnyOrderElementsOf(NOTHING_TO_BREAK.keySet());
  }

  @Test
  void anEditThatFitsNowhereOrInTwoPlacesIsRefused() throws IOException {
    Edit edit = Edit.parse(List.of("--- a/x", "+++ b/x", "@@ -1,2 +1,2 @@", " a", "-b", "+c"));
    assertThat(edit.apply(List.of("z", "a", "b"))).containsExactly("z", "a", "c");
    assertThatThrownBy(() -> edit.apply(List.of("a", "z", "b")))
        .hasMessage("x has no place of [a, b]");
    assertThatThrownBy(() -> edit.apply(List.of("a", "b", "a", "b")))
        .hasMessage("x has more than one place of [a, b]");
    assertThatThrownBy(
            () -> Edit.parse(List.of("--- a/x", "+++ b/x", "@@ -1,3 +1,2 @@", " a", "-b", "+c")))
        .hasMessage("@@ -1,3 +1,2 @@: found 2 and 2 lines");
  }

  @Test
  void aPageIsReadToItsLastBlockAndAnOpenOneIsRefused() {
    Page page =
        Page.parse(Path.of("p.md"), List.of("# A", "```sh", "ls", "```", "## B", "```", "```"));
    assertThat(page.blocks()).extracting(Block::section).containsExactly("A", "B");
    assertThat(page.blocks().getFirst().text()).isEqualTo("ls\n");
    assertThatThrownBy(() -> Page.parse(Path.of("p.md"), List.of("", "```", "x")))
        .hasMessage("p.md:3: the block is not closed");
  }
}
