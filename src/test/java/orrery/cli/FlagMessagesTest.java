package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** An error about a bad value names the flag, whichever part of the engine finds it. */
class FlagMessagesTest {
  private static final String SPECK = TinyModels.speck("bias").toString();

  /** Beginnings of command lines that are complete. */
  private static final String GENERATE = "generate -m SPECK --ids 1 ";

  private static final String BATCH = "run-batch -m SPECK -i docs/examples/batch.jsonl -o OUT ";
  private static final String TIERS = "--enable-hierarchical-cache ";
  private static final String DUMP = "dump -m SPECK --ids 1 --out OUT ";
  private static final String SERVE = "serve -m SPECK ";
  private static final String V4 = "generate -m tiny-models/speck-v4-mtp --ids 1 ";
  private static final String MTP = GENERATE + "--speculative-algorithm mtp ";

  /** Flags with a number: a bad number for each, and a part of the error. */
  private static final List<String[]> NUMBERS =
      List.of(
          of(GENERATE, "--temperature -1", "expected a finite number of at least 0, found -1.0"),
          of(GENERATE, "--temperature NaN", "expected a finite number of at least 0, found NaN"),
          of(GENERATE, "--top-k -2", "or 0 or -1 for all tokens, found -2"),
          of(GENERATE, "--top-p 0", "expected a number above 0, at most 1, found 0.0"),
          of(GENERATE, "--min-p 2", "expected a number from 0 to 1, found 2.0"),
          of(GENERATE, "--seed x", "'x' is not a long"),
          of(
              GENERATE,
              "--repetition-penalty 0",
              "expected a number above 0, at most 2 (1 is none)"),
          of(GENERATE, "--frequency-penalty 3", "expected a number from -2 to 2, found 3.0"),
          of(GENERATE, "--presence-penalty -3", "expected a number from -2 to 2, found -3.0"),
          of(GENERATE, "--logit-bias -1=1", "expected token ids of at least 0, found -1"),
          of(GENERATE, "--logit-bias 1=NaN", "expected a number or -Infinity, found NaN"),
          of(GENERATE, "--logit-bias 97=1", "expected ids below the vocabulary size 97, found 97"),
          of(GENERATE, "--max-tokens 0", "expected a number of at least 1, found 0"),
          of(GENERATE, "-n -1", "expected a number of at least 1, found -1"),
          of(GENERATE, "--min-tokens 200", "expected a number from 0 to --max-tokens (128)"),
          of(GENERATE, "--stop-token-id 97", "expected ids below the vocabulary size 97, found 97"),
          of(GENERATE, "--stop-token-id -1", "expected ids of at least 0, found -1"),
          of(GENERATE, "--logprobs 21", "expected a number from 0 to 20, or -1 for none, found 21"),
          of(GENERATE, "--prompt-logprobs -2", "expected a number from 0 to 20, or -1 for none"),
          of(GENERATE, "--choices 0", "expected a number of at least 1, found 0"),
          of("generate -m SPECK ", "--ids 97", "expected token ids from 0 to 96, found 97"),
          of(SERVE, "--port 65536", "expected 0 to 65535, found 65536"),
          of(SERVE, "--max-body 0", "expected at least 1, found 0"),
          of(SERVE, "--max-connections 0", "expected at least 1, found 0"),
          of(SERVE, "--request-timeout -1", "expected 0 to 1,000,000,000, found -1.0"),
          of(SERVE, "--disaggregation-bootstrap-port 0", "expected 1 to 65535, found 0"),
          of(SERVE, "--num-reserved-decode-tokens -1", "expected at least 0, found -1"),
          of(SERVE, "--disaggregation-bootstrap-timeout 0", "expected at least 1, found 0"),
          of(SERVE, "--disaggregation-waiting-timeout 0", "expected at least 1, found 0"),
          of(
              SERVE,
              "--disaggregation-prefill-hosts a,http://b:70",
              "expected HOST or HOST:PORT, a name or an address each, with commas between, or *,"
                  + " found http://b:70"),
          of(
              SERVE,
              "--disaggregation-prefill-hosts a,,b",
              "expected HOST or HOST:PORT, a name or an address each, with commas between, or *,"
                  + " found an empty entry"),
          of(SERVE, "--expected-concurrency 0", "expected at least 1, found 0"),
          of(SERVE, "--batch-wait-millis -1", "expected at least 0, found -1"),
          of(GENERATE, "--threads 0", "expected 1 to 256, found 0"),
          of(GENERATE, "--page-size -1", "expected at least 1, or 0 for the context length"),
          of(GENERATE, "--max-total-tokens -1", "expected at least 1, or 0, found -1"),
          of(GENERATE, "--max-total-tokens 3", "expected at least one page of 16 tokens, found 3"),
          of(
              GENERATE,
              "--swa-full-tokens-ratio -0.1",
              "expected more than 0 and at most 1, or 0, found -0.1"),
          of(GENERATE, "--context-length -1", "expected at least 1, or 0 for the model's"),
          of(GENERATE, "--context-length 999", "expected at most the model's 256 positions"),
          of(
              V4 + "--enable-hisparse ",
              "--hisparse-config {\"device_buffer_size\":2}",
              "expected device_buffer_size of at least 3, which a decode step may choose, found 2"),
          of(GENERATE, "--schedule-conservativeness 0", "expected above 0, at most 10, found 0.0"),
          of(GENERATE, "--chunked-prefill-size -1", "expected at least 1, or 0, found -1"),
          of(GENERATE, "--max-running-requests 0", "expected 1 to 4096, found 0"),
          of(MTP, "--speculative-num-steps 17", "expected 0 to 16, found 17"),
          of(
              MTP,
              "--speculative-disable-by-batch-size -1",
              "expected at least 1, or 0 for no limit"),
          of(MTP, "--speculative-ngram-min 0", "expected 1 to 64, found 0"),
          of(MTP, "--speculative-ngram-max 1", "expected from the shortest run 2 to 64, found 1"),
          of(
              MTP,
              "--speculative-synthetic-accept-length 9",
              "expected 1 to --speculative-num-steps + 1, or 0 for off, found 9.0"),
          of(BATCH + TIERS, "--hicache-ratio 0", "expected more than 0, found 0.0"),
          of(BATCH + TIERS, "--hicache-size -1", "expected more than 0 GB, or 0, found -1.0"),
          of(
              BATCH + TIERS,
              "--hicache-size 1e-9",
              "expected host memory for at least one block of"),
          of(BATCH + TIERS, "--hicache-storage-size 0", "expected more than 0 GB, found 0.0"),
          of(
              BATCH + TIERS,
              "--hicache-storage-prefetch-threshold 0",
              "expected at least 1 token, found 0"),
          of(BATCH, "--max-queued-requests 0", "expected at least 1, found 0"),
          of(BATCH, "--random-seed x", "'x' is not a long"),
          of("demo ", "--frame-millis -1", "expected 0 to 60000, found -1"),
          of("demo -m SPECK ", "--threads 257", "expected 1 to 256, found 257"),
          of(DUMP, "--threads 0", "expected 1 to 256, found 0"),
          of(
              "dump -m tiny-models/speck-mtp --ids 1 --out OUT ",
              "--drafts -1",
              "expected at least 0, found -1"),
          of(DUMP, "--chunked-prefill-size -1", "expected at least 1, or 0, found -1"),
          of("dump -m SPECK --out OUT ", "--ids 97", "expected token ids from 0 to 96, found 97"),
          of("lab batching ", "--threads 0", "expected 1 to 256, found 0"),
          of("lab batching ", "--rounds 0", "expected 1 to 1000, found 0"),
          of("lab batching ", "--seed x", "'x' is not a long"),
          of("lab throughput ", "--batch 0", "expected 1 to 4096, found [0]"),
          of("lab throughput ", "--prompt 0", "expected at least 1"),
          of("lab throughput ", "--tokens 0", "expected at least 2, found 0"),
          of("lab overlap ", "--host-delay -1", "expected 0 to 1000000 microseconds, found -1"),
          of("lab frontier ", "--input 0", "expected 1 to"),
          of("lab frontier ", "--output 0", "expected 1 to"),
          of("lab ops ", "--rows 0", "expected 1 to"),
          of("lab ops ", "--context 0", "expected"),
          of("lab ops ", "--seconds 601", "expected above 0, at most 600, found 601.0"),
          of("lab ballast --out OUT ", "--factor 0", "expected at least 1, found 0"),
          of("bench kernels ", "--threads 0", "expected"),
          of("bench kernels ", "--seconds 0", "expected"));

