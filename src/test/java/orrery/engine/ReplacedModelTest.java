package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static orrery.engine.EngineTest.greedy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.offload.PrefetchPolicy;
import orrery.offload.StorageBackend;

/** A model whose files are written over while its process runs: rows keep the name of their own. */
class ReplacedModelTest {
  private static final int PAGE = 16;
  private static final Request REQUEST =
      Request.of(IntStream.range(0, 3 * PAGE + 1).toArray(), greedy(2));

  @TempDir private Path temporary;
  private Path model;

  @BeforeEach
  void copy() throws IOException {
    model = Files.createDirectory(temporary.resolve("model"));
    try (Stream<Path> files = Files.list(TinyModels.speck("bias"))) {
      for (Path file : files.toList()) {
        Path copy = Files.copy(file, model.resolve(file.getFileName()));
        Files.setLastModifiedTime(copy, FileTime.fromMillis(1_000_000));
      }
    }
  }

  private void writeOver() throws IOException {
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 2] ^= 1; // the same file, of the same length
    Files.write(weights, bytes);
  }

  private EngineOptions options() {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(PAGE))
        .withOffload(
            o ->
                o.withEnableHierarchicalCache(true)
                    .withHicacheStorageBackend(StorageBackend.FILE)
                    .withHicacheStorageDir(temporary.resolve("rows").toString())
                    .withHicacheStoragePrefetchPolicy(PrefetchPolicy.WAIT_COMPLETE)
                    .withHicacheStoragePrefetchThreshold(PAGE));
  }

  private int cached(LoadedModel loaded) {
    try (Engine engine = Engine.start(loaded, options())) {
      return engine.submit(REQUEST).join().getFirst().cachedTokens();
    }
  }

  @Test
  void theNextEngineOfALoadedModelStillNamesTheWeightsThatItHas() throws IOException {
    Files.createDirectory(temporary.resolve("rows"));
    try (LoadedModel old = LoadedModel.load(model)) {
      assertThat(cached(old)).isZero();
      writeOver();
      assertThat(cached(old)).isEqualTo(3 * PAGE);
      try (LoadedModel other = LoadedModel.load(model)) {
        assertThat(cached(other)).isZero();
      }
    }
  }

  @Test
  void anEngineThatNeedsTheNameOfLostWeightsIsRefusedAndOneWithoutFilesIsNot() throws IOException {
    Files.createDirectory(temporary.resolve("rows"));
    try (LoadedModel old = LoadedModel.load(model)) {
      writeOver();
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> cached(old))
          .withMessageContaining("model.safetensors: has changed since the model was loaded");
      try (Engine engine = Engine.start(old, EngineOptions.defaults())) {
        assertThat(engine.submit(REQUEST).join()).hasSize(1);
      }
    }
  }
}
