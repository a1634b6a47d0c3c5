package orrery.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

class ModelFingerprintTest {
  @TempDir private Path temporary;

  private Path copyOf(Path model, String name) throws IOException {
    Path copy = Files.createDirectory(temporary.resolve(name));
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  private static void flip(Path file, long at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[Math.toIntExact(at)] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void aCopyOfAModelHasItsFingerprintAndNoOtherModelHas() throws IOException {
    Set<String> all = new HashSet<>();
    for (Path model : TinyModels.specks()) {
      String fingerprint = ModelFingerprint.of(model);
      assertThat(fingerprint).matches("[0-9a-f]{64}");
      assertThat(all.add(fingerprint)).isTrue();
      Path copy = copyOf(model, model.getFileName().toString());
      assertThat(ModelFingerprint.of(copy)).isEqualTo(fingerprint);
    }
    assertThat(all).hasSizeGreaterThan(3);
  }

  /** Any byte: the fingerprint of a recipe samples, this one must not. */
  @Test
  void everyByteOfTheWeightsCounts() throws IOException {
    Path model = copyOf(TinyModels.speck("sharded"), "sharded");
    List<Path> shards;
    try (Stream<Path> files = Files.list(model)) {
      shards = files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList();
    }
    assertThat(shards).hasSize(3);
    Set<String> seen = new HashSet<>(Set.of(ModelFingerprint.of(model)));
    for (Path shard : shards) {
      long size = Files.size(shard);
      for (long at : new long[] {size - 1, size - 2, size * 3 / 4, size * 5 / 6}) {
        flip(shard, at);
        assertThat(seen.add(ModelFingerprint.of(model))).as(shard + " at " + at).isTrue();
        flip(shard, at);
      }
    }
  }

  @Test
  void theConfigsCountAndOtherFilesDoNot() throws IOException {
    Path model = copyOf(TinyModels.speck("sharded"), "sharded");
    String before = ModelFingerprint.of(model);
    Files.writeString(model.resolve("README.md"), "a speck");
    Files.writeString(model.resolve("generation_config.json"), "{\"temperature\": 0.5}");
    assertThat(ModelFingerprint.of(model)).isEqualTo(before);
    Path config = model.resolve("config.json");
    Files.writeString(config, Files.readString(config) + "\n");
    String second = ModelFingerprint.of(model);
    Files.writeString(model.resolve("hf_quant_config.json"), "{}");
    assertThat(List.of(before, second, ModelFingerprint.of(model))).doesNotHaveDuplicates();
  }

  @Test
  void aFileThatTheIndexDoesNotNameDoesNotCount() throws IOException {
    Path model = copyOf(TinyModels.speck("sharded"), "sharded");
    String before = ModelFingerprint.of(model);
    Files.copy(
        TinyModels.speck("mtp").resolve("model.safetensors"), model.resolve("model.safetensors"));
    assertThat(ModelFingerprint.of(model)).isEqualTo(before);
  }

  private Path oldCopyOf(String speck) throws IOException {
    Path model = copyOf(TinyModels.speck(speck), speck);
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.toList()) { // else a change in the same tick would have the same time
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
      }
    }
    return model;
  }

  private static Path weights(Path model) throws IOException {
    try (Stream<Path> files = Files.list(model)) {
      return files.filter(f -> f.toString().endsWith(".safetensors")).sorted().toList().getLast();
    }
  }

  @Test
  void aLoadedModelKeepsTheFingerprintThatWasAskedForFirst() throws IOException {
    Path model = oldCopyOf("sharded");
    ModelFingerprint loaded = ModelFingerprint.beforeLoading(model);
    String before = ModelFingerprint.of(model);
    assertThat(loaded.digits()).isEqualTo(before);
    Path weights = weights(model);
    flip(weights, Files.size(weights) - 1);
    assertThat(loaded.digits()).isEqualTo(before).isNotEqualTo(ModelFingerprint.of(model));
  }

  /** How a file that counts may change: a name, and what is done to it. */
  private interface Change {
    void to(Path model) throws IOException;
  }

  private void isRefused(String file, Change change) throws IOException {
    Path model = oldCopyOf("sharded");
    ModelFingerprint loaded = ModelFingerprint.beforeLoading(model);
    change.to(model);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(loaded::digits)
        .withMessageContaining(file + ": has changed since the model was loaded");
    try (Stream<Path> files = Files.list(model)) {
      for (Path each : files.toList()) {
        Files.delete(each);
      }
    }
    Files.delete(model);
  }

  @Test
  void filesThatAreNotThoseThatWereLoadedHaveNone() throws IOException {
    Path last = weights(TinyModels.speck("sharded")).getFileName();
    isRefused(last.toString(), model -> flip(model.resolve(last), 100)); // in place
    isRefused(
        last.toString(),
        model -> { // another file of its size and time takes its place
          Path other = Files.copy(model.resolve(last), model.resolve("other"));
          Files.setLastModifiedTime(other, Files.getLastModifiedTime(model.resolve(last)));
          Files.move(other, model.resolve(last), StandardCopyOption.REPLACE_EXISTING);
        });
    isRefused(
        "config.json",
        model -> Files.writeString(model.resolve("config.json"), " ", StandardOpenOption.APPEND));
    isRefused(
        "hf_quant_config.json",
        model -> Files.writeString(model.resolve("hf_quant_config.json"), "{}"));
    isRefused(last.toString(), model -> Files.delete(model.resolve(last)));
  }

  @Test
  void aFileThatDoesNotCountMayChange() throws IOException {
    Path model = oldCopyOf("sharded");
    ModelFingerprint loaded = ModelFingerprint.beforeLoading(model);
    Files.writeString(model.resolve("README.md"), "a speck");
    assertThat(loaded.digits()).isEqualTo(ModelFingerprint.of(model));
  }

  @Test
  void aDirectoryWithoutWeightsHasNone() throws IOException {
    Files.writeString(temporary.resolve("config.json"), "{}");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> ModelFingerprint.of(temporary))
        .withMessageContaining("model.safetensors");
  }
}
