package orrery.quantization.layouts;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.checkpoint.SafetensorsFile;
import orrery.checkpoint.SafetensorsWriter;
import orrery.checkpoint.Tensor;
import orrery.checkpoint.TensorInfo;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;
import orrery.quantization.ActivationRounding;
import orrery.quantization.ArrayMatrix;
import orrery.quantization.BlockQuantizer;

class StoredFormTest {
  private static final QuantizedParts CLASSIC =
      new QuantizedParts(List.of(".weight"), List.of(), ".e.", "weight_scale_inv", false);
  private static final QuantizedParts V4 =
      new QuantizedParts(List.of(".weight"), List.of(), ".e.", "scale", true);

  @TempDir private Path directory;

  private static StoredForm form(String name, Role role, QuantizedParts parts) {
    return Layouts.of(name, null).form(role, parts).orElseThrow();
  }

  private SafetensorsFile write(StoredForm form, ArrayMatrix matrix, float amax) {
    Path file = directory.resolve("m.safetensors");
    SafetensorsWriter writer = new SafetensorsWriter();
    form.addTo(writer, "m", matrix, amax);
    writer.write(file);
    return SafetensorsFile.open(file);
  }

  /** The layouts as published: names, types and shapes of a matrix [160][96]. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "fp8;         LINEAR; m.weight F8_E4M3[160, 96], m.weight_scale_inv F32[2, 1]",
        "fp8-channel; LINEAR; m.weight F8_E4M3[160, 96], m.weight_scale F32[160, 1]",
        "mxfp8;       LINEAR; m.weight F8_E4M3[160, 96], m.weight_scale_inv U8[160, 3]",
        "mxfp4;       EXPERT; m.weight_packed U8[160, 48], m.weight_scale U8[160, 3]",
        "nvfp4;       EXPERT; m.weight_global_scale F32[1], m.weight_packed U8[160, 48],"
            + " m.weight_scale F8_E4M3[160, 6]"
      })
  void aMatrixHasTheTensorsOfThePublishedLayout(String name, Role role, String tensors) {
    assertThat(tensors(form(name, role, CLASSIC))).isEqualTo(tensors);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "v4;  LINEAR; m.scale F8_E8M0[2, 1], m.weight F8_E4M3[160, 96]",
        "v4;  EXPERT; m.scale F8_E8M0[160, 3], m.weight I8[160, 48]",
        "fp8; EXPERT; m.scale F32[2, 1], m.weight F8_E4M3[160, 96]"
      })
  void aMatrixOfDeepSeekV4HasTheTensorsOfItsReleases(String name, Role role, String tensors) {
    assertThat(tensors(form(name, role, V4))).isEqualTo(tensors);
  }

  private String tensors(StoredForm form) {
    Random random = new Random(1);
    float[] w = new float[160 * 96]; // [160][96]
    for (int i = 0; i < w.length; i++) {
      w[i] = (float) random.nextGaussian();
    }
    ArrayMatrix m = new BlockQuantizer(form.format(), form.rule()).quantize(w, 160, 96);
    try (SafetensorsFile file = write(form, m, 4)) {
      List<String> found = new ArrayList<>();
      file.infos().stream().map(TensorInfo::toString).sorted().forEach(found::add);
      return String.join(", ", found);
    }
  }

  private static byte[] row(SafetensorsFile file, String name) {
    Tensor tensor = file.tensor(name);
    byte[] row = new byte[(int) tensor.rowLength()];
    tensor.copyRowBytes(0, row, 0);
    return row;
  }

  @Test
  void theEvenColumnIsInTheLowHalfOfAByte() {
    StoredForm form = form("mxfp4", Role.LINEAR, CLASSIC);
    byte[] codes = new byte[32]; // [1][32]
    codes[0] = 0x1; // 0.5
    codes[1] = 0xA; // -1
    codes[31] = 0x7; // 6
    float[] one = {1};
    ArrayMatrix m = new ArrayMatrix(form.format(), 1, 32, codes, one, 1, ActivationRounding.NONE);
    try (SafetensorsFile file = write(form, m, 0)) {
      byte[] packed = row(file, "m.weight_packed");
      assertThat(packed[0]).as("columns 0 and 1").isEqualTo((byte) 0xA1);
      assertThat(packed[15]).as("columns 30 and 31").isEqualTo((byte) 0x70);
      assertThat(row(file, "m.weight_scale")).as("2^0").containsExactly(127);
    }
  }

  @Test
  void compressedTensorsDividesByTheTensorScale() {
    StoredForm form = form("nvfp4", Role.LINEAR, CLASSIC);
    float[] w = new float[16]; // [1][16]
    w[3] = -5.25f;
    ArrayMatrix m = new BlockQuantizer(form.format(), form.rule()).quantize(w, 1, 16, 5.25f);
    try (SafetensorsFile file = write(form, m, 5.25f)) {
      assertThat(file.tensor("m.weight_global_scale").floats()).containsExactly(2688 / 5.25f);
      assertThat(row(file, "m.weight_scale")).as("448 in E4M3").containsExactly(0x7E);
      assertThat(row(file, "m.weight_packed")[1]).as("-6, odd column").isEqualTo((byte) 0xF0);
    }
  }
}
