package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.TinyModels;
import picocli.CommandLine;

class InspectCommandTest {
  private static String inspect(String... args) {
    StringWriter out = new StringWriter();
    CommandLine line = new CommandLine(new InspectCommand());
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(out));
    assertThat(line.execute(args)).as(out.toString()).isZero();
    return out.toString();
  }

  @Test
  void theProgramListsTheStepAndTheMtpLayerInLaunchOrder() {
    String listing = inspect("-m", "tiny-models/speck-mtp", "--program", "--fusion", "off");
    assertThat(listing)
        .containsSubsequence(
            "program of a step",
            "  0  x[40] = embedding",
            "cache[slot] = k[16], v[16]",
            "mixed[16] = attention q[16]",
            "topkIds, topkWeights = top 2 of sigmoid",
            "last[40] = hidden[40] [logit rows]",
            "logits[97] =",
            "program of the MTP layer",
            "mtpPair[80] = h[40] | out[40]",
            "mtpLogits[97] =",
            "program of a chain of drafts",
            "mtpPair[80] = h[40] | out[40]",
            "mtpLogits[97] =",
            "token = guess of mtpLogits[97], mtpInput = mtpHidden[40]",
            "mtpPair[80] = h[40] | out[40]",
            "mtpLogits[97] =",
            "token = guess of mtpLogits[97], mtpInput = mtpHidden[40]");
  }

  @Test
  void forSeveralThreadsTheProgramSaysWhereWorkIsHandedOver() {
    String listing =
        inspect(
            ("-m tiny-models/storyteller-moe --program --fusion off --rows 8 --threads 2")
                .split(" "));
    assertThat(listing)
        .containsSubsequence(
            "program of a step, 164 ops, 8 rows, 2 threads: 27 hand-overs in place of 75:",
            "2 threads",
            "  0  x[192] = embedding",
            "  9  cache[slot] = k[64], v[64]",
            "2 threads",
            " 10  mixed[192] = attention",
            "caller alone",
            "group rows by expert",
            "2 threads",
            "rows by expert]",
            "program of a chain of drafts");
    long handOvers =
        listing
            .lines()
            .takeWhile(line -> !line.contains("MTP rows"))
            .filter("2 threads"::equals)
            .count();
    assertThat(handOvers).isEqualTo(27);
  }

  @Test
  void aFusedProgramHasFewOpsAndHandOversAndSaysWhatEachRuleDid() {
    String listing =
        inspect("-m tiny-models/storyteller-moe --program --rows 8 --threads 2".split(" "));
    assertThat(listing)
        .containsSubsequence(
            "program of a step, 60 ops, 8 rows, 2 threads: 31 hand-overs in place of 41:",
            "x[192] += sum of weight * 16 experts",
            "fused from 164 ops:",
            "q + k + v, bias, norm, rope, write ",
            " 6 times, 164 -> 122 ops; not used any more: k[64], v[64]",
            "head + highest logit",
            " 1 times,  68 ->  67 ops",
            "norm into product",
            "program of the MTP layer");
  }

  @Test
  void impossibleRowsAndThreadsAreRefused() {
    assertThatThrownBy(() -> ProgramListing.require(0, 1))
        .hasMessage("rows: expected 1 to 4096, found 0");
    assertThatThrownBy(() -> ProgramListing.require(1, 257))
        .hasMessage("threads: expected 1 to 256, found 257");
  }

  @Test
  void aModelWithoutMtpHasNoMtpProgram() {
    assertThat(inspect("--model", "tiny-models/speck-bias", "--program"))
        .contains("program of a step")
        .doesNotContain("program of the MTP layer")
        .doesNotContain("chain of drafts");
  }

  @Test
  void everyNoticeOfLoadingIsOneLine(@TempDir Path directory) throws IOException {
    EditedModel.of(TinyModels.speck("bias")).writeTo(directory);
    Path file = directory.resolve("extra.safetensors");
    Files.copy(directory.resolve("model.safetensors"), file);
    assertThat(inspect("--model", directory.toString()).lines().findFirst())
        .contains(
            "inspect: note: "
                + file
                + ": not read, because without model.safetensors.index.json only"
                + " model.safetensors counts");
    assertThat(inspect("--model", "tiny-models/speck-bias")).doesNotContain("note:");
  }

  @Test
  void withEntriesOnTheHostTheProgramFetchesThemBeforeAttentionReadsThem() {
    String[] args = "-m tiny-models/storyteller-v4 --program --enable-hisparse".split(" ");
    assertThat(inspect(args))
        .containsSubsequence(
            "selected[32] = top 32 of",
            "places[32] = places of selected[32] of layers.1.compressed in 32 x 64 slots",
            "of layers.1.compressed at places[32]");
    String[] few = Arrays.copyOf(args, args.length + 2);
    few[args.length] = "--hisparse-config";
    few[args.length + 1] = "{\"device_buffer_size\": 40}";
    assertThat(inspect(few)).contains("in 32 x 40 slots").doesNotContain("x 64 slots");
    assertThat(inspect(Arrays.copyOf(args, 3))).doesNotContain("places");
  }

  @Test
  void aConfigTellsTheMemoryOfEntriesOnTheHost() {
    assertThat(inspect("--config", "tiny-models/storyteller-v4/config.json", "--enable-hisparse"))
        .containsSubsequence(
            "memory of an engine with default options but --enable-hisparse:",
            "entries on the host of a KV cache of",
            "device buffers of 64 entries in each layer with an indexer");
  }

  @Test
  void flagsOfEntriesOnTheHostThatChangeNothingAreNamed() {
    assertThat(inspect("-m", "tiny-models/speck-mtp", "--enable-hisparse"))
        .contains("--enable-hisparse has no effect without --program or --config");
    assertThat(
            inspect(
                "--config",
                "tiny-models/speck-mtp/config.json",
                "--hisparse-config",
                "{\"device_buffer_size\": 40}"))
        .contains("--hisparse-config has no effect without --enable-hisparse");
  }

  @Test
  void withoutTheFlagNoProgramIsListed() {
    assertThat(inspect("--model", "tiny-models/speck-mtp")).doesNotContain("program");
  }

  @Test
  void aConfigAloneGivesTheTableOfTheLoadedModel() {
    String loaded = inspect("--model", "tiny-models/speck-trained");
    String told = inspect("--config", "tiny-models/speck-trained/config.json");
    List<String> table = loaded.lines().skip(1).filter(l -> !l.startsWith("tokenizer")).toList();
    assertThat(table).hasSizeGreaterThan(12);
    assertThat(told.lines().skip(1).limit(table.size())).isEqualTo(table);
  }

  @Test
  void everyFormatHasItsBitsAWeight() {
    String mixed = "tiny-models/quantised/glm-ct-mixed";
    assertThat(inspect("--model", mixed, "--tensors"))
        .containsSubsequence(
            "model.layers.0.mlp.down_proj.weight",
            "E4M3, BF16 scales [64, 1]: 8.167 bits a weight, 0.167 of them scales",
            "model.layers.1.mlp.experts.0.up_proj.weight_packed",
            "E2M1, U8 scales [32, 2]: 4.250 bits a weight, 0.250 of them scales",
            "stored as                             parameters       bits each         of scales",
            "bf16                                      17,280          16.000             0.000",
            "e4m3 1xall                                79,872           8.237             0.237",
            "mxfp4                                     49,152           4.250             0.250",
            "all                                      147,432           8.000             0.212");
    assertThat(inspect("--model", "tiny-models/speck-mtp", "--tensors"))
        .doesNotContain("bits a weight")
        .doesNotContain("stored as");
  }

  /** The config does not tell the type of FP8's scales, so bits are not compared. */
  @Test
  void aConfigAloneTellsTheFormatsOfTheLoadedModel() {
    assertThat(TinyModels.quantised()).hasSizeGreaterThan(12);
    for (Path model : TinyModels.quantised()) {
      String loaded = inspect("--model", model.toString());
      String told = inspect("--config", model + "/config.json");
      // No config announces an MTP layer's own head, nor that a group of o_proj begins in a block.
      if (!loaded.contains("mtp head") && !loaded.matches("(?s).*(all|1)x(128|32).*")) {
        assertThat(formats(told)).as("%s", model).isEqualTo(formats(loaded)).hasSizeGreaterThan(2);
      }
    }
  }

  private static List<String> formats(String inspected) {
    return inspected
        .lines()
        .dropWhile(line -> !line.startsWith("stored as"))
        .takeWhile(line -> !line.isEmpty())
        .map(line -> line.substring(0, 48)) // format and parameters
        .toList();
  }

  @Test
  void aConfigOfAnySizeNeedsNoWeights(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("large.json");
    Files.copy(Path.of("docs/examples/glm-4.5.json"), file);
    assertThat(inspect("--config", file.toString()))
        .startsWith(file + "  glm4_moe, 92 layers + 1 MTP layer, hidden 5120")
        .containsSubsequence(
            "experts (8 of 160 active)",
            "335,963,750,400  16,798,187,520",
            "356,785,898,816  32,856,325,024",
            "KV cache: 184 streams, 753,664 bytes a token",
            "664.6 GiB  weights",
            "92.0 GiB  a KV cache of 131,088 tokens",
            "758.0 GiB  all");
  }

  @Test
  void flagsThatNeedAModelHaveNoEffectBesideAConfig() {
    String config = "tiny-models/speck-mtp/config.json";
    assertThat(inspect("--config", config, "-m", "nowhere", "--tensors", "--program"))
        .contains("-m has no effect with --config")
        .contains("--tensors has no effect with --config")
        .contains("--program has no effect with --config")
        .doesNotContain("program of");
  }
}
