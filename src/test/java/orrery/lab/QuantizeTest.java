package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.Dequantised;
import orrery.EditedModel;
import orrery.EditedModel.Values;
import orrery.FloatModel;
import orrery.TinyModels;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.quantization.layouts.Layout;
import orrery.quantization.layouts.Layouts;

class QuantizeTest {
  private static final Quantize.Progress SILENT = (done, of) -> {};

  @TempDir private Path directory;

  private Path model(Path shapes) {
    return FloatModel.write(FloatModel.of(shapes, 7), directory.resolve("model"));
  }

  private Quantize.Report quantize(Path model, String format, String experts) {
    Layout layout = Layouts.of(format, experts);
    return Quantize.write(model, layout, directory.resolve("out"), SILENT);
  }

  private Path dump(Path model) {
    Path file = directory.resolve(model.getFileName() + ".dump");
    try (LoadedModel loaded = LoadedModel.load(model)) {
      int[] ids = IntStream.range(1, 40).toArray();
      TensorDump.write(loaded, EngineOptions.defaults(), ids, 3, file);
    }
    return file;
  }

  @ParameterizedTest
  @CsvSource({
    "glm, fp8,",
    "glm, fp8-channel,",
    "glm, mxfp8,",
    "glm, mxfp4,",
    "glm, nvfp4,",
    "glm, fp8-channel, mxfp4",
    "glm, fp8-channel, nvfp4",
    "glm, , mxfp4",
    "glm, , nvfp4",
    "v4, fp8,",
    "v4, fp8-channel,",
    "v4, v4,",
    "v4, , mxfp4",
    "v4, , nvfp4"
  })
  void everyLayoutComputesTheBitsOfItsDecodedFloats(String which, String format, String experts)
      throws IOException {
    Path model = model(which.equals("v4") ? FloatModel.V4 : FloatModel.GLM);
    quantize(model, format, experts);
    Path out = directory.resolve("out");
    Path floats = FloatModel.write(Dequantised.of(out), directory.resolve("floats"));
    assertThat(Files.mismatch(dump(out), dump(floats)))
        .as("first byte at which logits, streams, routes or MTP logits differ")
        .isEqualTo(-1);
    assertThat(Files.mismatch(dump(out), dump(model)))
        .as("quantising costs something")
        .isNotNegative();
  }

  @ParameterizedTest
  @CsvSource({"fp8,", "fp8-channel,", "mxfp8,", "mxfp4,", "nvfp4,", "fp8-channel, mxfp4"})
  void theReportSaysWhatAnIndependentReaderFinds(String format, String experts) throws IOException {
    Path model = model(FloatModel.GLM);
    Quantize.Report report = quantize(model, format, experts);
    Path out = directory.resolve("out");
    EditedModel before = EditedModel.of(model);
    EditedModel decoded = Dequantised.of(out);
    EditedModel after = EditedModel.of(out);
    assertThat(report.bytes()).isEqualTo(bytes(after));
    assertThat(report.bytesBefore()).isEqualTo(bytes(before));
    for (QuantizedMatrix m : report.matrices()) {
      float[] w = before.tensors.get(m.tensor()).floats();
      float[] coded = decoded.tensors.get(m.tensor()).floats();
      double[] rows = new double[m.out()]; // relative error of each
      double error = 0;
      double squares = 0;
      for (int o = 0; o < m.out(); o++) {
        double e = 0;
        double s = 0;
        for (int k = o * m.in(); k < (o + 1) * m.in(); k++) {
          e += Math.pow((double) coded[k] - w[k], 2);
          s += Math.pow(w[k], 2);
        }
        rows[o] = Math.sqrt(e / s);
        error += e;
        squares += s;
      }
      assertThat(m.error()).as(m.tensor()).isCloseTo(Math.sqrt(error / squares), within(1e-12));
      assertThat(m.worstRowError()).isEqualTo(rows[m.worstRow()], within(1e-12));
      assertThat(Arrays.stream(rows).max().orElseThrow())
          .as("no row is worse")
          .isEqualTo(m.worstRowError(), within(1e-12));
      String module = m.tensor().substring(0, m.tensor().length() - "weight".length());
      long stored =
          after.tensors.keySet().stream()
              .filter(name -> name.startsWith(module))
              .filter(name -> name.substring(module.length()).contains("weight"))
              .mapToLong(name -> bytes(after.tensors.get(name)))
              .sum();
      assertThat(m.bytes()).as(m.tensor()).isEqualTo(stored);
    }
  }

