package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.FloatModel;

/** {@code orrery quantize}, called as a user calls it. */
class QuantizeCommandTest {
  @TempDir private Path directory;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private String model() {
    return FloatModel.write(FloatModel.of(FloatModel.GLM, 5), directory.resolve("model"))
        .toString();
  }

  private int run(String... args) {
    String[] all = Stream.concat(Stream.of("quantize"), Arrays.stream(args)).toArray(String[]::new);
    return Main.run(new PrintWriter(out), new PrintWriter(err), all);
  }

  private String at(String name) {
    return directory.resolve(name).toString();
  }

  @Test
  void theTablesShowEveryKindOfMatrixAndWhatTheLogitsBecame() {
    assertThat(run("-m", model(), "--format", "mxfp4", "--out", at("out")))
        .as(err.toString())
        .isZero();
    assertThat(out.toString())
        .contains("model as mxfp4: ")
        .containsPattern(
            "mlp\\.experts\\.\\*\\.up_proj\\.weight \\[32, 64\\] +8  E2M1, E8M0 of 1 x 32 +8,704"
                + " +4\\.250 ")
        .containsPattern("(?m)^all +\\d+ ")
        .containsPattern("whole checkpoint: [\\d,]+ bytes, were [\\d,]+ \\(\\d+\\.\\d %\\)")
        .containsPattern("(?m)^random tokens +1,024 .* - +-$")
        .containsPattern("(?m)^all +1,024 ");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void everyMatrixIsListedIfAskedFor() {
    assertThat(
            run(
                "-m",
                model(),
                "--experts",
                "nvfp4",
                "--out",
                at("out"),
                "--tensors",
                "--compare",
                "off"))
        .isZero();
    assertThat(out.toString())
        .contains(
            "model as experts nvfp4: ", "model.layers.1.mlp.experts.3.up_proj.weight [32, 64]")
        .doesNotContain("after every token", "o_proj");
  }

  @Test
  void theReportIsALineOfJsonForEachMatrixAndKindOfText() throws IOException {
    Path report = directory.resolve("report.jsonl");
    assertThat(
            run(
                "-m",
                model(),
                "--format",
                "fp8",
                "--out",
                at("out"),
                "--report",
                report.toString()))
        .isZero();
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(report)) {
      lines.add(new JsonMapper().readTree(line));
    }
    List<JsonNode> matrices = lines.stream().filter(l -> l.has("tensor")).toList();
    long bytes = matrices.stream().mapToLong(m -> m.get("bytes").asLong()).sum();
    assertThat(matrices).hasSizeGreaterThan(30);
    assertThat(out.toString()).contains(String.format("%,d", bytes));
    assertThat(lines.stream().filter(l -> l.has("bytes_before") && !l.has("tensor"))).hasSize(1);
    assertThat(lines.stream().filter(l -> l.has("text")).map(l -> l.get("text").textValue()))
        .containsExactly("random tokens", "all");
    assertThat(lines.getLast().get("kl").asDouble()).isBetween(1e-7, 1.0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--format fp9 | --format: expected fp8, fp8-channel, mxfp8, mxfp4, nvfp4, v4, found fp9",
        "--experts fp8 | --experts: expected mxfp4, nvfp4, found fp8",
        "--compare on | --format: expected fp8, fp8-channel, mxfp8, mxfp4, nvfp4, v4, or experts"
            + " in",
        "--format fp8 --experts mxfp4 | --format: expected fp8-channel or none beside experts in",
        "--format v4 | --format: expected a model whose releases have FP4 experts (expert_dtype)",
        "--format fp8 --compare maybe | --compare"
      })
  void aMistakeOnTheCommandLineNamesItsFlag(String flags, String message) {
    String[] args = (flags + " --out " + at("out") + " -m " + model()).split(" ");
    assertThat(run(args)).isEqualTo(2);
    assertThat(err.toString()).contains(message).doesNotContain("bug of Orrery");
    assertThat(directory.resolve("out")).doesNotExist();
  }

  @Test
  void theOutputNeverReplacesAnything() throws IOException {
    String model = model();
    Path precious = Files.createDirectories(directory.resolve("out")).resolve("precious");
    Files.writeString(precious, "text");
    assertThat(run("-m", model, "--format", "fp8", "--out", at("out"))).isEqualTo(1);
    assertThat(err.toString()).contains("expected a new or empty directory, found files in it");
    assertThat(run("-m", model, "--format", "fp8", "--out", model)).isEqualTo(1);
    assertThat(run("-m", model, "--format", "fp8", "--out", precious.toString())).isEqualTo(1);
    assertThat(err.toString()).contains("expected a new or empty directory, found a file");
    assertThat(precious).hasContent("text");
    assertThat(run("-m", model, "--format", "fp8", "--out", at("new"), "--report", model + "/r"))
        .isEqualTo(2);
    assertThat(directory.resolve("new")).doesNotExist();
  }

  @Test
  void aModelThatIsQuantisedAlreadyAndOneThatIsNotThereAreRefused() {
    String quantised = FloatModel.GLM.toString();
    assertThat(run("-m", quantised, "--format", "fp8", "--out", at("out"))).isEqualTo(1);
    assertThat(err.toString())
        .contains("quantization_config: expected none: a model that is not quantised yet");
    assertThat(run("-m", at("nothing"), "--format", "fp8", "--out", at("out"))).isEqualTo(1);
    assertThat(err.toString()).contains(at("nothing"));
    assertThat(directory.resolve("out")).doesNotExist();
  }

  @Test
  void flagsOfAComparisonThatIsOffAreNamed() {
    assertThat(
            run(
                "-m",
                model(),
                "--format",
                "fp8",
                "--out",
                at("out"),
                "--compare",
                "off",
                "--threads",
                "2"))
        .isZero();
    assertThat(err.toString()).contains("--threads").contains("--compare off");
  }
}
