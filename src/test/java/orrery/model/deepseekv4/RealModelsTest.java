package orrery.model.deepseekv4;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import orrery.checkpoint.JsonConfig;
import orrery.engine.EngineOptions;
import orrery.engine.HeapPlan;
import orrery.kernels.PackedMatrix;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.kv.StreamKind;
import orrery.model.ModelInfo;
import orrery.model.ModelInfo.Stored;
import orrery.model.ModelInfo.WeightGroup;
import orrery.model.WeightShapes;
import orrery.model.Weights;
import orrery.quantization.WeightFormat;

/** What the configs of the released models tell, beside what was published about them. */
class RealModelsTest {
  private static final DeepSeekV4Config FLASH = read("flash");
  private static final DeepSeekV4Config PRO = read("pro");

  /** Ends of names of tensors that have a {@code .scale} beside them in the release. */
  private static final List<String> SCALED =
      List.of(
          "wq_a.weight",
          "wq_b.weight",
          ".attn.wkv.weight",
          "wo_a.weight",
          "wo_b.weight",
          "w1.weight",
          "w2.weight",
          "w3.weight",
          "e_proj.weight",
          "h_proj.weight");

  private static DeepSeekV4Config read(String name) {
    Path file = Path.of("docs/examples/deepseek-v4-" + name + ".json");
    return DeepSeekV4Config.read(JsonConfig.read(file));
  }

  /** Writes down which tensors are asked for. */
  private static final class Asked implements Weights {
    final Set<String> names = ConcurrentHashMap.newKeySet();
    private final Weights shapes = new WeightShapes(WeightFormat.BF16);

    @Override
    public boolean has(String name) {
      return false;
    }

    private String asked(String name) {
      names.add(name);
      return name;
    }

    @Override
    public PackedMatrix matrix(String name, int out, int in) {
      return shapes.matrix(asked(name), out, in);
    }

    @Override
    public PackedMatrix float32(String name, int out, int in) {
      return shapes.float32(asked(name), out, in);
    }

    @Override
    public PackedMatrix[] stack(String name, int count, int out, int in) {
      return shapes.stack(asked(name), count, out, in);
    }

    @Override
    public float[] vector(String name, int n) {
      return shapes.vector(asked(name), n);
    }

    @Override
    public float[] table(String name, int rows, int cols) {
      return shapes.table(asked(name), rows, cols);
    }

    @Override
    public int[] indices(String name, int rows, int cols, int below) {
      return shapes.indices(asked(name), rows, cols, below);
    }
  }

  private static long tensors(DeepSeekV4Config c) {
    Asked asked = new Asked();
    DeepSeekV4Weights.read(asked, c);
    long scales =
        asked.names.stream().filter(name -> SCALED.stream().anyMatch(name::endsWith)).count();
    return asked.names.size() + scales;
  }

  @Test
  void theLoaderAsksForAsManyTensorsAsTheReleaseHas() {
    assertThat(tensors(FLASH)).isEqualTo(69_187);
    assertThat(tensors(PRO)).isEqualTo(145_116);
  }

  private static double billions(DeepSeekV4Config c) {
    ModelInfo info = c.info();
    long mtp =
        info.groups().stream()
            .filter(g -> g.role().startsWith("mtp"))
            .mapToLong(WeightGroup::parameters)
            .sum();
    return (info.parameters() - mtp) / 1e9;
  }

  @Test
  void parametersAreThosePublished() {
    assertThat(billions(FLASH)).isCloseTo(284, within(0.5)); // "284B, 13B activated"
    assertThat(FLASH.info().activeParameters() / 1e9).isCloseTo(13, within(0.5));
    assertThat(billions(PRO)).isCloseTo(1600, within(50.0)); // "1.6T, 49B activated"
    assertThat(PRO.info().activeParameters() / 1e9).isCloseTo(49, within(0.5));
    assertThat(HeapPlan.of(PRO, EngineOptions.defaults()).bytes()).isPositive();
  }

  private static Stored stored(DeepSeekV4Config c, String label) {
    return c.info().stored().stream()
        .filter(s -> s.format().label().equals(label))
        .findFirst()
        .orElseThrow();
  }

  /** The tally of the types in the released files, which have 159,609,485,896 bytes of tensors. */
  @Test
  void bytesAreThoseOfTheReleasedFiles() {
    assertThat(stored(FLASH, "mxfp4").codeBytes()).isEqualTo(141_733_920_768L); // I8
    assertThat(stored(FLASH, "e4m3 128x128").codeBytes()).isEqualTo(6_023_020_544L); // F8_E4M3
    long scales = FLASH.info().stored().stream().mapToLong(Stored::scaleBytes).sum();
    assertThat(scales).isEqualTo(8_858_737_664L); // F8_E8M0
    long norms = 1_415_259_264L - stored(FLASH, "bf16").weights(); // BF16, here f32
    long indices = 3L * 129_280 * 6; // I64, here int
    assertThat(FLASH.info().bytes() - 2 * norms + 4 * indices).isEqualTo(159_609_485_896L);
    long weights = FLASH.info().stored().stream().mapToLong(Stored::weights).sum();
    assertThat(weights).isEqualTo(290_942_289_362L);
    assertThat(8.0 * PRO.info().bytes() / PRO.info().parameters()).isCloseTo(4.33, within(0.005));
  }

  /**
   * 448 FP8 codes, 7 scales and 64 numbers of bf16; others add a byte of padding. A key of the
   * indexer has one scale of a byte, where SGLang's has four.
   */
  @Test
  void anFp8RowTakesTheBytesOfTheReleaseWithoutPadding() {
    for (DeepSeekV4Config c : List.of(FLASH, PRO)) {
      for (Stream s : c.kvLayout(true, KvDtype.FP8).streams()) {
        String kind = s.name().replaceFirst("(layers\\.\\d+|mtp)\\.", "");
        int bytes = s.format().bytes(s.width());
        switch (kind) {
          case "raw", "compressed" -> assertThat(bytes).as(s.name()).isEqualTo(584 - 1);
          case "index.key" -> assertThat(bytes).as(s.name()).isEqualTo(132 - 3);
          default -> assertThat(bytes).as(s.name()).isEqualTo(4 * s.width());
        }
      }
    }
  }

  /** Rows of one kind of the Pro model behind 8,192 tokens, of all layers. */
  private static long rows(String name, int width, boolean all, int span) {
    KvLayout layout = PRO.kvLayout(false, KvDtype.F32);
    return StreamKind.of(layout).stream()
        .filter(k -> k.name().equals(name) && k.stream().width() == width)
        .mapToLong(k -> all ? k.bytes(8192, 256) : k.held(8192, 256, span))
        .map(bytes -> bytes / Float.BYTES / width)
        .sum();
  }

  /** With rows as SGLang stores them: 584 bytes, and 68 for a key of the indexer in FP4. */
  @Test
  void windowsAtFullLengthTakeSevenTimesTheRestOfAPromptsCache() {
    assertThat(584e-6 * rows("raw", 512, true, 0))
        .as("MB at full length")
        .isCloseTo(292, within(0.5));
    assertThat(584e-6 * rows("raw", 512, false, 256))
        .as("MB of the last page")
        .isCloseTo(9.1, within(0.05));
    assertThat(584e-6 * rows("raw", 512, false, 16))
        .as("MB given back in small pages")
        .isCloseTo(4.6, within(0.05));
    double compressed = 584e-6 * rows("compressed", 512, true, 0);
    double keys = 68e-6 * rows("index.key", 128, true, 0);
    assertThat(compressed + keys).as("MB of compressed rows and keys").isCloseTo(41, within(0.5));
  }
}
