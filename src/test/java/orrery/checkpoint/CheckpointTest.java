package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  private static final String ONE = "model-00001-of-00002.safetensors";
  private static final String TWO = "model-00002-of-00002.safetensors";

  @TempDir Path directory;

  private void single() {
    new SafetensorsWriter()
        .floats("a", new float[] {1, 2}, 2)
        .floats("b", new float[] {3}, 1)
        .write(directory.resolve("model.safetensors"));
  }

  private Path sharded(String weightMap) throws IOException {
    new SafetensorsWriter().floats("a", new float[] {1}, 1).write(directory.resolve(ONE));
    new SafetensorsWriter().floats("b", new float[] {2}, 1).write(directory.resolve(TWO));
    return Files.writeString(
        directory.resolve("model.safetensors.index.json"),
        "{\"metadata\": {\"total_size\": 99}, \"weight_map\": {" + weightMap + "}}");
  }

  private void refused(String... messageParts) {
    assertThatThrownBy(() -> Checkpoint.open(directory).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageStartingWith(directory.toString())
        .hasMessageContainingAll(messageParts);
  }

  @Test
  void aSingleFileIsOpenedAndAWrongShapeOrMissingTensorNamesEverything() {
    single();
    Path file = directory.resolve("model.safetensors");
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThat(weights.names()).containsExactlyInAnyOrder("a", "b");
      assertThat(weights.bytes()).isEqualTo(12);
      assertThat(weights.tensor("a", 2).floats()).containsExactly(1, 2);
      assertThatThrownBy(() -> weights.tensor("a", 2, 1))
          .hasMessage(file + ": tensor a: expected shape [2, 1], found [2]");
      assertThatThrownBy(() -> weights.tensor("c", 1))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              file + ": tensor c: expected it to be in the checkpoint, found only 2 other tensors");
    }
  }

  @Test
  void tensorsThatNothingReadAreNamed() {
    single();
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThat(weights.has("a")).isTrue(); // asking is not reading
      assertThatThrownBy(weights::refuseUnread)
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("model.safetensors", "also a, b");
      weights.tensor("a", 2);
      assertThatThrownBy(weights::refuseUnread).hasMessageContaining("also b");
      weights.tensor("b", 1);
      weights.refuseUnread();
    }
  }

  @Test
  void manyUnreadTensorsAreCountedNotListed() {
    SafetensorsWriter writer = new SafetensorsWriter();
    for (int i = 0; i < 20; i++) {
      writer.floats("t%02d".formatted(i), new float[1], 1);
    }
    writer.write(directory.resolve("model.safetensors"));
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThatThrownBy(weights::refuseUnread)
          .hasMessageContaining("also t00, t01, t02, t03, t04, t05 and 14 more");
    }
  }

  @Test
  void shardsAreOpenedThroughTheIndexAndItsTotalSizeIsNotTrusted() throws IOException {
    sharded("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\"");
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThat(weights.names()).containsExactlyInAnyOrder("a", "b");
      assertThat(weights.tensor("b", 1).getFloat(0)).isEqualTo(2);
      assertThat(weights.infos()).hasSize(2);
      assertThat(weights.bytes()).isEqualTo(8);
      assertThatThrownBy(() -> weights.tensor("c", 1))
          .hasMessageContaining("model.safetensors.index.json: tensor c");
    }
  }

  @Test
  void anIndexThatDisagreesWithItsShardsIsRefusedEitherWay() throws IOException {
    sharded("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\", \"c\": \"" + TWO + "\"");
    refused(TWO + ": tensor c: expected it in this file");
    sharded("\"a\": \"" + TWO + "\", \"b\": \"" + TWO + "\"");
    refused(TWO + ": tensor a");
    Files.delete(directory.resolve(TWO));
    new SafetensorsWriter()
        .floats("b", new float[] {2}, 1)
        .floats("extra", new float[] {2}, 1)
        .write(directory.resolve("more.safetensors"));
    sharded("\"a\": \"" + ONE + "\", \"b\": \"more.safetensors\"");
    refused("more.safetensors: tensor extra", "found no entry");
  }

  @Test
  void aShardThatIsMissingOrOutsideTheDirectoryIsRefused() throws IOException {
    sharded("\"a\": \"model-00009-of-00009.safetensors\"");
    refused("index.json: weight_map: tensor a", "00009-of-00009", "found no such file");
    Path outside = directory.resolve(ONE).toAbsolutePath();
    for (String name : new String[] {"../" + ONE, outside.toString(), "x\\\\" + ONE, "a", ""}) {
      sharded("\"a\": \"" + name + "\"");
      refused("index.json: weight_map: tensor a", "plain name of a .safetensors file");
    }
    sharded("\"a\": 5");
    refused("index.json: weight_map.a: expected a string, found 5");
  }

  @Test
  void anIndexDecidesWhichTensorsThereAreAlsoBesideAFileCalledModelSafetensors()
      throws IOException {
    single();
    sharded("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\"");
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThat(weights.tensor("a", 1).floats()).containsExactly(1);
      assertThat(weights.tensor("b", 1).floats()).containsExactly(2);
      assertThat(weights.notices())
          .containsExactly(
              directory.resolve("model.safetensors")
                  + ": not read, because model.safetensors.index.json does not name it");
    }
  }

  @Test
  void anIndexMayNameModelSafetensorsBesideOthers() throws IOException {
    new SafetensorsWriter()
        .floats("c", new float[] {3}, 1)
        .write(directory.resolve("model.safetensors"));
    sharded("\"a\": \"" + ONE + "\", \"b\": \"" + TWO + "\", \"c\": \"model.safetensors\"");
    try (Checkpoint weights = Checkpoint.open(directory)) {
      assertThat(weights.names()).containsExactlyInAnyOrder("a", "b", "c");
      assertThat(weights.notices()).isEmpty();
    }
  }

  @Test
  void aNoticeTellsOfWeightsThatAreNotRead() throws IOException {
    single();
    Files.copy(directory.resolve("model.safetensors"), directory.resolve("mtp.safetensors"));
    Files.writeString(directory.resolve("model.fp16.safetensors.index.json"), "{}");
    try (Checkpoint weights = Checkpoint.open(directory)) {
      String why =
          ": not read, because without model.safetensors.index.json only model.safetensors counts";
      assertThat(weights.notices())
          .containsExactly(
              directory.resolve("model.fp16.safetensors.index.json") + why,
              directory.resolve("mtp.safetensors") + why);
    }
  }

  @Test
  void anIndexThatIsStaleOrEmptyOrALinkToNothingIsNotPassedOver() throws IOException {
    single();
    Path index = directory.resolve("model.safetensors.index.json");
    Files.writeString(index, "{\"weight_map\": {\"a\": \"" + ONE + "\"}}");
    refused(
        "index.json: weight_map: tensor a: expected the file \"" + ONE + "\", found no such file",
        "if model.safetensors beside it is the whole model, remove the index");
    Files.writeString(index, "{\"weight_map\": {}}");
    refused("index.json: weight_map: expected tensors and their files, found none");
    Files.delete(index);
    Files.createSymbolicLink(index, directory.resolve("gone.json"));
    refused("index.json: no such file");
  }

  @Test
  void theErrorForADirectoryWithoutWeightsSaysWhatItHasInstead() throws IOException {
    Path sub = Files.createDirectory(directory.resolve("fp16"));
    new SafetensorsWriter().floats("a", new float[1], 1).write(sub.resolve("model.safetensors"));
    refused("found neither in this directory, but fp16/model.safetensors");
    for (String name : new String[] {ONE, TWO, "pytorch_model.bin", "x.gguf"}) {
      Files.createFile(directory.resolve(name));
    }
    refused("directory, but fp16/model.safetensors, " + ONE + ", " + TWO + " and 2 more");
  }

  @Test
  void aDirectoryWithoutWeightsOrNoDirectoryAtAllIsRefused() throws IOException {
    refused("expected model.safetensors or model.safetensors.index.json, found neither");
    Path none = directory.resolve("none");
    assertThatThrownBy(() -> Checkpoint.open(none)).hasMessage(none + ": no such directory");
    Path file = Files.writeString(directory.resolve("file"), "");
    assertThatThrownBy(() -> Checkpoint.open(file)).hasMessage(file + ": not a directory");
  }
}
