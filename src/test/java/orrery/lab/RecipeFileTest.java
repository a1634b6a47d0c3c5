package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.engine.EngineOptions;
import orrery.speculation.SpeculationOptions.Algorithm;

/** A recipe survives its file, and a file that is no recipe is refused by the name of its fault. */
class RecipeFileTest {
  private static final Recipe RECIPE =
      new Recipe(
          "speck",
          "0123456789abcdef",
          "a machine",
          2,
          "a workload",
          List.of(
              new Recipe.Row(1, 2, 64, 1, 3, 1234.5),
              new Recipe.Row(8, 2, 256, 4, 0, 9876.5),
              new Recipe.Row(64, 1, 0, 64, 1, 1e6)));

  @TempDir private Path directory;

  private Path file(String text) throws IOException {
    return Files.writeString(directory.resolve("recipe.json"), text);
  }

  private void refused(String from, String to, String... message) throws IOException {
    String text = RecipeFile.text(RECIPE);
    assertThat(text).contains(from);
    Path file = file(text.replace(from, to));
    assertThatThrownBy(() -> RecipeFile.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContainingAll(message);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    assertThat(RecipeFile.read(file(RecipeFile.text(RECIPE)))).isEqualTo(RECIPE);
  }

  @Test
  void aRowSetsItsSwitchesAndNothingElse() {
    EngineOptions o = RECIPE.at(1).applyTo(EngineOptions.defaults());
    assertThat(o)
        .isEqualTo(
            EngineOptions.defaults()
                .withCompute(c -> c.withThreads(2))
                .withBatching(b -> b.withChunkedPrefillSize(64).withMaxRunningRequests(1))
                .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(3)));
    EngineOptions some =
        RECIPE.at(1).applyTo(EngineOptions.defaults(), flag -> flag.equals("threads"));
    assertThat(some).isEqualTo(EngineOptions.defaults().withCompute(c -> c.withThreads(2)));
  }

  @Test
  void itsFlagsSayTheSameAsTheRow() {
    assertThat(RECIPE.at(1).flags().toString())
        .isEqualTo(
            "{threads=2, chunked-prefill-size=64, max-running-requests=1,"
                + " speculative-algorithm=mtp, speculative-num-steps=3}");
    assertThat(RECIPE.at(8).flags())
        .containsEntry("speculative-algorithm", "off")
        .doesNotContainKey("speculative-num-steps");
  }

  @Test
  void theRowIsThatOfTheNextKnownConcurrencyOrTheLast() {
    assertThat(RECIPE.at(1).concurrency()).isEqualTo(1);
    assertThat(RECIPE.at(2).concurrency()).isEqualTo(8);
    assertThat(RECIPE.at(8).concurrency()).isEqualTo(8);
    assertThat(RECIPE.at(9).concurrency()).isEqualTo(64);
    assertThat(RECIPE.at(1000).concurrency()).isEqualTo(64);
  }

  @Test
  void filesOfAnotherKindOrVersionAreRefused() throws IOException {
    refused("orrery-recipe", "cake", "format: expected orrery-recipe, found \"cake\"");
    refused("\"version\" : 1", "\"version\" : 2", "version: expected 1, found 2");
    refused("\"version\" : 1", "\"version\" : \"1\"", "version: expected an integer", "\"1\"");
    assertThatThrownBy(() -> RecipeFile.read(file("[1]")))
        .hasMessageContaining("content: expected a JSON object, found [1]");
    assertThatThrownBy(() -> RecipeFile.read(file("{")))
        .hasMessageContaining("content: expected valid JSON");
    assertThatThrownBy(() -> RecipeFile.read(directory.resolve("none")))
        .hasMessageContaining("no such file");
    assertThatThrownBy(() -> RecipeFile.read(directory)).hasMessageContaining("not a file");
  }

  @Test
  void aMisspeltOrMissingFieldIsNamed() throws IOException {
    refused("\"workload\"", "\"work\"", "work: expected one of ", "workload", "found it");
    refused("\"threads\" : 1", "\"thread\" : 1", "recipes[2].thread: expected one of ");
    refused("\"threads\" : 1,", "", "recipes[2].threads: expected an integer, found none");
    refused("\"model\" : \"speck\",", "", "model: expected a text, found none");
  }

  @Test
  void aValueOutOfItsRangeIsNamedWithItsRow() throws IOException {
    refused("\"threads\" : 1", "\"threads\" : 0", "recipes[2].threads: expected 1 to 256, found 0");
    refused("\"threads\" : 1", "\"threads\" : 1.5", "recipes[2].threads: expected an integer");
    refused(
        "\"max-running-requests\" : 4,",
        "\"max-running-requests\" : 5000,",
        "recipes[1].max-running-requests: expected 1 to 4096, found 5000");
    refused(
        "\"speculative-num-steps\" : 3",
        "\"speculative-num-steps\" : 17",
        "recipes[0].speculative-num-steps: expected 0 to 16, found 17");
    refused(
        "\"speculative-num-steps\" : 3",
        "\"speculative-num-steps\" : 0",
        "recipes[0].speculative-num-steps: expected at least 1 with mtp, found 0");
    refused(
        "\"speculative-algorithm\" : \"off\"",
        "\"speculative-algorithm\" : \"ngram\"",
        "recipes[1].speculative-algorithm: expected mtp or off, found \"ngram\"");
    refused("1234.5", "-1", "recipes[0].tokens-per-second: expected above 0, found -1.0");
  }

  @Test
  void rowsStandInTheOrderOfTheirConcurrency() throws IOException {
    refused(
        "\"concurrency\" : 8,",
        "\"concurrency\" : 64,",
        "recipes[2].concurrency: expected more than 64, found 64");
    refused(
        "\"concurrency\" : 1,",
        "\"concurrency\" : 0,",
        "recipes[0].concurrency: expected at least");
    String text = RecipeFile.text(RECIPE);
    String empty = text.substring(0, text.indexOf('[') + 1) + "]}";
    assertThatThrownBy(() -> RecipeFile.read(file(empty)))
        .hasMessageContaining("recipes: expected at least one, found none");
  }

  @Test
  void aModelHasOneFingerprintAndAnotherModelAnother() throws IOException {
    Path speck = TinyModels.speck("mtp");
    String own = Fingerprint.of(speck);
    assertThat(own).matches("[0-9a-f]{16}").isEqualTo(Fingerprint.of(speck));
    Path copy = Files.createDirectory(directory.resolve("copy"));
    Files.copy(speck.resolve("config.json"), copy.resolve("config.json"));
    byte[] weights = Files.readAllBytes(speck.resolve("model.safetensors"));
    Files.write(copy.resolve("model.safetensors"), weights);
    assertThat(Fingerprint.of(copy)).isEqualTo(own);
    weights[weights.length - 1] ^= 1; // the last sample ends with the file
    Files.write(copy.resolve("model.safetensors"), weights);
    assertThat(Fingerprint.of(copy)).isNotEqualTo(own);
    assertThatThrownBy(() -> Fingerprint.of(directory))
        .hasMessageContaining("config.json: no such file");
  }
}
