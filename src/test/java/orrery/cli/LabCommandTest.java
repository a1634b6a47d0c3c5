package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.lab.LabSettings;

class LabCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir private Path directory;

  private int run(String... args) {
    return Main.run(new PrintWriter(out), new PrintWriter(err), args);
  }

  @Test
  void withoutAnExperimentItSaysWhichThereAre() {
    assertThat(run("lab")).isEqualTo(2);
    assertThat(err.toString())
        .contains("batching", "paging", "prefix", "chunking", "policies", "mtp");
  }

  @Test
  void anExperimentWritesItsFiguresAndItsPicture() {
    Path csv = directory.resolve("f.csv");
    Path svg = directory.resolve("f.svg");
    int code =
        run(
            "lab",
            "batching",
            "--quick",
            "--model",
            "tiny-models/speck-sharded",
            "--csv",
            csv.toString(),
            "--svg",
            svg.toString());
    assertThat(err.toString()).isEmpty();
    assertThat(code).isZero();
    assertThat(csv).content().startsWith("table,what,unit,").contains("static", "sglang");
    assertThat(svg).content().startsWith("<svg");
  }

  @Test
  void aSweepWritesARecipeThatTheFrontierTakes() {
    String recipe = directory.resolve("recipe.json").toString();
    String lab = "lab frontier --quick --threads 1 -m tiny-models/speck-mtp";
    assertThat(run((lab + " --sweep " + recipe + " --json " + recipe + "x").split(" "))).isZero();
    assertThat(err.toString())
        .isEqualTo("orrery lab frontier: --json has no effect with --sweep\n");
    assertThat(Path.of(recipe)).content().contains("orrery-recipe", "\"concurrency\" : 3");
    Path json = directory.resolve("points.jsonl");
    assertThat(run((lab + " --recipe " + recipe + " --json " + json).split(" "))).isZero();
    assertThat(json).content().contains("\"configuration\":\"best recipe\"");
    Path svg = directory.resolve("again.svg");
    err.getBuffer().setLength(0);
    assertThat(run(("lab frontier --seed 2 --points " + json + " --svg " + svg).split(" ")))
        .isZero();
    assertThat(err.toString())
        .isEqualTo("orrery lab frontier: --seed has no effect with --points\n");
    assertThat(svg).content().contains("speck-mtp", "best recipe");
    assertThat(run((lab + " --recipe " + json).split(" "))).isEqualTo(1);
    assertThat(err.toString()).contains(json + ": content: expected valid JSON");
    assertThat(run((lab + " --recipe " + recipe + " --sweep " + recipe).split(" "))).isEqualTo(2);
    assertThat(err.toString()).contains("--sweep: expected another file than --recipe");
  }

  @Test
  void lengthsThatTheModelHasNoPositionsForAreRefusedByTheirFlag() {
    assertThat(run("lab", "frontier", "--input", "60000")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--input: expected together with --output and at four times both at most");
    assertThat(run("lab", "frontier", "--concurrency", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--concurrency: expected 1 to 1024, found [0]");
  }

  @Test
  void numbersPrintsItsTablesAndDrawsItsPicture() {
    Path svg = directory.resolve("n.svg");
    assertThat(run("lab", "numbers", "-m", "tiny-models/speck-mtp", "--svg", svg.toString()))
        .isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString()).contains("FP8 E4M3      8   1-4-3        2^-9         448", "NVFP4");
    assertThat(svg).content().startsWith("<svg");
  }

  @Test
  void numbersNeedsWeightsThatAreStoredAsFloats() {
    String narrow = "tiny-models/speck-bias"; // at most 20 columns
    assertThat(run("lab", "numbers", "-m", narrow)).isEqualTo(1);
    assertThat(err.toString())
        .contains(narrow, "weights: expected matrices of F32, BF16 or F16 with 32 columns or more");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void speculationNeedsAModelWithAnMtpLayerAndSaysSo() {
    assertThat(run("lab", "mtp", "--quick", "--model", "tiny-models/speck-sharded")).isEqualTo(2);
    assertThat(err.toString())
        .contains(
            "--model: expected a model with an MTP layer, found tiny-models/speck-sharded without"
                + " one");
  }

  @Test
  void anExperimentSaysHowLongItTakesBeforeItStarts() {
    assertThat(
            run(
                "lab ops --quick --model tiny-models/speck-sharded --rounds 3 --seconds 1"
                    .split(" ")))
        .isZero();
    assertThat(err.toString())
        .isEqualTo(
            """
            orrery lab ops: --rounds has no effect with --quick
            orrery lab ops: --seconds has no effect with --quick
            orrery lab ops: --rounds has no effect in lab ops, which measures for --seconds
            """);
    String bad = directory.resolve("none").toString();
    assertThat(run("lab", "paging", "--rounds", "1", "--model", bad)).isEqualTo(1);
    assertThat(err.toString()).contains("takes about 60 s with the model that ships");
    for (String name : Main.line().getSubcommands().get("lab").getSubcommands().keySet()) {
      if (!List.of("ballast", "numbers").contains(name)) { // these measure nothing
        LabSettings settings = new LabSettings(directory, Optional.empty(), 1, 1, 7, false);
        assertThat(LabTime.about(name, settings)).matches("takes about \\d+ (s|minutes) .*");
      }
    }
  }

  @Test
  void theTimeGrowsWithTheRounds() {
    assertThat(
            LabTime.about("policies", new LabSettings(directory, Optional.empty(), 1, 1, 7, false)))
        .startsWith("takes about 4 minutes");
    assertThat(
            LabTime.about("policies", new LabSettings(directory, Optional.empty(), 1, 1, 1, false)))
        .startsWith("takes about 80 s");
  }

  @Test
  void aTwinIsWrittenAndDescribed() {
    Path twin = directory.resolve("twin");
    assertThat(
            run(
                "lab",
                "ballast",
                "--model",
                "tiny-models/speck-mtp",
                "--factor",
                "4",
                "--out",
                twin.toString()))
        .isZero();
    assertThat(out.toString()).contains("factor 4", "MB of weights a token");
    assertThat(twin.resolve("config.json")).content().contains("\"moe_intermediate_size\": 20");
  }

  @Test
  void aTwinTooLargeForTheHeapIsRefusedByItsFactorAndLeavesNoFile() {
    for (String factor : new String[] {"1000000", "1000000000", "2147483647"}) {
      Path twin = directory.resolve("a/b/twin");
      assertThat(run("lab", "ballast", "--factor", factor, "--out", twin.toString())).isEqualTo(2);
      assertThat(err.toString())
          .contains("--factor: a twin " + factor + " times as wide would take ", "GiB", "are left")
          .doesNotContain("a bug of Orrery");
      assertThat(directory).isEmptyDirectory();
    }
  }

  @Test
  void aTwinThatCannotBeLoadedIsReportedBeforeAnythingIsComputed() {
    String bad = directory.resolve("no-twin").toString();
    for (String lab : new String[] {"batching", "paging", "mtp", "throughput", "ops"}) {
      assertThat(run("lab", lab, "--quick", "--model", "tiny-models/speck-mtp", "--twin", bad))
          .isEqualTo(1);
    }
    assertThat(err.toString()).contains(bad);
    assertThat(out.toString()).as("not even the heading").isEmpty();
  }

  @Test
  void aTwinWithoutAnMtpLayerIsRefusedBeforeAnythingIsComputed() {
    String plain = "tiny-models/speck-sharded"; // no MTP layer
    assertThat(run("lab", "mtp", "--quick", "--model", "tiny-models/speck-mtp", "--twin", plain))
        .isEqualTo(2);
    assertThat(err.toString())
        .contains("--twin: expected a model with an MTP layer, found " + plain + " without one");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void shapesTooLargeForTheHeapAreRefusedByTheirFlag() {
    assertThat(run("lab", "throughput", "--prompt", "1000000000")).isEqualTo(2);
    assertThat(run("lab", "throughput", "--tokens", "2147483647")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--prompt: expected together with --tokens at most", "1000000000 + 128");
    assertThat(run("lab", "ops", "--rows", "4096", "--context", "2147483647")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--context: a KV cache of --rows 4096 with 2147483647 tokens of context", "GiB");
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void overlapWritesTheGainOfEachLoadAndRefusesADelayThatIsNone() {
    Path csv = directory.resolve("f.csv");
    String lab = "lab overlap --quick --batch 2 --host-delay 30 -m tiny-models/speck-mtp --csv ";
    assertThat(run((lab + csv).split(" "))).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(csv)
        .content()
        .contains("\"gain of overlap, speck-mtp\",\"2 requests, greedy, host + 30 us a token\",x,");
    assertThat(run("lab", "overlap", "--host-delay", "-3")).isEqualTo(2);
    assertThat(err.toString()).contains("--host-delay: expected 0 to 1000000 microseconds");
  }

  @Test
  void tiersDrawsWhereThePrefixLiesAndSaysWhichFlagsItsPartsDoNotUse() {
    Path svg = directory.resolve("f.svg");
    String lab = "lab tiers --quick -m tiny-models/speck-mtp --svg " + svg;
    assertThat(run((lab + " --part ttft --prefix 16,48").split(" "))).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(svg).content().contains("L2, host", "tokens of the prefix");
    assertThat(run((lab + " --part decode --prefix 16").split(" "))).isZero();
    assertThat(err.toString())
        .isEqualTo(
            """
            orrery lab tiers: --prefix has no effect without --part ttft
            orrery lab tiers: --svg has no effect without --part ttft
            """);
    assertThat(run("lab", "tiers", "--quick", "--prefix", "9000")).isEqualTo(2);
    assertThat(err.toString()).contains("--prefix: expected at most 2028, as storyteller-moe has");
  }

  @Test
  void hisparseCountsTheEntriesThatComeFromTheHostAndNeedsAModelWithAnIndexer() {
    Path csv = directory.resolve("f.csv");
    Path svg = directory.resolve("f.svg");
    String lab = "lab hisparse --quick --csv " + csv + " --svg " + svg;
    String model = " -m tiny-models/speck-v4-mtp --context 96";
    assertThat(run((lab + model + " --part misses,fit").split(" "))).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(csv)
        .content()
        .contains(
            "\"3 slots, 96 tokens\",entries,", "\"96 tokens, buffers of 6\",at once,3.00000,");
    assertThat(svg).content().contains("context of 96 tokens", "all entries on the device");
    assertThat(run((lab + model + " --part speed").split(" "))).isZero();
    assertThat(err.toString()).contains("--svg has no effect with --part speed, which draws");
    assertThat(run("lab", "hisparse", "--quick")).isEqualTo(2);
    assertThat(err.toString())
        .contains("--model: expected one whose indexer chooses entries, as storyteller-v4, found");
    assertThat(run("lab", "hisparse", "--context", "8")).isEqualTo(2);
    assertThat(err.toString()).contains("--context: expected at least 16, found [8]");
  }

  @Test
  void disaggDrawsTheGapsOfOneEngineAndOfTwoAndNeedsAThreadForEach() {
    Path csv = directory.resolve("f.csv");
    Path svg = directory.resolve("f.svg");
    String lab = "lab disagg --quick -m tiny-models/speck-mtp --csv " + csv + " --svg " + svg;
    assertThat(run((lab + " --threads 3").split(" "))).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(csv).content().contains("\"transfers, speck-mtp\",\"two engines\",pages,23.0000,");
    assertThat(svg).content().contains("one engine, unchunked", "two engines");
    assertThat(svg).content().contains("of all 69 gaps, so many", ">half<", ">1 in 50<", ">none<");
    assertThat(run((lab + " --threads 1").split(" "))).isEqualTo(2);
    assertThat(err.toString()).contains("--threads: expected at least 2, one for each of two");
  }

  @Test
  void wrongShapesAreRefusedBeforeMeasuring() {
    assertThat(run("lab", "throughput", "--batch", "0")).isEqualTo(2);
    assertThat(err.toString()).contains("--batch: expected 1 to 4096, found [0]");
    assertThat(run("lab", "ops", "--rows", "0")).isEqualTo(2);
    assertThat(run("lab", "paging", "--svg", "no/such/place.svg")).isEqualTo(1);
    assertThat(err.toString()).contains("--svg: no/such/place.svg: expected a file in an existing");
    assertThat(run("lab", "ballast", "--factor", "0", "--out", directory.resolve("x").toString()))
        .isEqualTo(2);
  }
}
