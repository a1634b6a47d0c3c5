package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.madeup.MadeUp;
import orrery.madeup.MadeUpModel;
import orrery.model.Model;
import picocli.CommandLine;

/** A flag that changes nothing beside the others is no mistake, and gets one line that says so. */
class NoEffectTest {
  private static final String SPECK = TinyModels.speck("bias").toString();
  private static final String GENERATE = "generate -m " + SPECK + " --ids 1,2,3 -n 2 ";

  @TempDir Path directory;

  /** The lines about flags without effect, from a command that succeeds. */
  private List<String> notes(String line) {
    StringWriter err = new StringWriter();
    String[] args = line.trim().split(" +");
    int code = Main.run(new PrintWriter(new StringWriter()), new PrintWriter(err), args);
    assertThat(code).as(err.toString()).isZero();
    return err.toString().lines().filter(l -> l.contains("has no effect")).toList();
  }

  private String batch(String flags) {
    return "run-batch -m %s -i docs/examples/batch.jsonl -o %s %s"
        .formatted("tiny-models/storyteller-moe", directory.resolve("out.jsonl"), flags);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--top-k 5                  | --top-k has no effect at --temperature 0",
        "--top-p 0.5                | --top-p has no effect at --temperature 0",
        "--min-p 0.5                | --min-p has no effect at --temperature 0",
        "--seed 5 --temperature 0   | --seed has no effect at --temperature 0",
        "--choices 2                | --choices has no effect at --temperature 0 except to",
        "--min-tokens 1 --ignore-eos| --min-tokens has no effect with --ignore-eos",
        "--schedule-policy vllm     | --schedule-policy has no effect with one choice",
        "--max-running-requests 2   | --max-running-requests has no effect with one choice",
        "--activation-dtype fp8     | --activation-dtype has no effect with a model without"
            + " quantised weights",
        "--swa-full-tokens-ratio 0.5 | --swa-full-tokens-ratio has no effect with a model whose"
            + " rows",
        "--speculative-num-steps 1  | --speculative-num-steps has no effect without"
            + " --speculative-algorithm",
        "--speculative-adaptive --speculative-algorithm off | --speculative-adaptive has no effect"
            + " with --speculative-algorithm off",
        "--speculative-algorithm ngram --speculative-coupled-drafts off"
            + " | --speculative-coupled-drafts has no effect with --speculative-algorithm ngram",
      })
  void aFlagThatChangesNothingGetsALineThatSaysSo(String flags, String note) {
    assertThat(notes(GENERATE + flags))
        .singleElement()
        .asString()
        .startsWith("orrery generate: " + note);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--ignore-eos",
        "--temperature 0.5 --top-k 5 --top-p 0.9 --min-p 0.1 --seed 3",
        "--temperature 0.5 --choices 2 --schedule-policy vllm --max-running-requests 2",
        "--min-tokens 1 --ignore-eos --stop-token-id 5",
        "--speculative-algorithm ngram --speculative-num-steps 2 --speculative-ngram-min 1",
        "--repetition-penalty 1.5 --logit-bias 3=1 --chunked-prefill-size 2 --graph off",
      })
  void aFlagThatChangesSomethingGetsNoLine(String flags) {
    assertThat(notes(GENERATE + flags)).isEmpty();
  }

  @Test
  void aPageSizeThatHoldsNoWholeRowsIsRoundedUpAndALineSaysSo() {
    for (int asked : new int[] {20, 32}) {
      CommandLine line = new CommandLine(new GenerateCommand());
      StringWriter err = new StringWriter();
      line.setErr(new PrintWriter(err));
      line.parseArgs("--ids", "1", "--page-size", "" + asked, "--swa-full-tokens-ratio", "0.5");
      Model model = new MadeUpModel(MadeUp.v4(8, 16, 64));
      EngineOptions o = EngineOptions.defaults().withKv(kv -> kv.withPageSize(asked));
      try (LoadedModel loaded =
              new LoadedModel(Path.of("v4"), model, Optional.empty(), new int[] {5});
          Engine engine = Engine.start(loaded, o)) {
        new NoEffect(line.getCommandSpec()).model(engine).tell();
      }
      assertThat(err.toString().lines())
          .containsExactlyElementsOf(
              asked == 32
                  ? List.of()
                  : List.of(
                      "generate: --page-size 20 is rounded up to 32: a page holds whole rows of all"
                          + " that the model caches"));
    }
  }

  @Test
  void inABatchAFlagOfAnotherSchedulerOrCacheGetsALine() {
    assertThat(
            notes(
                batch(
                    "--schedule-policy trtllm-max-utilization --lpm --enable-mixed-chunk off"
                        + " --schedule-conservativeness 2 --prefix-cache hash"
                        + " --radix-eviction-policy lfu")))
        .containsExactly(
            "orrery run-batch: --lpm has no effect with --schedule-policy trtllm-max-utilization",
            "orrery run-batch: --enable-mixed-chunk has no effect with --schedule-policy"
                + " trtllm-max-utilization",
            "orrery run-batch: --schedule-conservativeness has no effect with --schedule-policy"
                + " trtllm-max-utilization",
            "orrery run-batch: --radix-eviction-policy has no effect with --prefix-cache hash");
    assertThat(notes(batch("--lpm --prefix-cache off")))
        .containsExactly("orrery run-batch: --lpm has no effect with --prefix-cache off");
    assertThat(
            notes(
                batch(
                    "--speculative-algorithm mtp --speculative-ngram-max 5"
                        + " --speculative-acceptance rejection"
                        + " --speculative-synthetic-accept-length 2")))
        .containsExactly(
            "orrery run-batch: --speculative-ngram-max has no effect with --speculative-algorithm"
                + " mtp",
            "orrery run-batch: --speculative-acceptance has no effect with"
                + " --speculative-synthetic-accept-length");
  }

  @Test
  void roundedActivationsMatterWithQuantisedWeightsOnly() {
    String quantised = TinyModels.quantised("glm-mxfp8") + " --activation-dtype fp8 ";
    assertThat(notes("generate --ids 1,2 -n 2 -m " + quantised)).isEmpty();
    String dump = "dump --ids 1,2 --out " + directory.resolve("x") + " -m ";
    assertThat(notes(dump + quantised)).isEmpty();
    assertThat(notes(dump + TinyModels.speck("mtp") + " --activation-dtype fp8"))
        .singleElement()
        .asString()
        .startsWith("orrery dump: --activation-dtype has no effect with a model without quantised");
  }

  @Test
  void fusionRewritesCapturedProgramsOnly() {
    assertThat(notes("generate --ids 1,2 -n 2 --fusion off -m " + SPECK)).isEmpty();
    assertThat(notes("generate --ids 1,2 -n 2 --graph off --fusion on -m " + SPECK))
        .containsExactly("orrery generate: --fusion has no effect with --graph off");
    assertThat(notes("inspect --fusion off -m " + SPECK))
        .containsExactly("orrery inspect: --fusion has no effect without --program");
    assertThat(notes("dump --fusion on --ids 1 -m " + SPECK + " --out " + directory.resolve("f")))
        .singleElement()
        .asString()
        .startsWith("orrery dump: --fusion has no effect in dump");
  }

  @Test
  void stepsThatVerifyDraftsDoNotOverlap() {
    String mtp = "generate --ids 1,2 -n 2 -m " + TinyModels.speck("mtp") + " --overlap on";
    assertThat(notes(mtp)).isEmpty();
    assertThat(notes(mtp + " --speculative-algorithm mtp"))
        .containsExactly(
            "orrery generate: --overlap has no effect with --speculative-algorithm mtp");
  }

  @Test
  void aDumpWithoutAnMtpLayerCapturesNothing() {
    String dump = "dump -m %s --ids 1,2 --graph off --out " + directory.resolve("x");
    assertThat(notes(dump.formatted(SPECK)))
        .singleElement()
        .asString()
        .startsWith("orrery dump: --graph has no effect without an MTP layer");
    assertThat(notes(dump.formatted(TinyModels.speck("mtp")))).isEmpty();
  }

  @Test
  void aCommandDoesNotOfferWhatItCannotUse() {
    assertThat(flags("generate"))
        .doesNotContain("--max-queued-requests", "--prefix-cache", "--lpm")
        .contains("--choices", "--logprobs", "--prompt-file");
    assertThat(flags("dump"))
        .contains("--threads", "--kernels", "--graph", "--chunked-prefill-size")
        .doesNotContain("--page-size", "--schedule-policy", "--speculative-algorithm", "--lpm");
    assertThat(flags("demo"))
        .contains("--prompt", "--chat", "--prompt-file", "--temperature", "--lpm")
        .doesNotContain("--choices", "--logprobs", "--max-queued-requests");
    assertThat(flags("run-batch"))
        .contains("--max-queued-requests", "--prefix-cache")
        .doesNotContain("--temperature", "--choices");
  }

  private static List<String> flags(String command) {
    return Main.line().getSubcommands().get(command).getCommandSpec().options().stream()
        .map(o -> o.longestName())
        .toList();
  }

  @Test
  void theHelpShowsTheFlagsInGroupsWithTheEnginesApart() {
    StringWriter out = new StringWriter();
    PrintWriter writer = new PrintWriter(out);
    assertThat(Main.run(writer, writer, "generate", "--help")).isZero();
    assertThat(out.toString())
        .containsSubsequence(
            "--prompt-file",
            "How tokens are drawn:",
            "--top-p",
            "When an answer ends:",
            "--stop",
            "Engine, computing",
            "--threads",
            "Engine, memory:",
            "--page-size",
            "Engine, scheduling:",
            "Engine, speculation:",
            "Examples:");
    assertThat(out.toString().lines()).allMatch(l -> l.length() <= 80);
  }
}
