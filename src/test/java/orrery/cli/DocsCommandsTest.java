package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicContainer.dynamicContainer;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import orrery.docs.Page;
import orrery.docs.Page.Block;

/**
 * Every shell command of README and docs runs and prints what the page quotes. A block marked
 * {@code output} behind a block marked {@code sh} is a part of what the commands print. In it …
 * stands for anything, such as times; blanks and line breaks count alike.
 */
class DocsCommandsTest {
  /** Parts of blocks that are not run, and why. */
  private static final Map<String, String> NOT_RUN =
      Map.of(
          "java --add-modules", "LibraryDocTest runs it, with the program of that page",
          "python3", "needs numpy and safetensors for Python",
          "jq ", "needs jq");

  /** Commands of official clients, and the Python module that has them: not run without it. */
  private static final Map<String, String> CLIENTS = Map.of("sglang-router ", "sglang_router");

  /** Parts of lines that are not run, and why. */
  private static final Map<String, String> LINES_NOT_RUN =
      Map.of("bench kernels", "takes minutes: matrices of up to 256 MiB, at each number of rows");

  @TempDir private Path directory;

  /** A block of commands, and the output that the page quotes. */
  private record Commands(Block block, List<Block> outputs) {}

  private static List<Commands> commands(Page page) {
    List<Commands> all = new ArrayList<>();
    Commands last = null;
    String before = "";
    for (Block block : page.blocks()) {
      if (block.kind().equals("sh")) {
        last = before.equals("diff") ? null : new Commands(block, new ArrayList<>());
        if (last != null) { // else BreakItTest runs it
          all.add(last);
        }
      } else if (block.kind().equals("output") && last != null) {
        last.outputs.add(block);
      }
      before = block.kind();
    }
    return all;
  }

  @TestFactory
  Stream<DynamicContainer> everyCommandRunsAndPrintsWhatThePageSays() {
    return Page.all().stream()
        .filter(page -> !commands(page).isEmpty())
        .map(page -> dynamicContainer(page.path().toString(), tests(page)));
  }

  /** The blocks of a page, in one shell directory: later ones use files of earlier ones. */
  private Stream<DynamicTest> tests(Page page) {
    Path own = directory.resolve(page.path().getFileName());
    return commands(page).stream()
        .filter(c -> NOT_RUN.keySet().stream().noneMatch(c.block.text()::contains))
        .map(
            c ->
                dynamicTest(
                    c.block.toString(),
                    () -> {
                      assumeClients(c.block);
                      try (DocsShell shell = new DocsShell(own)) {
                        check(c, shell.run(runnable(c.block)));
                      }
                    }));
  }

  private static void assumeClients(Block block) {
    CLIENTS.forEach(
        (command, module) -> {
          if (block.text().contains(command)) {
            PythonClients.assume(DocsCommandsTest.class, module);
          }
        });
  }

  private static String runnable(Block block) {
    return block.lines().stream()
        .filter(line -> LINES_NOT_RUN.keySet().stream().noneMatch(line::contains))
        .collect(Collectors.joining("\n"));
  }

  private static void check(Commands c, DocsShell.Result result) {
    assertThat(result.code()).as("%s said %s", c.block, result.output()).isZero();
    assertThat(result.output()).doesNotContain("Exception");
    for (Block output : c.outputs) {
      assertThat(plain(result.output()))
          .as("%s, all it printed: %s", output, result.output())
          .containsSubsequence(
              Arrays.stream(output.text().split("…|\\[\\.\\.\\.]"))
                  .map(DocsCommandsTest::plain)
                  .filter(part -> !part.isEmpty())
                  .toList());
    }
  }

  private static String plain(String text) {
    return text.replaceAll("\\s+", " ").strip();
  }

  @Test
  void everyCommandStandsInABlockThatIsRunAndEveryOutputBehindOne() {
    for (Page page : Page.all()) {
      Block before = null;
      for (Block block : page.blocks()) {
        if (!block.kind().equals("sh")) {
          assertThat(block.lines())
              .as("%s: commands belong into a block marked sh", block)
              .noneMatch(l -> l.startsWith("mvn ") || l.startsWith("target/orrery/bin/orrery "));
        }
        if (block.kind().equals("output")) {
          assertThat(before).as("%s: expected a block marked sh before it", block).isNotNull();
          assertThat(before.text()).as("%s is not run", before).doesNotContain(NOT_RUN.keySet());
          assertThat(before.lines())
              .as("%s: of mvn commands only those of the demo and of a diff's tests run", before)
              .anyMatch(l -> !l.startsWith("mvn ") || l.contains("exec@demo") || l.contains("#"));
        }
        before = block.kind().equals("output") ? before : block;
      }
    }
  }

  @Test
  void commandsWriteToTmpOnly() {
    List<String> relative = new ArrayList<>();
    for (Page page : Page.all()) {
      for (Commands c : commands(page)) {
        String[] words = c.block.text().split("\\s+");
        for (int i = 1; i < words.length; i++) {
          boolean writes =
              List.of("--svg", "--csv", "--json", "--sweep", "--out", "-o", "--trace")
                  .contains(words[i - 1]);
          if (writes && !words[i].matches("/tmp/.*|'.*|-")) {
            relative.add(c.block + ": " + words[i]);
          }
        }
      }
    }
    assertThat(relative).as("files to write belong into /tmp").isEmpty();
  }
}
