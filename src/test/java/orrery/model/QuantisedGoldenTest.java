package orrery.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.JsonConfig;
import orrery.checkpoint.SafetensorsFile;
import orrery.checkpoint.TensorInfo;
import orrery.checkpoint.quantized.QuantizationConfig;
import orrery.engine.LoadedModel;
import orrery.kernels.PackedMatrix;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/**
 * Quantised checkpoints in every published form, against transformers in float32 over weights that
 * an independent program in Python dequantised.
 */
class QuantisedGoldenTest {
  /** Largest difference from transformers that a logit may have. */
  private static final float TOLERANCE = 2e-4f;

  /** A multiple of all compression ratios of the models. */
  private static final int PAGE = 24;

  static List<Path> models() {
    return TinyModels.quantised();
  }

  private static Steps steps(Model model) {
    return new Steps(model, new VectorKernels(), 1, true, PAGE);
  }

  private static void assertClose(float[][] ours, float[] expected, String what) {
    float worst = 0;
    int at = 0;
    for (float[] row : ours) {
      for (float value : row) {
        float difference = Math.abs(value - expected[at++]);
        worst = Math.max(worst, Float.isNaN(difference) ? Float.POSITIVE_INFINITY : difference);
      }
    }
    assertThat(at).as("numbers of %s", what).isEqualTo(expected.length);
    System.out.printf("%s: largest difference from transformers %.2e%n", what, worst);
    assertThat(worst).as(what).isLessThan(TOLERANCE);
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAreThoseOfTransformersOverDequantisedWeights(Path dir) {
    try (SafetensorsFile golden = TinyModels.golden(dir);
        LoadedModel loaded = LoadedModel.load(dir)) {
      Steps.Outcome ours = steps(loaded.model()).run(TinyModels.ints(golden, "ids"), 1_000);
      assertClose(ours.logits(), golden.tensor("logits").floats(), dir + " logits");
      assertThat(loaded.model().hasMtp()).isEqualTo(golden.has("mtp.logits"));
      if (loaded.model().hasMtp()) {
        float[] expected = golden.tensor("mtp.logits").floats();
        assertClose(ours.mtpLogits(), expected, dir + " MTP logits");
      }
    }
  }

  /** Tells which weight is wrong, where the logits tell only that one is. */
  @ParameterizedTest
  @MethodSource("models")
  void everyRowDecodesToTheBitsOfTheIndependentProgram(Path dir) {
    boolean v4 = dir.getFileName().toString().startsWith("v4-");
    JsonConfig config = JsonConfig.read(dir.resolve("config.json"));
    int rows = 0;
    try (SafetensorsFile golden = TinyModels.golden(dir);
        Checkpoint checkpoint = Checkpoint.open(dir)) {
      CheckpointWeights weights =
          new CheckpointWeights(checkpoint, QuantizationConfig.read(config, v4));
      for (String decoded : golden.names()) {
        if (decoded.startsWith("decoded.")) {
          String name = decoded.substring("decoded.".length());
          long[] expected = golden.tensor(decoded).longs();
          float[][] ours = decode(checkpoint, weights, name);
          assertThat(ours.length).as(name).isEqualTo(expected.length);
          for (int row = 0; row < ours.length; row++) {
            assertThat(checksum(ours[row]))
                .as("%s: weights of row %d of %s", dir, row, name)
                .isEqualTo(expected[row]);
            rows++;
          }
        }
      }
    }
    assertThat(rows).isGreaterThan(100);
  }

  /** The weights of a quantised tensor, [rows][in]; those of a stack one matrix after the other. */
  private static float[][] decode(Checkpoint checkpoint, CheckpointWeights weights, String name) {
    boolean packed = checkpoint.has(name + "_packed");
    TensorInfo info = checkpoint.info(packed ? name + "_packed" : name).orElseThrow();
    long[] shape = info.shape().clone();
    int dimensions = shape.length;
    if (info.dtype() == DType.U8 || info.dtype() == DType.I8) {
      shape[dimensions - 1] *= 2; // two codes a byte
    }
    int in = (int) shape[dimensions - 1];
    int out = (int) shape[dimensions - 2];
    int count = dimensions == 3 ? (int) shape[0] : 1;
    float[][] rows = new float[count * out][in];
    for (int m = 0; m < count; m++) {
      PackedMatrix matrix =
          dimensions == 3
              ? weights.matrix(name, shape, (long) m * out, out, in)
              : weights.matrix(name, out, in);
      for (int row = 0; row < out; row++) {
        matrix.row(row, rows[m * out + row], 0);
      }
    }
    return rows;
  }

  /** CRC-32 of the row's float32 bits, little-endian. */
  private static long checksum(float[] row) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * row.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(row);
    CRC32 crc = new CRC32();
    crc.update(bytes.array());
    return crc.getValue();
  }

  @ParameterizedTest
  @MethodSource("models")
  void aChainOfThreeMtpDraftsIsThatOfTheIndependentImplementation(Path dir) {
    try (SafetensorsFile golden = TinyModels.golden(dir);
        LoadedModel loaded = LoadedModel.load(dir)) {
      Model model = loaded.model();
      assertThat(golden.has("mtp.chain.prefix")).isEqualTo(model.hasMtp());
      if (!model.hasMtp()) {
        return;
      }
      int[] ids = TinyModels.ints(golden, "ids");
      int[] prefixes = TinyModels.ints(golden, "mtp.chain.prefix");
      int[] drafts = TinyModels.ints(golden, "mtp.chain.drafts");
      float[] logits = golden.tensor("mtp.chain.logits").floats();
      int size = 3 * model.vocab();
      for (int c = 0; c < prefixes.length; c++) {
        float[][] ours = steps(model).chain(Arrays.copyOf(ids, prefixes[c]), 3);
        float[] expected = Arrays.copyOfRange(logits, c * size, (c + 1) * size);
        assertClose(ours, expected, dir + " chain " + c);
        for (int d = 0; d < 3; d++) {
          assertThat(new ScalarKernels().argmax(ours[d], 0, model.vocab()))
              .isEqualTo(drafts[3 * c + d]);
        }
      }
    }
  }
}