  private static long bytes(EditedModel model) {
    return model.tensors.values().stream().mapToLong(QuantizeTest::bytes).sum();
  }

  private static long bytes(Values v) {
    long elements = 1;
    for (long size : v.shape()) {
      elements *= size;
    }
    return elements * v.dtype().bytes();
  }

  /** What real releases have in few bits (GLM-4.5-Air-FP8, DeepSeek-V4-Flash). */
  @ParameterizedTest
  @CsvSource({"glm, fp8-channel", "v4, v4"})
  void embeddingHeadNormsRouterAndWhatElseReleasesKeepAreCopiedByteForByte(
      String which, String format) {
    Path model = model(which.equals("v4") ? FloatModel.V4 : FloatModel.GLM);
    Quantize.Report report = quantize(model, format, null);
    EditedModel before = EditedModel.of(model);
    EditedModel after = EditedModel.of(directory.resolve("out"));
    List<String> changed = report.matrices().stream().map(QuantizedMatrix::tensor).toList();
    assertThat(new TreeSet<>(changed)).isEqualTo(coded(which));
    before.tensors.forEach(
        (name, v) -> {
          if (!changed.contains(name)) {
            assertThat(after.tensors.get(name)).as(name).usingRecursiveComparison().isEqualTo(v);
          }
        });
  }

  /** The matrices that are codes in the shipped model of the same shapes, made by others. */
  private static TreeSet<String> coded(String which) {
    TreeSet<String> names = new TreeSet<>();
    EditedModel.of(which.equals("v4") ? FloatModel.V4 : FloatModel.GLM)
        .tensors
        .forEach(
            (name, v) -> {
              if (v.dtype().bytes() == 1 && name.matches(".*\\.weight(_packed)?")) {
                names.add(name.replace("weight_packed", "weight"));
              }
            });
    assertThat(names).hasSizeGreaterThan(20);
    return names;
  }