  /** Flags with a word. */
  private static final List<String[]> WORDS =
      List.of(
          of(SERVE, "--disaggregation-mode both", "expected null, prefill or decode, found both"),
          of(GENERATE, "--kernels fast", "expected scalar, vector or auto, found fast"),
          of(GENERATE, "--graph maybe", "expected on or off, found maybe"),
          of(GENERATE, "--schedule-policy lifo", "expected static, sglang, vllm, trtllm or"),
          of(GENERATE, "--enable-mixed-chunk x", "expected on or off, found x"),
          of(GENERATE, "--speculative-algorithm eagle", "expected off, mtp or ngram, found eagle"),
          of(GENERATE, "--speculative-acceptance x", "expected coupled, target-only or rejection"),
          of(GENERATE, "--speculative-coupled-drafts x", "expected on or off, found x"),
          of(BATCH, "--prefix-cache tree", "expected off, radix or hash, found tree"),
          of(
              BATCH,
              "--hicache-write-policy never",
              "expected write-through, write-through-selective or write-back, found never"),
          of(BATCH + TIERS, "--hicache-storage-backend s3", "expected none or file, found s3"),
          of(
              BATCH,
              "--hicache-storage-backend file",
              "expected none without --enable-hierarchical-cache, found file"),
          of(
              BATCH + TIERS + "--hicache-storage-backend file ",
              "--hicache-storage-dir pom.xml",
              "expected a directory that can be written, found pom.xml"),
          of(
              BATCH,
              "--hicache-storage-prefetch-policy never",
              "expected best-effort, wait-complete or timeout, found never"),
          of(BATCH, "--radix-eviction-policy mru", "expected lru, lfu or fifo, found mru"),
          of(
              GENERATE,
              "--enable-hisparse",
              "expected a model with an indexer, which chooses the entries that a row reads, found"
                  + " glm4_moe without one"),
          of(GENERATE, "--hisparse-config 7", "expected a JSON object, found 7"),
          of(GENERATE, "--hisparse-config {", "expected JSON, found"),
          of(
              GENERATE,
              "--hisparse-config {\"topk\":3}",
              "expected the keys top_k and device_buffer_size, found \"topk\""),
          of(
              GENERATE,
              "--hisparse-config {\"host_to_device_ratio\":2}",
              "expected no host_to_device_ratio, since max-total-tokens sizes the host"),
          of(
              GENERATE,
              "--hisparse-config {\"top_k\":0}",
              "expected a whole number of at least 1 for top_k, found 0"),
          of(
              V4 + "--enable-hisparse ",
              "--hisparse-config {\"top_k\":4}",
              "expected \"top_k\" 3, the model's index_topk, found 4"),
          of(
              "generate -m SPECK ",
              "--ids 1,2,3 --context-length 3",
              "fewer tokens than the context"),
          of(
              GENERATE + "--max-total-tokens 16 ",
              "-n 100",
              "request: prompt and -n make 101 tokens"),
          of("generate -m SPECK ", "--prompt-file nowhere", "no such file"));

