package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import orrery.docs.Page.Block;
import orrery.docs.Workbench.Outcome;

/**
 * Carries out every recipe of {@code docs/adding-to-the-house.md}: applies its edits to a copy of
 * the sources, compiles the whole copy and runs the tests that the recipe names. All must be green.
 */
class RecipeTest {
  static final Path PAGE = Path.of("docs", "adding-to-the-house.md");

  private static final int MOST_EDITS = 4;

  @TempDir private static Path directory;

  /** A section of the page: its edits, and the tests of the command behind them. */
  private record Recipe(String section, List<Edit> edits, List<String> tests) {}

  private static List<Recipe> recipes() {
    Page page = Page.all().stream().filter(p -> p.path().equals(PAGE)).findFirst().orElseThrow();
    List<Recipe> recipes = new ArrayList<>();
    List<Edit> edits = new ArrayList<>();
    for (Block block : page.blocks()) {
      if (block.kind().equals("diff")) {
        edits.add(Edit.parse(block.lines()));
      } else if (block.kind().equals("sh") && !edits.isEmpty()) {
        recipes.add(new Recipe(block.section(), List.copyOf(edits), BreakIt.tests(block)));
        edits.clear();
      }
    }
    assertThat(edits).as("edits without a command behind them").isEmpty();
    return recipes;
  }

  @TestFactory
  List<DynamicTest> everyRecipeGivesAHouseThatCompilesAndWhoseTestsAreGreen() {
    List<DynamicTest> tests = new ArrayList<>();
    try (ExecutorService pool = Executors.newFixedThreadPool(2)) {
      for (Recipe recipe : recipes()) {
        Path own = directory.resolve("recipe" + tests.size());
        Future<Outcome> outcome = pool.submit(() -> run(recipe, Files.createDirectories(own)));
        tests.add(dynamicTest(recipe.section(), () -> check(recipe, Workbench.of(outcome))));
      }
    }
    return tests;
  }

  private static Outcome run(Recipe recipe, Path own) throws IOException, InterruptedException {
    return new Workbench(recipe.edits(), true, recipe.tests()).run(own);
  }

  private static void check(Recipe recipe, Outcome outcome) {
    assertThat(recipe.edits()).hasSizeLessThanOrEqualTo(MOST_EDITS);
    assertThat(recipe.edits()).extracting(Edit::file).doesNotHaveDuplicates();
    assertThat(outcome.red()).as("red tests").isEmpty();
    for (String test : recipe.tests()) {
      String name = test.replace('#', '.');
      assertThat(outcome.ran())
          .as("tests that ran")
          .anyMatch(ran -> ran.equals(name) || ran.startsWith(name + "."));
    }
  }

  @Test
  void thePageHasItsRecipes() {
    assertThat(recipes())
        .extracting(Recipe::section)
        .containsExactly("A switch", "A model", "A prefix cache");
  }

  @Test
  void anEditThatCreatesAFileThatIsThereIsRefused() {
    Edit edit =
        Edit.parse(List.of("--- /dev/null", "+++ b/pom.xml", "@@ -0,0 +1,1 @@", "+<project/>"));
    assertThatThrownBy(edit::applied).hasMessage("pom.xml: expected no such file yet");
    assertThat(edit.apply(List.of())).containsExactly("<project/>");
  }
}
