package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.checkpoint.CheckpointException;
import orrery.kernels.KernelSet;
import orrery.sampling.SamplingParams;

/**
 * Sets every number of a config to every extreme: each config is refused by name, or runs in little
 * memory.
 */
class ExtremeConfigTest {
  private static final ThreadMXBean THREAD = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Extreme values; with some, the product of two widths overflows to a small number. */
  private static final String[] EXTREMES = {
    "0",
    "1",
    "2",
    "-1",
    "7",
    "65536",
    "16777217",
    "536870912",
    "536870915",
    "715827883",
    "1073741824",
    "1431655766",
    "2147483646",
    "2147483647",
    "1e-30",
    "1e30",
    "-1e30",
    "0.999"
  };

  private static final EngineOptions SCALAR =
      EngineOptions.defaults()
          .withCompute(c -> c.withKernels(KernelSet.SCALAR))
          .withBatching(b -> b.withMaxRunningRequests(1));
  private static final SamplingParams GREEDY =
      SamplingParams.defaults().withTemperature(0).withMaxTokens(3).withIgnoreEos(true);

  @TempDir Path directory;

  static List<Path> specks() {
    return Stream.concat(TinyModels.specks().stream(), TinyModels.v4Specks().stream()).toList();
  }

  @ParameterizedTest
  @MethodSource("specks")
  void aConfigWithAnExtremeNumberIsRefusedByNameOrRunsInSmallMemory(Path speck) throws IOException {
    EditedModel edited = EditedModel.of(speck);
    edited.writeTo(directory);
    int refused = 0;
    int ran = 0;
    for (ObjectNode config : withExtremes(edited.config)) {
      Files.writeString(directory.resolve("config.json"), config.toString());
      long before = THREAD.getCurrentThreadAllocatedBytes();
      boolean runs = runs(config);
      assertThat(THREAD.getCurrentThreadAllocatedBytes() - before)
          .as("bytes allocated for %s", config)
          .isLessThan(64L << 20);
      refused += runs ? 0 : 1;
      ran += runs ? 1 : 0;
    }
    System.out.printf("%s: %d extreme configs refused, %d ran%n", speck, refused, ran);
    assertThat(refused).isPositive();
    assertThat(ran).isPositive();
  }

  /** One copy of the config for each number in it, nested ones too, and each extreme. */
  private static List<ObjectNode> withExtremes(ObjectNode config) {
    List<ObjectNode> copies = new ArrayList<>();
    List<String> fields = new ArrayList<>();
    config.fieldNames().forEachRemaining(fields::add);
    for (String field : fields) {
      if (config.get(field) instanceof ObjectNode nested) {
        withExtremes(nested).forEach(n -> copies.add(config.deepCopy().set(field, n)));
      } else if (config.get(field).isNumber()) {
        for (String extreme : EXTREMES) {
          ObjectNode copy = config.deepCopy();
          copy.putRawValue(field, new RawValue(extreme));
          copies.add(copy);
        }
      }
    }
    return copies;
  }

  private boolean runs(ObjectNode config) {
    try (LoadedModel loaded = LoadedModel.load(directory)) {
      int positions = Math.min(32, loaded.model().maxPositions());
      EngineOptions options = SCALAR.withKv(kv -> kv.withContextLength(positions));
      try (Engine engine = Engine.start(loaded, options)) {
        if (positions > 3) {
          engine.submit(Request.of(new int[] {5, 3, 8}, GREEDY)).join();
        }
      }
      return true;
    } catch (CheckpointException e) {
      assertThat(e.getMessage()).as("%s", config).startsWith(directory.toString());
      return false;
    } catch (RequestException e) {
      assertThat(e.getMessage()).as("%s", config).contains("NaN");
      return true;
    } catch (Throwable e) {
      throw new AssertionError(config.toString(), e);
    }
  }
}
