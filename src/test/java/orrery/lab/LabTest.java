package orrery.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static orrery.lab.FormatsLab.Question.ROWS;
import static orrery.lab.FormatsLab.Question.WEIGHTS;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** Every experiment runs on a speck, and its figures show what its chapter says. */
class LabTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  @TempDir private Path directory;

  private LabReport run(BiFunction<LabSettings, PrintStream, LabReport> experiment) {
    var settings = new LabSettings(TinyModels.speck("mtp"), Optional.empty(), 2, 1, 3, true);
    LabReport report = experiment.apply(settings, new PrintStream(out, true));
    assertThat(report.figures())
        .isNotEmpty()
        .allSatisfy(
            f ->
                assertThat(new double[] {f.median(), f.low(), f.high()})
                    .doesNotContain(Double.NaN, Double.POSITIVE_INFINITY));
    assertThat(report.charts()).allSatisfy(c -> assertThat(ChartSvg.draw(c)).doesNotContain("NaN"));
    return report;
  }

  private static double figure(LabReport report, String table, String what, String unit) {
    List<Figure> found =
        report.figures().stream()
            .filter(f -> f.table().startsWith(table))
            .filter(f -> f.what().equals(what) && f.unit().equals(unit))
            .toList();
    assertThat(found).as(table + ": " + what + ", " + unit).hasSize(1);
    return found.getFirst().median();
  }

  private static List<String> variants(LabReport report, String table, String unit) {
    return report.figures().stream()
        .filter(f -> f.table().startsWith(table) && f.unit().equals(unit))
        .map(Figure::what)
        .collect(Collectors.toList());
  }

  @Test
  void continuousBatchingComputesNoPaddingRowsAndStaticBatchingDoes() {
    LabReport r = run(Lab::batching);
    assertThat(variants(r, "batching", "tok/s")).containsExactly("static", "sglang", "vllm");
    assertThat(figure(r, "batching", "static", "useful, %")).isBetween(1.0, 90.0);
    assertThat(figure(r, "batching", "sglang", "useful, %")).isEqualTo(100);
    assertThat(figure(r, "batching", "vllm", "useful, %")).isEqualTo(100);
    assertThat(figure(r, "batching", "static", "wait, ms")).isPositive();
    assertThat(r.charts()).hasSize(2); // static above continuous, with one axis of time
    assertThat(r.charts().getFirst().title()).startsWith("Static batching: ");
    assertThat(r.charts().get(1).title()).contains("100 of 100 computed rows are of use");
    assertThat(r.charts().get(1).x()).isEqualTo(r.charts().getFirst().x());
  }

  @Test
  void smallerPagesLeaveLessOfTheMemoryUnused() {
    LabReport r = run(Lab::paging);
    String unit = "reserved, unused, %";
    double contiguous = figure(r, "paging", "contiguous", unit);
    double sixteen = figure(r, "paging", "pages of 16", unit);
    assertThat(contiguous).isGreaterThan(60);
    assertThat(sixteen).isLessThan(contiguous);
    assertThat(figure(r, "paging", "pages of 1", unit)).isLessThan(sixteen);
    assertThat(figure(r, "paging", "pages of 16", "running, mean"))
        .isGreaterThan(figure(r, "paging", "contiguous", "running, mean"));
    assertThat(variants(r, "page indirection, batch 8", "us a token"))
        .containsExactly("contiguous", "pages of 16", "pages of 4", "pages of 1");
  }

  @Test
  void aSharedPrefixIsComputedOnceAndUniquePromptsNeverHit() {
    LabReport r = run(Lab::prefix);
    double off = figure(r, "shared prefix", "off", "prefill rows");
    for (String cache : List.of("radix", "hash")) {
      assertThat(figure(r, "shared prefix", cache, "prefill rows")).isEqualTo(off - 4 * 64);
      assertThat(figure(r, "unique prompts", cache, "hits, %")).isZero();
    }
    assertThat(figure(r, "unique prompts", "radix over off: overhead, 95 % upper bound", "%"))
        .isGreaterThan(-100);
    assertThat(variants(r, "eviction, Zipf, sp", "hits, %"))
        .containsExactly("radix, lru", "radix, lfu", "radix, fifo", "hash, free queue");
    assertThat(variants(r, "order", "TTFT, most")).containsExactly("fcfs", "lpm");
    String favoured = "system prompt: hits, %";
    for (String cache : List.of("radix, lru", "radix, lfu", "hash, free queue")) {
      double kept = figure(r, "a favoured prefix", cache + ", priority 90", favoured);
      assertThat(kept).as("all but the first of 4 hit 32 of 40 tokens").isEqualTo(60);
      assertThat(figure(r, "a favoured prefix", cache, favoured)).isLessThanOrEqualTo(60);
    }
  }

  @Test
  void theGapsOfRunningRequestsAreMeasuredForEveryChunkSize() {
    LabReport r = run(Lab::chunking);
    assertThat(variants(r, "chunking", "longest gap, ms"))
        .containsExactly(
            "unchunked",
            "chunks of 64, prompts first",
            "mixed chunks of 64",
            "mixed chunks of 32",
            "mixed chunks of 16",
            "vllm, budget 32");
    for (String v : variants(r, "chunking", "longest gap, ms")) {
      assertThat(figure(r, "chunking", v, "longest gap, ms"))
          .as(v)
          .isGreaterThanOrEqualTo(figure(r, "chunking", v, "ITL median, ms"));
      assertThat(figure(r, "chunking", v, "TTFT of the late one, ms")).isPositive();
    }
  }

  @Test
  void speculationIsMeasuredInAllWaysAndItsPictureShowsTheSpeedOfDraftsBesideNone() {
    LabReport r = run(Lab::mtp);
    for (String batch : List.of("mtp, batch 1", "mtp, batch 3")) {
      assertThat(variants(r, batch, "x"))
          .filteredOn(what -> what.startsWith("random, "))
          .filteredOn(what -> !what.contains("T 0.8"))
          .extracting(what -> what.substring("random, ".length()))
          .containsExactly(
              "k 0",
              "k 1",
              "k 2",
              "k 3",
              "k 4",
              "k 5",
              "k 6",
              "k 7",
              "k 8",
              "adaptive",
              "n-gram, k 3");
    }
    assertThat(figure(r, "mtp round times, batch 1", "k 0, t_extend", "us")).isPositive();
    assertThat(figure(r, "mtp round times, batch 1", "off, pays above", "tokens")).isEqualTo(1);
    assertThat(figure(r, "mtp round times, batch 1", "k 1, t_draft", "us")).isPositive();
    assertThat(figure(r, "mtp round times, batch 1", "k 5, t_draft", "us")).isPositive();
    assertThat(figure(r, "mtp forecast", "farthest apart", "x")).isPositive();
    assertThat(variants(r, "mtp adaptive", "x"))
        .containsExactly(
            "random, over off",
            "random, over best",
            "random, T 0.8, over off",
            "random, T 0.8, over best");
    assertThat(r.charts()).hasSize(1);
    assertThat(r.charts().getFirst().curves())
        .extracting(Chart.Curve::name)
        .containsExactly("without drafts: 1", "random, speck-mtp (0.1 MB of weights a token)");
    assertThat(out.toString().lines()).allSatisfy(l -> assertThat(l.length()).isLessThan(130));
  }

  @Test
  void countsOfDraftsAreNotRepeatedForATwinWhichHasCurvesOfItsOwn() {
    var speck = TinyModels.speck("mtp");
    Path twin = directory.resolve("speck-twin");
    Ballast.write(speck, 4, twin);
    var settings = new LabSettings(speck, Optional.of(twin), 1, 1, 1, true);
    LabReport r = Lab.mtp(settings, new PrintStream(out, true));
    assertThat(r.charts()).hasSize(1);
    assertThat(r.charts().getFirst().curves())
        .extracting(Chart.Curve::name)
        .anyMatch(name -> name.contains("speck-mtp"))
        .anyMatch(name -> name.contains("speck-twin"));
    assertThat(r.figures())
        .extracting(Figure::table)
        .contains("mtp acceptance, speck-mtp", "mtp adaptive, speck-twin")
        .doesNotContain("mtp acceptance, speck-twin");
  }

  @Test
  void threeDraftsOfHeldOutStoriesGiveThreeTokensAVerification() {
    var model = Path.of("tiny-models", "storyteller-moe");
    var settings = new LabSettings(model, Optional.empty(), 1, 1, 1, true);
    LabReport r = Lab.mtp(settings, new PrintStream(out, true));
    assertThat(variants(r, "mtp acceptance", "distinct-4"))
        .containsExactly(
            "stories, k 3",
            "stories, k 5",
            "chat, k 3",
            "chat, k 5",
            "tasks, k 3",
            "tasks, k 5",
            "prose, k 3",
            "prose, k 5");
    assertThat(figure(r, "mtp acceptance", "stories, k 3", "tokens/verify")).isBetween(3.0, 4.0);
    assertThat(figure(r, "mtp acceptance", "stories, k 5", "tokens/verify")).isBetween(4.5, 6.0);
    assertThat(figure(r, "mtp acceptance", "prose, k 3", "tokens/verify")).isLessThan(3);
    assertThat(figure(r, "mtp acceptance", "prose, T 0.8, drawn", "tokens/verify"))
        .isGreaterThan(figure(r, "mtp acceptance", "prose, T 0.8, likeliest", "tokens/verify"));
    for (String all : List.of("stories, k 3", "prose, k 5")) {
      assertThat(figure(r, "mtp acceptance", all + ", draft 1 and all before", "accepted"))
          .isGreaterThanOrEqualTo(
              figure(r, "mtp acceptance", all + ", draft 3 and all before", "accepted"));
    }
  }

  @Test
  void everyPolicyIsMeasuredInTheSameTightMemory() {
    LabReport r = run(Lab::policies);
    assertThat(variants(r, "policies", "retractions"))
        .containsExactly(
            "static", "sglang, fcfs", "sglang, lpm", "vllm", "trtllm", "trtllm-max-utilization");
    assertThat(figure(r, "policies", "vllm", "retractions")).isPositive();
    assertThat(figure(r, "policies", "vllm", "tokens lost")).isPositive();
    assertThat(figure(r, "policies", "vllm", "recomputed"))
        .isBetween(0.0, figure(r, "policies", "vllm", "tokens lost"));
    assertThat(figure(r, "policies", "static", "retractions")).isZero();
    assertThat(figure(r, "policies", "trtllm", "retractions")).isZero();
    assertThat(figure(r, "policies", "vllm", "pages in use, %")).isBetween(1.0, 100.0);
    assertThat(variants(r, "conservativeness", "tok/s")).hasSize(3);
  }

  @Test
  void throughputOfABatchIsRowsOverTimeAndComparedWithTheKernels() {
    var shape = new ThroughputLab.Shape(List.of(1, 4, 16), 8, 12);
    LabReport r = run((settings, to) -> Lab.throughput(settings, shape, to));
    for (String batch : List.of("batch 1", "batch 4", "batch 16")) {
      assertThat(figure(r, "throughput", batch, "decode tok/s")).isPositive();
      assertThat(figure(r, "throughput", batch, "prefill tok/s")).isPositive();
    }
    assertThat(out.toString()).contains("decode, batch 16 over 1, of a product of 16 rows over 1");
  }

  @Test
  void theOpsOfAStepAddUpToAllItsLaunches() {
    var shape = new OpsLab.Shape(2, 20, 0.01, false);
    LabReport r = run((settings, to) -> Lab.ops(settings, shape, to));
    assertThat(variants(r, "ops", "us"))
        .contains("MatMul", "Attend", "ExpertMatMul", "captured step");
    assertThat(out.toString()).contains("78 ops");
  }

  @Test
  void theOpsOfAFusedStepAreFewer() {
    var shape = new OpsLab.Shape(2, 20, 0.01);
    LabReport r = run((settings, to) -> Lab.ops(settings, shape, to));
    assertThat(variants(r, "ops", "us"))
        .contains("ProjectQkv", "Attend", "ExpertGateUp", "ExpertDown", "captured step")
        .doesNotContain("Rope", "SwiGlu", "Combine");
  }

  @Test
  void theRulesOfFusionAreAddedOneByOneAndEachTakesOpsAway() {
    var shape = new FusionLab.Shape(new int[] {1, 4}, 20, 0.01);
    LabReport r = run((settings, to) -> Lab.fusion(settings, shape, to));
    assertThat(variants(r, "fusion", "x"))
        .contains("1 rows, 1 threads, as launched")
        .anyMatch(
            v -> v.startsWith("4 rows") && v.endsWith("+ q + k + v, bias, norm, rope, write"));
    assertThat(r.charts()).hasSize(1);
    List<Integer> ops =
        out.toString()
            .lines()
            .filter(line -> line.matches(" *\\| (as launched|\\+ ).*"))
            .map(line -> Integer.valueOf(line.split("\\|")[2].strip()))
            .toList();
    assertThat(ops.getFirst()).isEqualTo(78);
    List<Integer> ofOneRow = ops.subList(0, ops.size() / 2);
    assertThat(ofOneRow).isSortedAccordingTo(Comparator.reverseOrder());
    assertThat(ofOneRow).doesNotHaveDuplicates();
  }

  @Test
  void withOverlapStepsArePlannedAheadAndEachPairOfRunsGivesAGain() {
    var shape = new OverlapLab.Shape(new ThroughputLab.Shape(List.of(1, 3), 5, 20), 15);
    LabReport r = run((settings, to) -> Lab.overlap(settings, shape, to));
    List<String> works =
        List.of("greedy", "top-p 0.95", "top-k 40, 5 logprobs", "greedy, host + 15 us a token");
    for (String work : works) {
      for (String requests : List.of("1 request, ", "3 requests, ")) {
        String off = requests + work;
        assertThat(figure(r, "overlap", off, "planned ahead, %")).isZero();
        assertThat(figure(r, "overlap", off + ", overlap", "planned ahead, %")).isPositive();
        double on = figure(r, "overlap", off + ", overlap", "tok/s");
        double gain = on / figure(r, "overlap", off, "tok/s");
        assertThat(figure(r, "gain of overlap", off, "x")).isEqualTo(gain); // of one round
      }
    }
    for (String part : List.of("plan", "rows", "forward", "judge", "commit")) {
      assertThat(figure(r, "parts of a step", "3 requests, greedy", part))
          .isPositive()
          .isLessThan(figure(r, "parts of a step", "3 requests, greedy", "step"));
    }
    assertThat(variants(r, "parts of a step", "step")).hasSameSizeAs(works);
    assertThat(r.charts().getFirst().curves()).extracting(Chart.Curve::name).isEqualTo(works);
  }

  @Test
  void aSlowHostTakesItsTimeForEachTokenAndCanBeLeftOut() {
    int micros = 5_000;
    var load = new ThroughputLab.Shape(List.of(2), 5, 4);
    LabReport r =
        run((settings, to) -> Lab.overlap(settings, new OverlapLab.Shape(load, micros), to));
    String slow = "2 requests, greedy, host + 5000 us a token";
    assertThat(figure(r, "overlap", slow, "tok/s")).isLessThan(1e6 / micros);
    r = run((settings, to) -> Lab.overlap(settings, new OverlapLab.Shape(load, 0), to));
    assertThat(variants(r, "gain of overlap", "x")).noneMatch(what -> what.contains("host"));
    assertThatThrownBy(() -> new OverlapLab.Shape(load, -1))
        .hasMessage("host-delay: expected 0 to 1000000 microseconds, found -1");
  }

  @Test
  void windowsOfAHybridModelStayAndItsEntriesGrowByTheirRatio() {
    LabReport r = hybrid(HybridLab.Question.MEMORY);
    assertThat(figure(r, "held rows, speck-v4-mtp", "raw, of 8 tokens, each more token", "B"))
        .isZero();
    // two CSA layers, entries of 16 floats for 4 tokens
    String entries = "compressed, one for 4 tokens, each more token";
    assertThat(figure(r, "held rows, speck-v4-mtp", entries, "B")).isEqualTo(2 * 16 * 4 / 4);
    assertThat(figure(r, "held rows, speck-mtp", "together, each more token", "B"))
        .isGreaterThan(figure(r, "held rows, speck-v4-mtp", "together, each more token", "B"));
    assertThat(r.charts()).hasSize(1);
    assertThat(r.charts().getFirst().curves())
        .extracting(Chart.Curve::name)
        .containsExactly("speck-v4-mtp", "speck-v4-mtp: its windows", "speck-mtp");
  }

  @Test
  void stepsAreTimedByWhatTheirLayersRead() {
    LabReport r = hybrid(HybridLab.Question.STEPS);
    assertThat(variants(r, "step time, speck-v4-mtp", "us"))
        .contains(
            "32 tokens",
            "128 tokens",
            "128 tokens, window alone",
            "128 tokens, window and some entries of 4",
            "128 tokens, window and all entries of 8",
            "128 tokens, selection of entries",
            "128 tokens, all else");
    assertThat(variants(r, "step time, speck-mtp", "us")).contains("128 tokens, all tokens");
    assertThat(figure(r, "step time, speck-v4-mtp", "step after 128 tokens over 64 tokens", "x"))
        .isPositive();
  }

  @Test
  void releasedWindowsLetMoreRequestsIntoTheSameMemoryThanWindowsAtFullLength() {
    LabReport r = hybrid(HybridLab.Question.FIT);
    String table = "windows, speck-v4-mtp";
    double full = figure(r, table, "full length", "requests");
    double blocks = figure(r, table, "tail of whole blocks", "requests");
    assertThat(full).isEqualTo(3);
    assertThat(blocks).isGreaterThan(full);
    assertThat(figure(r, table, "released windows", "requests")).isGreaterThan(blocks);
    assertThat(figure(r, "windows by arithmetic", "of windows, released as they pass", "KB"))
        .isLessThan(figure(r, "windows by arithmetic", "of windows, tail of whole blocks", "KB"));
    assertThat(r.charts()).hasSize(1); // the classic model has no windows
  }

  @Test
  void decodingNamesItsThreeLargestCosts() {
    LabReport r = hybrid(HybridLab.Question.DECODE);
    assertThat(variants(r, "costs, speck-v4-mtp", "%")).hasSize(3);
    assertThat(out.toString()).contains("largest costs after 32 tokens, op by op: ");
  }

  @Test
  void cachedRowsOfFewerBitsTakeLessMemoryAndMoveTheModel() {
    LabReport r = run(Lab::kv);
    String table = "cached rows, speck-mtp";
    double f32 = figure(r, table, "f32, bytes a token", "B");
    assertThat(figure(r, table, "bf16, bytes a token", "B")).isEqualTo(f32 / 2);
    assertThat(figure(r, table, "fp8, bytes a token", "B")).isLessThan(f32 / 2);
    assertThat(figure(r, table, "f32, KL", "nat")).isZero();
    assertThat(figure(r, table, "bf16, KL", "nat")).isPositive();
    assertThat(figure(r, table, "fp8, KL", "nat"))
        .isGreaterThan(figure(r, table, "bf16, KL", "nat"));
  }

  @Test
  void weightsOfFewBitsTakeFewerBytesAndTheirAnswersAreComparedWithTheModels() {
    LabReport r = run((settings, o) -> Lab.formats(settings, List.of(), Set.of(WEIGHTS), o));
    String table = "formats, weights, speck-mtp";
    assertThat(variants(r, table, "MB"))
        .containsExactly("as it is", "fp8", "fp8, activations fp8", "fp8-channel");
    assertThat(figure(r, table, "fp8", "MB")).isLessThan(figure(r, table, "as it is", "MB") / 1.5);
    assertThat(figure(r, table, "as it is, KL", "nats")).isEqualTo(0);
    assertThat(figure(r, table, "as it is, top-1", "%")).isEqualTo(100);
    assertThat(figure(r, table, "fp8, KL", "nats"))
        .isPositive()
        .isNotEqualTo(figure(r, table, "fp8, activations fp8, KL", "nats"));
    assertThat(figure(r, table, "fp8, batch 2 over as it is", "x")).isPositive();
    assertThat(figure(r, table, "fp8, tokens/verify", "tok")).isBetween(1.0, 4.0);
    assertThat(out.toString()).contains("mxfp4 is left out: ", "32 columns");
    assertThat(r.charts()).hasSize(1);
  }

  @Test
  void cachedRowsOfFewBitsTakeFewerBytesBehindEveryNumberOfTokens() {
    LabReport r = run((settings, o) -> Lab.formats(settings, List.of(), Set.of(ROWS), o));
    String table = "formats, rows, speck-mtp";
    for (String tokens : List.of("16 tokens", "32 tokens")) {
      double f32 = figure(r, table, "f32, " + tokens, "KB");
      assertThat(figure(r, table, "bf16, " + tokens, "KB")).isEqualTo(f32 / 2);
      assertThat(figure(r, table, "fp8, " + tokens, "KB")).isLessThan(f32 / 3);
      assertThat(figure(r, table, "f32, " + tokens + ", KL", "nats")).isEqualTo(0);
      assertThat(figure(r, table, "fp8, " + tokens + ", KL", "nats")).isPositive();
      assertThat(figure(r, table, "bf16, " + tokens + ", prefill", "tok/s")).isPositive();
    }
    assertThat(r.charts()).hasSize(1);
    assertThat(r.charts().getFirst().curves()).hasSize(3);
  }

  private FrontierReport frontier(FrontierLab.Shape shape) {
    FrontierReport[] made = new FrontierReport[1];
    run(
        (settings, to) -> {
          made[0] = Lab.frontier(settings, shape, to, line -> {});
          return made[0].report();
        });
    return made[0];
  }

  @Test
  void theFrontierHasAPointForEveryConfigurationAndNumberOfClients() {
    var shape = new FrontierLab.Shape(List.of(), FrontierLoad.STANDARD, List.of(), false);
    FrontierReport r = frontier(shape);
    assertThat(variants(r.report(), "frontier, speck-mtp", "total tok/s"))
        .contains("naive, 1", "naive, 3", "+ paging, 1", "+ FP8 weights, aside, 3")
        .contains(
            "+ MTP, 1", "naive with MTP, 3", "best recipe, 3", "best recipe without drafts, 1")
        .doesNotHaveDuplicates();
    assertThat(r.json().lines())
        .hasSameSizeAs(variants(r.report(), "frontier, speck-mtp", "total tok/s"))
        .allMatch(line -> line.startsWith("{\"model\":\"speck-mtp\",\"description\":\""));
    assertThat(out.toString())
        .contains("everything: best recipe over naive: ")
        .contains("without MTP: best recipe without drafts over naive: ")
        .contains("with MTP: best recipe over naive with MTP: ");
    assertThat(r.report().charts()).hasSize(1);
    assertThat(r.report().charts().getFirst().curves())
        .extracting(Chart.Curve::name)
        .isEqualTo(FrontierChart.SHOWN);
  }

  @Test
  void aSweepFindsARecipeForEveryNumberOfClientsAndTheFrontierTakesIt() {
    var sweep = new FrontierLab.Shape(List.of(), FrontierLoad.STANDARD, List.of(), true);
    FrontierReport found = frontier(sweep);
    Recipe recipe = found.recipe();
    assertThat(recipe.rows()).extracting(Recipe.Row::concurrency).containsExactly(1, 3);
    assertThat(recipe.fingerprint()).isEqualTo(Fingerprint.of(TinyModels.speck("mtp")));
    assertThat(found.json()).isEmpty();
    var shape = new FrontierLab.Shape(List.of(), FrontierLoad.STANDARD, List.of(recipe), false);
    assertThat(frontier(shape).recipe()).isSameAs(recipe);
  }

  @Test
  void aModelWithoutAnMtpLayerHasAFrontierWithoutDrafts() {
    var settings = new LabSettings(TinyModels.speck("sharded"), Optional.empty(), 1, 1, 1, true);
    var shape = new FrontierLab.Shape(List.of(), FrontierLoad.STANDARD, List.of(), false);
    LabReport r = Lab.frontier(settings, shape, new PrintStream(out, true), line -> {}).report();
    assertThat(variants(r, "frontier", "total tok/s"))
        .contains("naive, 1", "+ bf16 KV, 3", "best recipe, 3")
        .noneMatch(what -> what.contains("MTP") || what.contains("without drafts"));
    assertThat(r.charts().getFirst().curves())
        .extracting(Chart.Curve::name)
        .contains("naive", "best recipe")
        .doesNotContain("+ MTP");
  }

  private LabReport hybrid(HybridLab.Question part) {
    var settings = new LabSettings(TinyModels.speck("v4-mtp"), Optional.empty(), 1, 1, 1, true);
    List<Path> beside = List.of(TinyModels.speck("mtp"));
    return Lab.hybrid(settings, beside, Set.of(part), new PrintStream(out, true));
  }

  @Test
  void impossibleSettingsAreRefusedByName() {
    assertThatThrownBy(() -> new ThroughputLab.Shape(List.of(1, 0), 8, 12))
        .hasMessage("batch: expected 1 to 4096, found [1, 0]");
    assertThatThrownBy(
            () -> new FrontierLab.Shape(List.of(1, 0), FrontierLoad.STANDARD, List.of(), false))
        .hasMessage("concurrency: expected 1 to 1024, found [0, 1]");
    assertThatThrownBy(() -> new FrontierLoad(0, 1))
        .hasMessage("input: expected 1 to 65536, found 0");
    assertThatThrownBy(() -> new OpsLab.Shape(0, 20, 1)).hasMessageContaining("rows");
    assertThatThrownBy(
            () -> new LabSettings(TinyModels.speck("mtp"), Optional.empty(), 0, 1, 1, true))
        .hasMessage("threads: expected 1 to 256, found 0");
  }

  @Test
  void whatLeftThePagesComesFromTheHostAndNothingElseDoes() {
    var shape = new TiersLab.Shape(List.of(), Set.of());
    LabReport r = run((settings, to) -> Lab.tiers(settings, shape, to));
    assertThat(variants(r, "TTFT", "ms"))
        .containsExactly(
            "computed, 32",
            "L1, pages, 32",
            "L2, host, 32",
            "L3, file cache, 32",
            "L3, disk, 32",
            "computed, 96",
            "L1, pages, 96",
            "L2, host, 96",
            "L3, file cache, 96",
            "L3, disk, 96");
    for (int prefix : new int[] {32, 96}) {
      assertThat(figure(r, "loads", "L2, host, " + prefix, "tokens")).isEqualTo(prefix);
      assertThat(figure(r, "loads", "L2, host, " + prefix, "overlap, %")).isBetween(0.0, 100.0);
      for (String files : List.of("L3, file cache, ", "L3, disk, ")) {
        assertThat(figure(r, "reads", files + prefix, "tokens")).isEqualTo(prefix);
      }
    }
    assertThat(figure(r, "loads", "L2, host, 96", "KB"))
        .isCloseTo(3 * figure(r, "loads", "L2, host, 32", "KB"), within(1e-9));
    assertThat(r.charts().getFirst().curves()).hasSize(5);
  }

  @Test
  void policiesOfWritingDifferInWhatTheyStoreAndHostMemoryFindsWhatPagesHaveLost() {
    var shape =
        new TiersLab.Shape(List.of(), Set.of(TiersLab.Question.POLICIES, TiersLab.Question.DECODE));
    LabReport r = run((settings, to) -> Lab.tiers(settings, shape, to));
    String table = "policies of writing";
    List<String> policies = List.of("write-through", "write-through-selective", "write-back");
    assertThat(figure(r, table, "off", "stored, MB")).isZero();
    for (String policy : policies) {
      assertThat(figure(r, table, policy, "from the host, %")).as(policy).isPositive();
      assertThat(figure(r, table, policy, "prefill rows"))
          .as(policy)
          .isLessThan(figure(r, table, "off", "prefill rows"));
      assertThat(figure(r, table, policy, "loaded, MB")).as(policy).isPositive();
    }
    assertThat(figure(r, table, "write-through", "stored, MB"))
        .isGreaterThan(figure(r, table, "write-through-selective", "stored, MB"));
    String beside = "decoding beside writes";
    assertThat(figure(r, beside, "write-through-selective", "stored, MB")).isZero();
    assertThat(figure(r, beside, "write-back", "stored, MB")).isPositive();
    assertThat(r.charts()).isEmpty();
  }

  @Test
  void aDecodeEngineComputesNoRowOfAPromptAndGetsThePagesOfAllPrompts() {
    LabReport r = run(Lab::disagg);
    String one = "one engine, unchunked";
    String two = "two engines";
    assertThat(variants(r, "prompts apart", "longest gap, ms"))
        .containsExactly(
            one, "one engine, mixed chunks of 32", "one engine, mixed chunks of 16", two);
    String rows = "prompt rows beside answers";
    assertThat(figure(r, "prompts apart", one, rows)).isEqualTo(3 * 8 + 2 * 150);
    assertThat(figure(r, "prompts apart", two, rows)).isZero();
    assertThat(figure(r, "transfers", two, "pages")).isEqualTo(3 * 1 + 2 * 10); // of 16 tokens
    assertThat(figure(r, "transfers", two, "MB")).isPositive();
    for (String queue :
        List.of(
            "P bootstrap", "P waiting", "P inflight", "D prealloc", "D transfer", "D waiting")) {
      assertThat(figure(r, "transfers", two, queue)).as(queue).isPositive();
    }
    assertThat(variants(r, "prompts apart", "x"))
        .contains("longest gap, " + one + " over " + two, "tok/s, " + two + " over " + one);
    assertThat(r.charts().getFirst().curves()).hasSize(4);
  }

  @Test
  void twoEnginesNeedTwoThreads() {
    var settings = new LabSettings(TinyModels.speck("mtp"), Optional.empty(), 1, 1, 1, true);
    assertThatThrownBy(() -> Lab.disagg(settings, new PrintStream(out, true)))
        .hasMessage("threads: expected at least 2, one for each of two engines, found 1");
  }

  @Test
  void aPrefixIsRefusedThatTheModelHasNoPositionsFor() {
    var shape = new TiersLab.Shape(List.of(32, 250), Set.of());
    assertThatThrownBy(() -> run((settings, to) -> Lab.tiers(settings, shape, to)))
        .hasMessage(
            "prefix: expected at most 236, as speck-mtp has 256 positions, found [32, 250]");
    assertThatThrownBy(() -> new TiersLab.Shape(List.of(0), Set.of()))
        .hasMessage("prefix: expected at least 1, found [0]");
  }
}