  @TempDir Path directory;

  private static String[] of(String before, String flag, String message) {
    return new String[] {before, flag, message};
  }

  static Stream<Object[]> cases() {
    return Stream.concat(NUMBERS.stream(), WORDS.stream()).map(c -> (Object[]) c);
  }

  /** Exit code and standard error of a command line. */
  private record Run(int code, String err) {}

  private Run run(String line) {
    String out = directory.resolve("out").toString();
    StringWriter err = new StringWriter();
    String[] args = line.replace("SPECK", SPECK).replace("OUT", out).trim().split(" +");
    int code = Main.run(new PrintWriter(new StringWriter()), new PrintWriter(err), args);
    return new Run(code, err.toString());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void theErrorOfABadValueNamesTheFlagAsItWasWritten(String before, String flag, String message) {
    Run run = run(before + flag);
    String name = flag.split(" ")[0];
    assertThat(run.code()).as(run.err()).isBetween(1, 2);
    assertThat(run.err().lines().findFirst().orElseThrow()).contains(message);
    if (!message.startsWith("no such")) { // a file is named by its name
      assertThat(run.err()).containsPattern(name + "(:|' ?|.* : | make )");
    }
    assertThat(directory).isEmptyDirectory();
  }

  @Test
  void everyFlagWithANumberIsInTheTable() {
    Set<String> tested = new TreeSet<>();
    NUMBERS.forEach(c -> tested.add(c[1].split(" ")[0]));
    Set<String> missing = new TreeSet<>();
    commands(Main.line())
        .flatMap(c -> c.getCommandSpec().options().stream())
        .filter(FlagMessagesTest::isNumber)
        .filter(o -> Arrays.stream(o.names()).noneMatch(tested::contains))
        .forEach(o -> missing.add(o.longestName()));
    assertThat(missing).isEmpty();
  }

  private static Stream<CommandLine> commands(CommandLine line) {
    return Stream.concat(
        Stream.of(line),
        line.getSubcommands().values().stream().flatMap(FlagMessagesTest::commands));
  }

  private static boolean isNumber(OptionSpec option) {
    return Set.of(int.class, long.class, double.class, Integer.class).contains(option.type());
  }
}
