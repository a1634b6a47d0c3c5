package orrery.checkpoint.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.SafetensorsWriter;
import orrery.kernels.PackedMatrix;
import orrery.quantization.ActivationRounding;
import orrery.quantization.WeightFormat;

/** Each rule by which codes, scales and config make a matrix, on tensors made for it. */
class CodedWeightsTest {
  private static final String BLOCKS =
      """
      {"quant_method": "fp8", "weight_block_size": [%d, %d]}\
      """;
  private static final String MX8 = "{\"quant_method\": \"mxfp8\"}";
  private static final String NO_BLOCKS = "{\"quant_method\": \"fp8\"}";
  private static final String NVFP4 = "{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}";
  private static final byte ONE = 0x38; // 1 in E4M3

  @TempDir private Path directory;

  private final SafetensorsWriter file = new SafetensorsWriter();

  private static String blocks(int rows, int cols) {
    return BLOCKS.formatted(rows, cols);
  }

  /** E4M3 codes of 1, so that a weight is its scale. */
  private CodedWeightsTest ones(String name, long... shape) {
    byte[] codes = new byte[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(codes, ONE);
    file.codes(name, DType.F8_E4M3, codes, shape);
    return this;
  }

  /** FP4 codes of 1, two in each byte. */
  private CodedWeightsTest pairs(String name, DType type, long... shape) {
    byte[] codes = new byte[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    Arrays.fill(codes, (byte) 0x22);
    file.codes(name, type, codes, shape);
    return this;
  }

  /** Scales 1, 2, 3, … */
  private CodedWeightsTest counted(String name, long... shape) {
    float[] scales = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
    for (int i = 0; i < scales.length; i++) {
      scales[i] = i + 1;
    }
    file.floats(name, scales, shape);
    return this;
  }

  /** What is read, as floats [out][in]. */
  private float[][] read(String config, String name, Slice slice) {
    return open(
        config,
        (weights, checkpoint) -> {
          CodedTensor found = weights.find(name, slice, true).orElseThrow();
          checkpoint.refuseUnread(); // the companions count as read
          return floats(found);
        });
  }

  private float[][] read(String config, int out, int in) {
    return read(config, "m.weight", Slice.whole(out, in));
  }

  private interface Use<T> {
    T with(CodedWeights weights, Checkpoint checkpoint);
  }

  private <T> T open(String config, Use<T> use) {
    file.write(directory.resolve("model.safetensors"));
    Path json = directory.resolve("config.json");
    try {
      Files.writeString(json, "{\"quantization_config\": " + config + "}");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      QuantizationConfig read = QuantizationConfig.read(JsonConfig.read(json), false);
      return use.with(new CodedWeights(checkpoint, read), checkpoint);
    }
  }

  private static float[][] floats(CodedTensor codes) {
    PackedMatrix matrix = PackedMatrix.pack(codes);
    float[][] floats = new float[codes.out()][codes.in()];
    for (int r = 0; r < floats.length; r++) {
      matrix.row(r, floats[r], 0);
    }
    return floats;
  }

  private void refused(String config, int out, int in, String message) {
    assertThatThrownBy(() -> read(config, out, in))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(directory.resolve("model.safetensors") + ": " + message);
  }

  /** transformers divides the rows by the grid's, which gives blocks of 66 rows. */
  @Test
  void theBlockIsTheConfigsAlsoWhereRowsDivideByTheGrid() {
    float[][] w =
        ones("m.weight", 132, 3).counted("m.weight_scale_inv", 2, 1).read(blocks(128, 128), 132, 3);
    for (int r = 0; r < 132; r++) {
      assertThat(w[r]).containsOnly(r < 128 ? 1 : 2);
    }
  }

  /** The shape of DeepSeek-V3's kv_a_proj_with_mqa. */
  @Test
  void fiveHundredAndSeventySixRowsHaveFiveRowsOfScales() {
    float[][] w =
        ones("m.weight", 576, 130)
            .counted("m.weight_scale_inv", 5, 2)
            .read(blocks(128, 128), 576, 130);
    assertThat(w[575][129]).isEqualTo(10);
    assertThat(w[511][127]).isEqualTo(7);
    assertThat(w[512][127]).isEqualTo(9);
  }

  /** Parts of 4 rows in blocks of 3: one grid for both would have rows 3, not 4. */
  @Test
  void eachMatrixOfAStackHasAGridOfItsOwn() {
    ones("experts.gate_up_proj", 2, 8, 2).counted("experts.gate_up_proj_scale_inv", 2, 4, 1);
    long[] shape = {2, 8, 2};
    float[][] expected = {{1, 1}, {1, 1}, {1, 1}, {2, 2}};
    for (int part = 0; part < 4; part++) {
      float[][] w = read(blocks(3, 3), "experts.gate_up_proj", new Slice(shape, 4L * part, 4, 2));
      int before = 2 * part;
      for (int r = 0; r < 4; r++) {
        assertThat(w[r]).containsOnly(expected[r][0] + before);
      }
    }
  }

  @Test
  void aStackWithOneGridForAllItsRowsIsRefused() {
    ones("experts.gate_up_proj", 2, 8, 2).counted("experts.gate_up_proj_scale_inv", 2, 3, 1);
    Slice slice = new Slice(new long[] {2, 8, 2}, 0, 4, 2);
    assertThatThrownBy(() -> read(blocks(3, 3), "experts.gate_up_proj", slice))
        .hasMessageContaining("expected shape [2, 4, 1] for weights [2, 8, 2], found [2, 3, 1]");
  }

  @Test
  void aMatrixThatBeginsInsideABlockHasTheScalesOfItsRows() {
    ones("wo.weight", 12, 2).counted("wo.weight_scale_inv", 3, 1);
    for (int first : new int[] {0, 3, 6, 9}) {
      float[][] w = read(blocks(5, 5), "wo.weight", new Slice(new long[] {12, 2}, first, 3, 2));
      for (int r = 0; r < 3; r++) {
        assertThat(w[r]).as("row %d", first + r).containsOnly((first + r) / 5 + 1);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"0 1, true", "0 4, true", "1, false", "4, false"})
  void scalesOfRowsAndOfTheTensorMayHaveAnyRank(String shape, boolean column) {
    long rows = shape.endsWith("4") ? 4 : 1;
    long[] dimensions = column ? new long[] {rows, 1} : new long[] {rows};
    float[][] w =
        ones("m.weight", 4, 3).counted("m.weight_scale", dimensions).read(NO_BLOCKS, 4, 3);
    assertThat(w[3]).containsOnly(rows == 4 ? 4 : 1);
  }

  @Test
  void aScaleWithoutDimensionsIsThatOfTheTensor() {
    assertThat(ones("m.weight", 4, 3).counted("m.weight_scale").read(NO_BLOCKS, 4, 3)[3])
        .containsOnly(1);
  }

  @Test
  void theLowHalfOfAByteIsTheEvenColumn() {
    byte[] codes = new byte[16];
    codes[0] = 0x12; // 1 in column 0, 0.5 in column 1
    codes[15] = (byte) 0xF8; // -0 in column 30, -6 in column 31
    file.codes("m.weight", DType.U8, codes, 1, 16);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE, 0x40}, 1, 2);
    file.floats("m.weight_scale_2", new float[] {0.5f});
    float[] w = read(NVFP4, 1, 32)[0];
    assertThat(w[0]).isEqualTo(0.5f);
    assertThat(w[1]).isEqualTo(0.25f);
    assertThat(Float.floatToRawIntBits(w[30])).isEqualTo(Float.floatToRawIntBits(-0.0f));
    assertThat(w[31]).isEqualTo(-6);
  }

  @Test
  void aGlobalScaleDividesAndTheOtherMultiplies() {
    pairs("m.weight_packed", DType.U8, 1, 8);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE}, 1, 1);
    file.floats("m.weight_global_scale", new float[] {3}, 1);
    assertThat(read(NVFP4, 1, 16)[0]).containsOnly(1 / 3f);
  }

  @Test
  void theConfigTellsWhetherBytesAreScales() {
    ones("m.weight", 1, 32);
    file.codes("m.weight_scale_inv", DType.U8, new byte[] {(byte) 128}, 1, 1);
    assertThat(read(MX8, 1, 32)[0]).containsOnly(2);
    refused(
        blocks(1, 32),
        1,
        32,
        "tensor m.weight_scale_inv: expected scales as the config describes them (F32, BF16 or"
            + " F8_E8M0), found U8");
  }

  @Test
  void inputsAreRoundedInTheBlocksOfTheWeights() {
    ones("m.weight", 2, 64).counted("m.weight_scale_inv", 1, 2);
    UnaryOperator<String> powers = c -> c.replace("}", ", \"scale_fmt\": \"ue8m0\"}");
    for (boolean power : new boolean[] {false, true}) {
      String config = power ? powers.apply(blocks(32, 32)) : blocks(32, 32);
      assertThat(input(config, true)).isEqualTo(new ActivationRounding(32, power));
      assertThat(input(config, false)).isEqualTo(ActivationRounding.NONE);
    }
  }

  private ActivationRounding input(String config, boolean rounded) {
    return open(config, (w, all) -> w.find("m.weight", Slice.whole(2, 64), rounded).get().input());
  }

  @Test
  void inputsOfFp4WeightsAreRoundedInBlocksOf128() {
    pairs("m.weight", DType.I8, 1, 16);
    file.codes("m.scale", DType.F8_E8M0, new byte[] {127}, 1, 1);
    String config = "{\"quant_method\": \"fp8\", \"expert_dtype\": \"fp4\"}";
    CodedTensor m =
        open(config, (w, all) -> w.find("m.weight", Slice.whole(1, 32), true)).orElseThrow();
    assertThat(m.input()).isEqualTo(new ActivationRounding(128, true));
    assertThat(m.format()).isEqualTo(WeightFormat.MXFP4);
  }

  @Test
  void floatsAreNoneOfItsBusiness() {
    file.floats("m.weight", new float[6], 2, 3);
    assertThat(open(NO_BLOCKS, (w, all) -> w.find("m.weight", Slice.whole(2, 3), true)).isEmpty())
        .isTrue();
    assertThat(open(NO_BLOCKS, (w, all) -> w.find("n.weight", Slice.whole(2, 3), true)).isEmpty())
        .as("a tensor that is not there")
        .isTrue();
  }

  @Test
  void twoSchemesThatDivideTheWeightsInTwoWaysAreToldApartByTheModule() {
    String groups =
        """
        {"quant_method": "compressed-tensors", "config_groups": {
         "a": {"targets": ["re:m$"], "weights": {"num_bits": 8, "type": "float",
               "strategy": "block", "block_structure": [3, 4]}},
         "b": {"targets": ["%s"], "weights": {"num_bits": 8, "type": "float",
               "strategy": "block", "block_structure": [4, 4]}}}}\
        """;
    ones("m.weight", 5, 2).counted("m.weight_scale", 2, 1);
    float[][] w = read(groups.formatted("n"), 5, 2);
    assertThat(w[2]).containsOnly(1);
    assertThat(w[3]).containsOnly(2);
    refused(
        groups.formatted("Linear"),
        5,
        2,
        "tensor m.weight_scale: expected scales that fit one way to divide the weights into"
            + " blocks, found several ways");
  }

  @Test
  void codesWithoutScalesAreRefused() {
    ones("m.weight", 2, 3);
    refused(
        blocks(2, 2),
        2,
        3,
        "tensor m.weight: expected one tensor of scales beside F8_E4M3 codes, found none");
  }

  @Test
  void scalesUnderTwoNamesAreRefused() {
    ones("m.weight", 2, 3).counted("m.weight_scale", 1, 2).counted("m.scale", 1, 2);
    refused(
        blocks(2, 2),
        2,
        3,
        "tensor m.weight: expected one tensor of scales beside F8_E4M3 codes, found"
            + " m.weight_scale and m.scale");
  }

  @Test
  void floatsWithScalesAreRefused() {
    file.bf16("m.weight", new short[6], 2, 3);
    counted("m.weight_scale_inv", 1, 2);
    refused(
        blocks(2, 2),
        2,
        3,
        "tensor m.weight: expected codes of 8 or 4 bits, since there is m.weight_scale_inv, found"
            + " BF16");
  }

  @Test
  void codesThatTheConfigDoesNotDescribeAreRefused() {
    pairs("m.weight", DType.I8, 1, 16);
    file.codes("m.scale", DType.F8_E8M0, new byte[] {127}, 1, 1);
    refused(
        blocks(2, 2),
        1,
        32,
        "tensor m.weight: expected floats, or codes that the config describes, found I8 codes, and"
            + " other codes in config.json");
    refused(
        "null",
        1,
        32,
        "tensor m.weight: expected floats, or codes that the config describes, found I8 codes, and"
            + " no quantization_config in config.json");
  }

  @Test
  void raggedGroupsOfFp4AreRefused() {
    pairs("m.weight", DType.U8, 1, 12);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE, ONE}, 1, 2);
    file.floats("m.weight_scale_2", new float[] {1});
    refused(
        NVFP4,
        1,
        24,
        "tensor m.weight: expected rows of whole groups of 16 FP4 weights, found rows of 24");
  }

  @Test
  void scalesOfInputsFromAwqAreRefused() {
    pairs("m.weight", DType.U8, 1, 8);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE}, 1, 1);
    file.floats("m.weight_scale_2", new float[] {1});
    file.floats("m.pre_quant_scale", new float[16], 16);
    refused(
        NVFP4,
        1,
        16,
        "tensor m.pre_quant_scale: expected weights without scales of inputs (AWQ), found some");
  }

  @Test
  void nvfp4WithoutATensorScaleIsRefused() {
    pairs("m.weight", DType.U8, 1, 8);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE}, 1, 1);
    refused(
        NVFP4,
        1,
        16,
        "tensor m.weight: expected one scale of the whole tensor beside it, found none");
  }

  @Test
  void aGlobalScaleWithoutAnInverseIsRefused() {
    pairs("m.weight_packed", DType.U8, 1, 8);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[] {ONE}, 1, 1);
    file.floats("m.weight_global_scale", new float[] {0}, 1);
    refused(
        NVFP4,
        1,
        16,
        "tensor m.weight_global_scale: expected a finite scale, found 0.0, whose inverse is"
            + " Infinity");
  }

  @Test
  void aCodeOfNanIsRefusedWithItsPlace() {
    byte[] codes = new byte[12];
    codes[7] = 0x7F;
    file.codes("m.weight", DType.F8_E4M3, codes, 3, 4);
    counted("m.weight_scale_inv", 2, 2);
    refused(blocks(2, 2), 3, 4, "tensor m.weight at [1, 3]: expected a finite weight, found NaN");
  }

  @Test
  void aScaleThatIsNoNumberIsRefusedWithItsPlace() {
    ones("m.weight", 3, 4);
    file.floats("m.weight_scale_inv", new float[] {1, 1, 1, Float.POSITIVE_INFINITY}, 2, 2);
    refused(
        blocks(2, 2),
        3,
        4,
        "tensor m.weight_scale_inv at [1, 1]: expected a finite scale, found Infinity");
  }

  @Test
  void aWeightThatBecomesInfiniteIsRefusedWithItsPlace() {
    file.codes("m.weight", DType.F8_E4M3, new byte[] {0, 0x7E}, 1, 2);
    file.floats("m.weight_scale", new float[] {1e37f}, 1);
    refused(NO_BLOCKS, 1, 2, "tensor m.weight at [0, 1]: expected a finite weight, found Infinity");
  }

  @Test
  void scalesThatDoNotFitAreRefusedWithBothShapes() {
    ones("m.weight", 3, 4).counted("m.weight_scale_inv", 2, 3);
    refused(
        blocks(2, 2),
        3,
        4,
        "tensor m.weight_scale_inv: expected shape [2, 2] for weights [3, 4], found [2, 3]");
  }

  @Test
  void scalesOfActivationsArePassedOverWithANoticeUnlessTheyAreOne() {
    ones("a.k_proj.weight", 2, 2).counted("a.k_proj.weight_scale", 1);
    file.floats("a.k_proj.input_scale", new float[] {0.25f});
    file.floats("a.k_proj.k_scale", new float[] {1});
    file.floats("a.v_scale", new float[] {0.5f});
    List<String> notices = notices(NO_BLOCKS, "a.k_proj.weight", 2, 2);
    assertThat(notices)
        .singleElement()
        .asString()
        .contains("2 scales of activations and of the KV cache (input_scale, v_scale)");
  }

  private List<String> notices(String config, String name, int out, int in) {
    return open(
        config,
        (weights, checkpoint) -> {
          weights.find(name, Slice.whole(out, in), true);
          weights.tellPassedOver();
          return checkpoint.notices();
        });
  }

  @Test
  void anAnnouncedFormatThatNoTensorHasIsToldInANotice() {
    file.floats("m.weight", new float[6], 2, 3);
    assertThat(notices(MX8, "m.weight", 2, 3))
        .singleElement()
        .asString()
        .startsWith(directory + "/config.json: quantised weights are announced, but all are");
  }

  @Test
  void theBitsOfAWeightCountItsScales() {
    pairs("m.weight_packed", DType.U8, 4, 16);
    file.codes("m.weight_scale", DType.F8_E4M3, new byte[8], 4, 2);
    file.floats("m.weight_global_scale", new float[] {1}, 1);
    file.write(directory.resolve("model.safetensors"));
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      CodedBits bits =
          CodedBits.of(checkpoint, checkpoint.info("m.weight_packed").get()).orElseThrow();
      assertThat(bits.bits()).isEqualTo(4 + 8.0 * (8 + 4) / 128);
      assertThat(bits)
          .hasToString("E2M1, F8_E4M3 scales [4, 2]: 4.750 bits a weight, 0.750 of them scales");
      assertThat(CodedBits.of(checkpoint, checkpoint.info("m.weight_scale").get())).isEmpty();
    }
  }

  /** Many shapes and blocks, against the rule in one line. */
  @Test
  void everyWeightIsItsCodeTimesTheScaleOfItsBlock() {
    Random random = new Random(5);
    for (int trial = 0; trial < 200; trial++) {
      int out = 1 + random.nextInt(40);
      int in = 1 + random.nextInt(40);
      int bn = 1 + random.nextInt(20);
      int bk = 1 + random.nextInt(20);
      int cols = Math.ceilDiv(in, bk);
      CodedWeightsTest test = new CodedWeightsTest();
      test.directory = directory;
      test.ones("m.weight", out, in).counted("m.weight_scale_inv", Math.ceilDiv(out, bn), cols);
      float[][] w = test.read(blocks(bn, bk), out, in);
      for (int i = 0; i < out; i++) {
        for (int j = 0; j < in; j++) {
          assertThat(w[i][j]).isEqualTo(1 + i / bn * cols + j / bk);
        }
      }
    }
  }
}
