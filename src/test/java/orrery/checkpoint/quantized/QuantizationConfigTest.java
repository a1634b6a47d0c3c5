package orrery.checkpoint.quantized;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.JsonConfig;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/** What configs of published checkpoints say, and what of it is refused. */
class QuantizationConfigTest {
  private static final String GROUP =
      """
      {"quant_method": "compressed-tensors", "config_groups": {"group_0": {"targets": ["Linear"],
       "weights": {"num_bits": 8, "type": "float", "strategy": "channel"}}}, "ignore": ["lm_head"]}\
      """;

  @TempDir private Path directory;

  private QuantizationConfig read(String config, boolean fp4Experts) {
    Path file = directory.resolve("config.json");
    try {
      Files.writeString(file, config);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return QuantizationConfig.read(JsonConfig.read(file), fp4Experts);
  }

  private QuantizationConfig quantized(String config) {
    return read("{\"quantization_config\": " + config + "}", false);
  }

  private void modelOpt(String quantization) throws IOException {
    Files.writeString(
        directory.resolve("hf_quant_config.json"),
        "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": " + quantization + "}");
  }

  private static List<WeightFormat> formats(QuantizationConfig config) {
    return config.schemes().stream().map(Scheme::format).toList();
  }

  @Test
  void withoutAFieldAllWeightsAreFloats() {
    assertThat(read("{}", true))
        .isEqualTo(QuantizationConfig.none(directory.resolve("config.json")));
    assertThat(read("{\"quantization_config\": null, \"expert_dtype\": \"fp4\"}", true).schemes())
        .isEmpty();
  }

  @Test
  void deepSeekV3HasBlocksOfFloats() {
    QuantizationConfig c =
        quantized(
            "{\"activation_scheme\": \"dynamic\", \"fmt\": \"e4m3\", \"quant_method\": \"fp8\","
                + " \"weight_block_size\": [128, 64]}");
    assertThat(formats(c)).containsExactly(Scheme.fp8(128, 64));
    assertThat(c.powerOfTwo()).isFalse();
    assertThat(c.formatOf("a.weight")).contains(Scheme.fp8(128, 64));
  }

  @Test
  void deepSeekV4HasExpertsInFp4UnlessItSaysOtherwise() {
    String fp8 =
        "\"quantization_config\": {\"quant_method\": \"fp8\", \"scale_fmt\": \"ue8m0\","
            + " \"weight_block_size\": [128, 128]}";
    WeightFormat powers = new WeightFormat(Codes.E4M3, Scales.E8M0, 128, 128);
    QuantizationConfig release = read("{" + fp8 + "}", true);
    assertThat(release.powerOfTwo()).isTrue();
    assertThat(release.formatOf("layers.0.ffn.experts.3.w1.weight")).contains(WeightFormat.MXFP4);
    assertThat(release.formatOf("layers.0.ffn.shared_experts.w1.weight")).contains(powers);
    assertThat(read("{\"expert_dtype\": \"fp4\", " + fp8 + "}", false)).isEqualTo(release);
    String inside = fp8.replace("}", ", \"expert_dtype\": \"fp4\"}");
    assertThat(read("{" + inside + "}", false)).isEqualTo(release);
    assertThat(formats(read("{\"expert_dtype\": \"fp8\", " + fp8 + "}", true)))
        .containsExactly(Scheme.fp8(128, 128));
    assertThatThrownBy(() -> read("{\"expert_dtype\": \"fp8\", " + inside + "}", true))
        .hasMessageEndingWith(
            "quantization_config.expert_dtype: expected \"fp8\", as expert_dtype says, found"
                + " \"fp4\"");
  }

  @Test
  void nvidiasConversionOfDeepSeekV4HasThreeFormats() {
    QuantizationConfig c =
        read(
            "{\"expert_dtype\": \"fp4\", \"quantization_config\": {\"quant_method\": \"fp8\","
                + " \"scale_fmt\": \"ue8m0\", \"weight_block_size\": [128, 128],"
                + " \"moe_quant_algo\": \"NVFP4\", \"ignore\": [\"*.attn.*\", \"mtp.0*\"]}}",
            true);
    assertThat(c.formatOf("layers.0.ffn.experts.3.w1.weight")).contains(WeightFormat.NVFP4);
    assertThat(c.formatOf("mtp.0.ffn.experts.3.w1.weight")).contains(WeightFormat.MXFP4);
    assertThat(c.formatOf("layers.0.attn.wq_a.weight").get().label()).isEqualTo("e4m3 128x128");
  }

  @Test
  void glmHasAScaleForEachRow() {
    QuantizationConfig c = quantized(GROUP);
    assertThat(c.formatOf("model.layers.0.mlp.up_proj.weight")).contains(Scheme.CHANNEL);
    assertThat(c.formatOf("lm_head.weight")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'num_bits': 8, 'type': 'float', 'strategy': 'tensor' | e4m3 allxall",
        "'num_bits': 8, 'type': 'float', 'strategy': 'block', 'block_structure': [64, 32]"
            + " | e4m3 64x32",
        "'num_bits': 8, 'type': 'float', 'strategy': 'group', 'group_size': 32 | mxfp8",
        "'num_bits': 8, 'type': 'float', 'strategy': 'group', 'group_size': 64 | e4m3 1x64",
        "'num_bits': 4, 'type': 'float', 'strategy': 'group', 'group_size': 32 | mxfp4",
        "'num_bits': 4, 'type': 'float', 'strategy': 'tensor_group', 'group_size': 16 | nvfp4",
      })
  void groupsOfCompressedTensorsTellTheFormat(String weights, String label) {
    String config =
        "{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"g\": {\"targets\":"
            + " [\"Linear\"], \"input_activations\": null, \"weights\": {"
            + weights.replace('\'', '"')
            + "}}, \"cache\": {\"weights\": null}}}";
    assertThat(formats(quantized(config))).extracting(WeightFormat::label).containsExactly(label);
  }

  @ParameterizedTest
  @CsvSource({
    "FP8, e4m3 allxall",
    "FP8_PER_CHANNEL_PER_TOKEN, e4m3 1xall",
    "FP8_PB_WO, e4m3 128x128",
    "MXFP8, mxfp8",
    "NVFP4, nvfp4",
    "W4A16_NVFP4, nvfp4"
  })
  void modelOptTellsTheFormatInEitherFile(String algo, String label) throws IOException {
    String config = "\"quant_algo\": \"" + algo + "\"}";
    assertThat(formats(quantized("{\"quant_method\": \"modelopt\", " + config)))
        .extracting(WeightFormat::label)
        .containsExactly(label);
    modelOpt("{\"exclude_modules\": [\"*head*\"], " + config);
    QuantizationConfig beside = read("{}", false);
    assertThat(formats(beside)).extracting(WeightFormat::label).containsExactly(label);
    assertThat(beside.formatOf("lm_head.weight")).isEmpty();
  }

  @Test
  void mixedPrecisionTellsTheFormatOfEachModule() throws IOException {
    modelOpt(
        "{\"quant_algo\": \"MIXED_PRECISION\", \"quantized_layers\": {\"a.q\": {\"quant_algo\":"
            + " \"FP8\"}, \"a.mlp\": {\"quant_algo\": \"NVFP4\", \"group_size\": 16}}}");
    QuantizationConfig c = read("{}", false);
    assertThat(c.formatOf("a.q.weight")).contains(Scheme.TENSOR);
    assertThat(c.formatOf("a.mlp.experts.7.up_proj.weight")).contains(WeightFormat.NVFP4);
    assertThat(c.formatOf("a.quiet.weight")).isEmpty();
  }

  @Test
  void aCacheOfFewBitsAloneLeavesTheWeightsAsTheyAre() throws IOException {
    modelOpt("{\"quant_algo\": null, \"kv_cache_quant_algo\": \"FP8\"}");
    assertThat(read("{}", false).schemes()).isEmpty();
  }

  @Test
  void twoFilesThatDisagreeAreRefused() throws IOException {
    modelOpt("{\"quant_algo\": \"FP8\"}");
    assertThatThrownBy(
            () -> quantized("{\"quant_method\": \"modelopt\", \"quant_algo\": \"NVFP4\"}"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageEndingWith(
            "quantization_config.quant_algo: expected \"FP8\", as hf_quant_config.json says, found"
                + " \"NVFP4\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'quant_method': 'awq' | quant_method: expected one of fp8, mxfp8, compressed-tensors,"
            + " modelopt, found \"awq\"",
        "'bits': 4 | quant_method: expected one of fp8, mxfp8, compressed-tensors, modelopt, found"
            + " no such field",
        "'quant_method': 'fp8', 'fmt': 'e3m4' | fmt: expected one of e4m3, e5m2, found \"e3m4\"",
        "'quant_method': 'fp8', 'weight_block_size': [128] | weight_block_size: expected the rows"
            + " and the columns of a block, found [128]",
        "'quant_method': 'fp8', 'weight_block_size': [0, 128] | weight_block_size: expected the"
            + " rows and the columns of a block, found [0,128]",
        "'quant_method': 'fp8', 'moe_quant_algo': 'W4A8' | moe_quant_algo: expected NVFP4, found"
            + " \"W4A8\"",
        "'quant_method': 'fp8', 'expert_dtype': 'int4' | expert_dtype: expected one of fp4, fp8,"
            + " found \"int4\"",
        "'quant_method': 'mxfp8', 'weight_block_size': [1, 16] | weight_block_size: expected [1,"
            + " 32] with quant_method mxfp8, found [1,16]",
        "'quant_method': 'modelopt', 'quant_algo': 'NVFP4_AWQ' | quant_algo: expected one of FP8,"
            + " FP8_PER_CHANNEL_PER_TOKEN, FP8_PB_WO, MXFP8, NVFP4, W4A16_NVFP4, MIXED_PRECISION,"
            + " found \"NVFP4_AWQ\"",
        "'quant_method': 'modelopt', 'quant_algo': 'NVFP4', 'group_size': 32 | group_size: expected"
            + " 16 with quant_algo NVFP4, found 32",
        "'quant_method': 'compressed-tensors', 'format': 'pack-quantized' | format: expected one of"
            + " float-quantized, naive-quantized, mxfp8-quantized, mxfp4-pack-quantized,"
            + " nvfp4-pack-quantized, mixed-precision, found \"pack-quantized\"",
        "'quant_method': 'compressed-tensors', 'sparsity_config': {'format': 'sparse-24-bitmask'} |"
            + " sparsity_config: expected none, found {\"format\":\"sparse-24-bitmask\"}",
        "'quant_method': 'compressed-tensors', 'transform_config': {'a': 1} | transform_config:"
            + " expected none, found {\"a\":1}",
        "'quant_method': 'compressed-tensors', 'config_groups': {'g': {'targets': ['re:('],"
            + " 'weights': {'num_bits': 8, 'type': 'float', 'strategy': 'tensor'}}} |"
            + " config_groups.g.targets: expected regular expressions after re:, found [\"re:(\"]",
        "'quant_method': 'compressed-tensors', 'config_groups': {'g': {'weights': {'num_bits': 8,"
            + " 'type': 'int'}}} | config_groups.g.weights.type: expected float, found \"int\"",
        "'quant_method': 'compressed-tensors', 'config_groups': {'g': {'weights': {'num_bits': 8,"
            + " 'type': 'float', 'symmetric': false}}} | config_groups.g.weights.symmetric:"
            + " expected true, found false",
        "'quant_method': 'compressed-tensors', 'config_groups': {'g': {'weights': {'num_bits': 3,"
            + " 'type': 'float'}}} | config_groups.g.weights.num_bits: expected 8 or 4, found 3",
        "'quant_method': 'compressed-tensors', 'config_groups': {'g': {'weights': {'num_bits': 4,"
            + " 'type': 'float', 'strategy': 'group', 'group_size': 128}}} |"
            + " config_groups.g.weights.group_size: expected 32 with strategy group, found 128"
      })
  void whatIsNotUnderstoodIsRefusedByName(String fields, String message) {
    assertThatThrownBy(() -> quantized("{" + fields.replace('\'', '"') + "}"))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(directory.resolve("config.json") + ": quantization_config." + message);
  }

  @Test
  void aPatternThatWouldNeverEndIsRefused() {
    String config = GROUP.replace("lm_head", "re:(.*a){20}c");
    assertThatThrownBy(() -> quantized(config).formatOf("a".repeat(60) + "b.weight"))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("lists of modules: expected patterns that are quickly compared");
  }
}
