package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.engine.EngineOptions;
import orrery.lab.Fingerprint;
import orrery.lab.Recipe;
import orrery.lab.RecipeFile;
import orrery.speculation.SpeculationOptions.Algorithm;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** A recipe sets the switches that its user has left open, for the expected number of requests. */
class RecipeFlagTest {
  private static final Path MODEL = Path.of("tiny-models/speck-mtp");

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path directory;
  private Path file;

  @Command
  private static final class Flags {
    @Mixin private EngineFlags engine;
    @Mixin private RecipeFlag recipe;

    private EngineOptions options() {
      return recipe.applyTo(engine.options(), MODEL);
    }
  }

  @BeforeEach
  void write() throws IOException {
    Recipe recipe =
        new Recipe(
            "speck-mtp",
            Fingerprint.of(MODEL),
            "a machine",
            2,
            "a workload",
            List.of(new Recipe.Row(1, 2, 64, 1, 3, 10), new Recipe.Row(8, 2, 256, 4, 0, 20)));
    file = Files.writeString(directory.resolve("recipe.json"), RecipeFile.text(recipe));
  }

  private Flags parsed(String args) {
    Flags flags = new Flags();
    new CommandLine(flags).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(args.split(" "));
    return flags;
  }

  private int run(String args) {
    return Main.run(new PrintWriter(out), new PrintWriter(err), args.split(" "));
  }

  @Test
  void itSetsTheSwitchesOfItsRow() {
    EngineOptions o = parsed("--recipe " + file + " --expected-concurrency 1").options();
    assertThat(o)
        .isEqualTo(
            EngineOptions.defaults()
                .withCompute(c -> c.withThreads(2))
                .withBatching(b -> b.withChunkedPrefillSize(64).withMaxRunningRequests(1))
                .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(3)));
    EngineOptions most = parsed("--recipe " + file).options();
    assertThat(most.batching().maxRunningRequests()).isEqualTo(4);
    assertThat(most.speculation().on()).isFalse();
  }

  @Test
  void aFlagThatIsGivenWinsEvenWithItsDefault() {
    String given = " --threads 1 --chunked-prefill-size=512 --speculative-algorithm off";
    Flags flags = parsed("--recipe " + file + " --expected-concurrency 1" + given);
    EngineOptions o = flags.options();
    assertThat(o.compute().threads()).isEqualTo(1);
    assertThat(o.batching().chunkedPrefillSize()).isEqualTo(512);
    assertThat(o.speculation().on()).isFalse();
    assertThat(o.batching().maxRunningRequests()).isEqualTo(1);
    assertThat(flags.recipe.words()).isEqualTo(" --max-running-requests 1");
  }

  @Test
  void draftsThatWereTunedForAnMtpLayerAreOfNoOtherDrafter() {
    String one = "--recipe " + file + " --expected-concurrency 1 --speculative-algorithm ";
    Flags flags = parsed(one + "ngram");
    assertThat(flags.options().speculation())
        .isEqualTo(
            EngineOptions.defaults()
                .withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM))
                .speculation());
    assertThat(flags.recipe.words()).doesNotContain("speculative");
    assertThat(parsed(one + "mtp").options().speculation().numSteps()).isEqualTo(3);
  }

  @Test
  void moreRequestsThanWereMeasuredKeepTheirOwnBatchLimit() {
    Flags flags = parsed("--recipe " + file + " --expected-concurrency 9");
    assertThat(flags.options().batching())
        .isEqualTo(EngineOptions.defaults().batching().withChunkedPrefillSize(256));
    assertThat(flags.recipe.words()).doesNotContain("max-running-requests");
    String eight = "--recipe " + file + " --expected-concurrency 8";
    assertThat(parsed(eight).options().batching().maxRunningRequests()).isEqualTo(4);
  }

  @Test
  void aRecipeOfAnotherMachineIsUsedWithANote() {
    run("serve --expected-concurrency 1 --recipe " + file + " -m " + MODEL + " --port 99999");
    run("run-batch -i docs/none -o " + directory + "/o -m " + MODEL + " --recipe " + file);
    assertThat(err.toString())
        .contains("note: the recipe was measured with 2 processors of a machine, found ");
  }

  @Test
  void withoutOneNothingChanges() {
    assertThat(parsed("--threads 2").options())
        .isEqualTo(EngineOptions.defaults().withCompute(c -> c.withThreads(2)));
    assertThat(parsed("--threads 2").recipe.words()).isEmpty();
  }

  @Test
  void aBatchGivesTheSameBytesWithARecipe() throws IOException {
    Path in = directory.resolve("in.jsonl");
    Files.writeString(
        in,
        """
        {"custom_id": "a", "method": "POST", "url": "/v1/completions", "body": {"prompt": [1, 2, 3], "max_tokens": 9}}
        """);
    Path plain = directory.resolve("plain.jsonl");
    Path tuned = directory.resolve("tuned.jsonl");
    String batch = "run-batch -m " + MODEL + " -i " + in + " -o ";
    assertThat(run(batch + plain)).isZero();
    assertThat(err.toString()).doesNotContain("drafts");
    assertThat(run(batch + tuned + " --recipe " + file + " --expected-concurrency 1")).isZero();
    assertThat(err.toString()).contains("drafts"); // the recipe has switched them on
    assertThat(tuned).hasSameTextualContentAs(plain);
  }

  @Test
  void aRecipeOfAnotherModelOrNoneIsRefusedBeforeAnythingRuns() {
    String batch = "run-batch -i docs/examples/batch.jsonl -o " + directory.resolve("o.jsonl");
    assertThat(run(batch + " -m tiny-models/speck-sharded --recipe " + file)).isEqualTo(2);
    assertThat(err.toString())
        .contains("--recipe: expected a recipe of tiny-models/speck-sharded, whose fingerprint is")
        .contains("found one of speck-mtp, " + Fingerprint.of(MODEL) + ": " + file);
    assertThat(run(batch + " --recipe docs/examples/batch.jsonl")).isEqualTo(1);
    assertThat(err.toString()).contains("docs/examples/batch.jsonl: content: expected valid JSON");
    assertThat(run("serve --recipe " + directory.resolve("none"))).isEqualTo(1);
    assertThat(err.toString()).contains(directory.resolve("none") + ": no such file");
    assertThat(run(batch + " --recipe " + file + " --expected-concurrency 0")).isEqualTo(2);
    assertThat(err.toString()).contains("--expected-concurrency: expected at least 1, found 0");
  }

  @Test
  void anExpectationWithoutARecipeHasNoEffect() {
    String batch = "run-batch -m " + MODEL + " -i docs/examples/none -o " + directory + "/o.jsonl";
    run(batch + " --expected-concurrency 3");
    run("serve --expected-concurrency 3 -m " + directory.resolve("none"));
    assertThat(err.toString())
        .contains("orrery serve: --expected-concurrency has no effect without --recipe");
  }
}