  @Test
  void queriesKeysAndValuesShareATensorScaleAndSoDoGateAndUp() {
    Path model = model(FloatModel.GLM);
    quantize(model, "nvfp4", null);
    EditedModel before = EditedModel.of(model);
    EditedModel after = EditedModel.of(directory.resolve("out"));
    for (List<String> fused :
        List.of(
            List.of("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
            List.of("mlp.gate_proj", "mlp.up_proj"))) {
      float amax = 0;
      for (String part : fused) {
        for (float w : before.tensors.get("model.layers.0." + part + ".weight").floats()) {
          amax = Math.max(amax, Math.abs(w));
        }
      }
      for (String part : fused) {
        String name = "model.layers.0." + part + ".weight_global_scale";
        assertThat(after.tensors.get(name).floats()).as(name).containsExactly(2688 / amax);
      }
    }
  }

  @Test
  void theConfigIsTheModelsAndOneFieldMore() throws IOException {
    Path model = model(FloatModel.GLM);
    String config = Files.readString(model.resolve("config.json"));
    config = config.replaceFirst("\\{", "{ \"limit\":  -Infinity, \"x\": {\"a\" :1 },");
    Files.writeString(model.resolve("config.json"), config + "\n");
    quantize(model, "fp8-channel", null);
    String written = Files.readString(directory.resolve("out/config.json"));
    int end = config.lastIndexOf('}');
    assertThat(written).startsWith(config.substring(0, end).stripTrailing()).endsWith("\n}\n");
    assertThat(written.substring(end)).contains("\"quantization_config\": {");
    JsonNode quantization = json(written.replace("-Infinity", "0")).get("quantization_config");
    assertThat(quantization.get("format").textValue()).isEqualTo("float-quantized");
    assertThat(quantization.get("ignore").toString())
        .contains("\"lm_head\"", "\"model.layers.1.mlp.gate\"", "\"model.layers.2.eh_proj\"")
        .contains("\"model.layers.1.mlp.gate.e_score_correction_bias\"")
        .doesNotContain("up_proj", "q_proj\"");
  }

  private static JsonNode json(String text) throws IOException {
    return new JsonMapper().readTree(text);
  }

  @Test
  void aFieldThatIsNullGetsTheValue() throws IOException {
    Path model = model(FloatModel.GLM);
    EditedModel edited = EditedModel.of(model);
    edited.config.putNull("quantization_config");
    edited.writeTo(model);
    quantize(model, "fp8", null);
    String written = Files.readString(directory.resolve("out/config.json"));
    assertThat(written.split("quantization_config")).hasSize(2);
    assertThat(json(written).get("quantization_config").get("weight_block_size").toString())
        .isEqualTo("[128,128]");
    dump(directory.resolve("out"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16"})
  void otherFloatsAreQuantisedFromTheirExactValuesAndTheRestKeepsItsType(String type) {
    Path model = model(FloatModel.GLM);
    EditedModel edited = EditedModel.of(model);
    edited.tensors.replaceAll(
        (name, v) ->
            v.dtype() == DType.BF16
                ? new Values(DType.valueOf(type), v.shape(), v.floats(), null)
                : v);
    edited.writeTo(model);
    quantize(model, "mxfp8", null);
    EditedModel after = EditedModel.of(directory.resolve("out"));
    assertThat(after.tensors.get("model.embed_tokens.weight").dtype().name()).isEqualTo(type);
    dump(directory.resolve("out"));
  }

  @Test
  void tokenizerAndTextsComeAlongAndWhatSpeaksOfTheOldModelDoesNot() throws IOException {
    Path model = model(FloatModel.GLM);
    for (String name : List.of("LICENSE", "heldout.jsonl", "README.md", "evaluation.json")) {
      Files.writeString(model.resolve(name), name);
    }
    Files.writeString(model.resolve("extra.safetensors"), "not read");
    Files.createDirectory(model.resolve("more"));
    quantize(model, "fp8", null);
    try (Stream<Path> files = Files.list(directory.resolve("out"))) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "config.json", "model.safetensors", "LICENSE", "heldout.jsonl");
    }
  }

  @Test
  void aModelThatIsQuantisedAlreadyIsRefused() throws IOException {
    for (Path model : List.of(FloatModel.GLM, FloatModel.V4)) {
      assertThatThrownBy(() -> quantize(model, "fp8", null))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("expected none: a model that is not quantised yet, found");
    }
    Path model = model(FloatModel.GLM);
    Files.writeString(model.resolve("hf_quant_config.json"), "{}");
    assertThatThrownBy(() -> quantize(model, "fp8", null))
        .hasMessageContaining("hf_quant_config.json: file: expected none");
    Files.delete(model.resolve("hf_quant_config.json"));
    EditedModel codes = EditedModel.of(model);
    codes.tensors.put("lm_head.weight", Values.codes(DType.F8_E4M3, new byte[67 * 64], 67, 64));
    codes.writeTo(model);
    assertThatThrownBy(() -> quantize(model, "fp8", null))
        .hasMessageContaining("tensor lm_head.weight: expected floats or indices, found codes");
    assertThat(directory.resolve("out")).doesNotExist();
  }

  @Test
  void columnsThatFillNoGroupAreRefusedByTensor() {
    for (String format : List.of("mxfp8", "mxfp4", "nvfp4")) {
      assertThatThrownBy(() -> quantize(TinyModels.speck("mtp"), format, null))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(
              "tensor model.layers.0.mlp.down_proj.weight: expected a multiple of")
          .hasMessageEndingWith("codes share a scale, found 18 columns");
    }
    assertThat(directory).as("nothing was written").isEmptyDirectory();
  }

  @Test
  void aWeightThatIsNoNumberIsRefusedByItsPlaceAndLeavesNothing() {
    Path model = model(FloatModel.GLM);
    EditedModel edited = EditedModel.of(model);
    edited.tensors.get("model.layers.1.self_attn.q_proj.weight").floats()[2 * 64 + 5] = Float.NaN;
    edited.writeTo(model);
    for (String format : List.of("fp8", "nvfp4")) {
      assertThatThrownBy(() -> quantize(model, format, null))
          .isInstanceOf(CheckpointException.class)
          .hasMessage(
              model.resolve("model.safetensors")
                  + ": tensor model.layers.1.self_attn.q_proj.weight at [2, 5]: expected a finite"
                  + " weight, found NaN");
      assertThat(directory.resolve("out")).doesNotExist();
    }
  }

  @Test
  void expertsInOneTensorAreRefusedWithTheNamesThatReleasesHave() {
    EditedModel edited = new EditedModel(EditedModel.of(TinyModels.speck("v4-one")).config);
    edited.tensors.put(
        "model.layers.0.mlp.experts.down_proj",
        new Values(DType.F32, new long[] {2, 32, 32}, new float[2 * 32 * 32], null));
    Path stacked = FloatModel.write(edited, directory.resolve("model"));
    assertThatThrownBy(() -> quantize(stacked, "v4", null))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected matrices named as in the architecture's release, such as");
  }

  @Test
  void aDirectoryWithFilesIsLeftAlone() throws IOException {
    Path out = Files.createDirectories(directory.resolve("out"));
    Files.writeString(out.resolve("precious"), "text");
    assertThatThrownBy(() -> quantize(TinyModels.speck("mtp"), "fp8", null))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(
            out + ": cannot be written: expected a new or empty directory, found files in it");
    assertThat(out).isDirectoryContaining(p -> p.endsWith("precious"));
    assertThat(out.resolve("config.json")).doesNotExist();
  }

  @Test
  void aDiskWithoutRoomIsSeenBeforeAnythingIsComputed() {
    assertThatThrownBy(() -> NewDirectory.require(directory.resolve("a/b"), "it", Long.MAX_VALUE))
        .isInstanceOf(IOException.class)
        .hasMessageMatching("it takes .* GiB, and the disk has .* left");
  }

  @Test
  void anInterruptedConversionLeavesNothing() {
    Path model = model(FloatModel.GLM);
    Path out = directory.resolve("a/b/out");
    Quantize.Progress stop = (done, of) -> Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> Quantize.write(model, Layouts.of("fp8", null), out, stop))
          .isInstanceOf(CancellationException.class);
      Quantize.Progress late =
          (done, of) -> {
            if (done == of) { // now the file is written
              Thread.currentThread().interrupt();
            }
          };
      Thread.interrupted();
      assertThatThrownBy(() -> Quantize.write(model, Layouts.of("fp8", null), out, late))
          .hasMessageContaining("interrupted");
    } finally {
      Thread.interrupted();
    }
    assertThat(directory.resolve("a")).doesNotExist();
  }

  @Test
  void theSameModelGivesTheSameBytes() throws IOException {
    Path model = model(FloatModel.V4);
    Quantize.write(model, Layouts.of("v4", null), directory.resolve("one"), SILENT);
    Quantize.write(model, Layouts.of("v4", null), directory.resolve("two"), SILENT);
    for (String file : List.of("model.safetensors", "config.json")) {
      assertThat(
              Files.mismatch(
                  directory.resolve("one").resolve(file), directory.resolve("two").resolve(file)))
          .isEqualTo(-1);
    }
    try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("one"))) {
      assertThat(checkpoint.notices()).isEmpty();
    }
  }
}
