package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.EditedModel;
import orrery.EditedModel.Values;
import orrery.TinyModels;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.SafetensorsFile;
import orrery.checkpoint.TensorInfo;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;

/** The command line, called as a user calls it. */
class MainTest {
  private static final String SPECK = TinyModels.speck("bias").toString();

  @TempDir Path directory;

  static List<Path> models() {
    return TinyModels.classic();
  }

  /** The result of a run: exit code and all output. */
  private record Run(int code, String out, String err) {
    /** A mistake of the user's: its exit code, a line or two of explanation, no stack trace. */
    void assertMistake(int expected, String... named) {
      assertThat(code).as(err).isEqualTo(expected);
      assertThat(err).startsWith("orrery");
      assertThat(err.lines()).hasSizeLessThanOrEqualTo(3);
      assertThat(err).contains(named);
      assertThat(err).doesNotContain("\tat ").doesNotContain("Exception").doesNotContain("bug of");
    }

    Run assertDone() {
      assertThat(code).as(err).isZero();
      return this;
    }
  }

  private static Run run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int code = Main.run(new PrintWriter(out), new PrintWriter(err), args);
    return new Run(code, out.toString(), err.toString());
  }

  private static Run generate(String... args) {
    List<String> all = new ArrayList<>(List.of("generate", "-m", SPECK, "--ids", "3,14,15"));
    all.addAll(Arrays.asList(args));
    return run(all.toArray(String[]::new));
  }

  /** A speck that can read and write: the test tokenizer with an embedding as large. */
  private String speckWithTokenizer() throws IOException {
    EditedModel edited = EditedModel.of(TinyModels.speck("bias"));
    int vocab = 600;
    for (String name : new String[] {"model.embed_tokens.weight", "lm_head.weight"}) {
      Values small = edited.tensors.get(name).asF32();
      float[] rows = new float[vocab * 20];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = small.floats()[i % small.floats().length] * (1 + i / 2_000f);
      }
      edited.tensors.put(name, new Values(small.dtype(), new long[] {vocab, 20}, rows, null));
    }
    edited.config.put("vocab_size", vocab);
    Path model = Files.createDirectory(directory.resolve("model"));
    Path tokenizer = Path.of("src/test/resources/orrery/text/tokenizer.json");
    Files.copy(tokenizer, model.resolve("tokenizer.json"));
    return edited.writeTo(model).toString();
  }

  @Test
  void withoutACommandTheUsageIsShownAndTheExitCodeIsTwo() {
    Run run = run();
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).contains("orrery", "demo", "generate", "inspect", "dump", "Exit codes");
  }

  @Test
  void everyCommandAndOptionExplainsItself() {
    for (CommandLine command : Main.line().getSubcommands().values()) {
      String name = command.getCommandName();
      assertThat(command.getCommandSpec().usageMessage().description()).as(name).isNotEmpty();
      for (ArgSpec arg : command.getCommandSpec().args()) {
        assertThat(String.join(" ", arg.description()))
            .as("%s %s", name, arg)
            .hasSizeGreaterThan(5);
      }
      if (!name.equals("help")) {
        Run help = run(name, "--help").assertDone();
        assertThat(help.out()).contains("Usage: orrery " + name);
        assertThat(run("help", name).assertDone().out()).isEqualTo(help.out());
      }
    }
    assertThat(run("--version").assertDone().out()).startsWith("orrery ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "inspect -m nowhere                            | 1 | nowhere: no such directory",
        "inspect -m pom.xml                            | 1 | pom.xml: not a directory",
        "inspect -m src                                | 1 | model.safetensors",
        "inspect                                   -x  | 2 | Unknown option: '-x'",
        "generate -m SPECK --ids 1 --treads 2          | 2 | Unknown option: '--treads'; did you"
            + " mean --threads?",
        "frobnicate                                    | 2 | frobnicate",
        "genrate                                       | 2 | 'genrate'; did you mean generate?",
        "generate -m SPECK --ids 1 -n x                | 2 | '-n': 'x' is not an int",
        "generate -m SPECK --ids 1 -n 3 -n 4           | 2 | -n: expected once, found 3 and 4",
        "generate -m SPECK -p a -p b                   | 2 | -p: expected once, found a and b",
        "generate -m SPECK --ids 1 --lpm --lpm         | 2 | Unknown option: '--lpm'",
        "generate -m SPECK --ids 1 --ignore-eos --ignore-eos | 2 | --ignore-eos: expected once,"
            + " found 2 times",
        "demo --graph off --threads 1 --threads=2      | 2 | --threads: expected once, found 1 and"
            + " 2",
        "run-batch -i pom.xml -i pom.xml -o x          | 2 | -i: expected once, found pom.xml and"
            + " pom.xml",
        "generate -m SPECK                             | 2 | -p=TEXT",
        "generate -m SPECK --ids 1 -p a                | 2 | mutually exclusive",
        "generate -m SPECK --ids 1,x                   | 2 | 'x' is not an int",
        "generate -m SPECK --ids 1,97                  | 2 | ids from 0 to 96, found 97",
        "generate -m SPECK --ids -1                    | 2 | ids from 0 to 96, found -1",
        "generate -m SPECK --ids 1 --graph maybe       | 2 | expected on or off, found maybe",
        "generate -m SPECK --ids 1 --graph             | 2 | --graph",
        "generate -m SPECK --ids 1 --kernels fast      | 2 | --kernels",
        "generate -m SPECK --ids 1 --threads 0         | 2 | --threads: expected 1 to 256, found 0",
        "generate -m SPECK --ids 1 --speculative-algorithm mtp | 2 | expected ngram or off, since",
        "generate -m SPECK --ids 1 --speculative-algorithm x   | 2 | off, mtp or ngram, found x",
        "run-batch -m SPECK -i pom.xml -o x --speculative-algorithm mtp --speculative-num-steps 17"
            + " | 2 | --speculative-num-steps: expected 0 to 16, found 17",
        "run-batch -m SPECK -i pom.xml -o x --speculative-algorithm mtp | 2 | no MTP layer",
        "demo -m SPECK --speculative-acceptance x              | 2 | --speculative-acceptance",
        "generate -m SPECK --ids 1 --threads two       | 2 | --threads",
        "generate -m SPECK --ids 1 --top-p 3           | 2 | above 0, at most 1, found 3.0",
        "generate -m SPECK --ids 1 --temperature -1    | 2 | --temperature",
        "generate -m SPECK --ids 1 --max-tokens 0      | 2 | --max-tokens",
        "generate -m SPECK --ids 1 --stop-token-id 97  | 2 | --stop-token-id",
        "generate -m SPECK --ids 1 --logit-bias 5      | 2 | --logit-bias",
        "generate -m SPECK --ids 1 --logit-bias 500=1  | 2 | --logit-bias",
        "generate -m SPECK --ids 1 --context-length 999| 2 | at most the model's 256 positions",
        "generate -m SPECK --ids 1 --chunked-prefill-size -1| 2 | --chunked-prefill-size",
        "generate -m SPECK --ids 1,2,3 --context-length 3   | 2 | fewer tokens than the context",
        "generate -m SPECK --ids 1 --system be-kind    | 2 | --system: expected together with"
            + " --chat",
        "generate -m SPECK -p hello                    | 1 | tokenizer.json: expected a tokenizer",
        "generate -m SPECK -c hello                    | 1 | tokenizer.json: expected a tokenizer",
        "dump -m SPECK --ids 1                         | 2 | --out",
        "dump -m SPECK --out x                         | 2 | --ids",
        "dump -m SPECK --out x --ids 1 --text a        | 2 | mutually exclusive",
        "dump -m SPECK --out x --ids 97                | 2 | ids from 0 to 96, found 97",
        "dump -m SPECK --out x --text a                | 1 | tokenizer.json",
        "dump -m SPECK --ids 1 --out nowhere/x         | 1 | nowhere/x: expected a file in an"
            + " existing directory",
        "dump -m SPECK --ids 1 --out src               | 1 | src: expected a file to write",
        "dump -m SPECK --ids 1 --out /                 | 1 | expected a file to write",
        "serve -m nowhere --port 0                     | 1 | nowhere: no such directory",
        "serve -m SPECK --host 0.0.0.0 --port 0        | 2 | --host: expected a loopback address",
        "serve -m SPECK --host no.such.host.invalid    | 2 | --host: expected a known name",
        "serve -m SPECK --api-key a,,b --port 0        | 2 | --api-key: expected keys that are not",
        "demo -m nowhere                               | 1 | nowhere: no such directory",
        "demo -m SPECK                                 | 1 | tokenizer.json",
      })
  void aMistakeIsExplainedWithoutAStackTrace(String line, int code, String named) {
    run(line.replace("SPECK", SPECK).split(" +")).assertMistake(code, named);
    assertThat(Path.of("x")).doesNotExist();
    assertThat(Path.of("x.part")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--help",
        "--version",
        "help dump",
        "run-batch --help",
        "inspect -m SPECK",
        "inspect -m SPECK --tensors --program",
        "generate -m SPECK --ids 1 -n 100 --ignore-eos",
        "dump -m SPECK --ids 1,2 --out OUT",
        "demo --plain",
        "lab ballast -m SPECK --factor 2 --out OUT",
        "lab numbers -m tiny-models/speck-mtp",
      })
  void outputThatCannotBeWrittenIsOneLineAndExitCodeOne(String line) {
    for (int room : new int[] {0, 10}) {
      OutputStream disk =
          new OutputStream() {
            private int left = room;

            @Override
            public void write(int b) throws IOException {
              if (left-- <= 0) {
                throw new IOException("No space left on device");
              }
            }
          };
      Path out = directory.resolve("out-" + room);
      String args = line.replace("SPECK", SPECK).replace("OUT", out.toString());
      StringWriter err = new StringWriter();
      StandardOutput stdout = new StandardOutput(disk);
      int code =
          Main.run(
              new PrintWriter(stdout, true),
              new PrintWriter(err),
              args.isEmpty() ? new String[0] : args.split(" "));
      assertThat(code).as(err.toString()).isEqualTo(1);
      assertThat(err.toString().lines())
          .singleElement()
          .asString()
          .matches("orrery[a-z -]*: standard output: cannot be written: No space left on device");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "demo --plain --kernels scalar --threads 1",
        "lab batching -m tiny-models/storyteller-moe",
        "bench kernels --threads 1",
      })
  void aCommandThatIsInterruptedSaysSoAndEndsSoon(String line) throws Exception {
    StringWriter err = new StringWriter();
    FutureTask<Integer> command =
        new FutureTask<>(
            () ->
                Main.run(new PrintWriter(new Interrupts()), new PrintWriter(err), line.split(" ")));
    Thread thread = Thread.ofPlatform().start(command);
    if (line.startsWith("lab")) { // it prints elsewhere, and takes long
      thread.join(300);
      thread.interrupt();
    }
    assertThat(command.get(10, TimeUnit.MINUTES)).as(err.toString()).isEqualTo(130);
    assertThat(err.toString().lines()).last().asString().matches("orrery[a-z ]*: interrupted");
  }

  /** Interrupts the command that prints its first words: later it could be over. */
  private static final class Interrupts extends StringWriter {
    private boolean begun;

    @Override
    public void write(String text, int from, int length) {
      if (!begun) {
        begun = true;
        Thread.currentThread().interrupt();
      }
      super.write(text, from, length);
    }
  }

  @Test
  void aBrokenCheckpointIsNamed() throws IOException {
    Files.writeString(directory.resolve("model.safetensors"), "no header at all");
    run("inspect", "-m", directory.toString())
        .assertMistake(1, directory.resolve("model.safetensors") + ": header length");
  }

  @Test
  void theErrorOfAContextTooLargeForTheMemorySaysSo() {
    EditedModel edited = EditedModel.of(TinyModels.speck("bias"));
    edited.config.put("max_position_embeddings", Integer.MAX_VALUE);
    String model = edited.writeTo(directory).toString();
    String[] args = {
      "generate",
      "-m",
      model,
      "--ids",
      "1",
      "-n",
      "1",
      "--max-running-requests",
      "1",
      "--context-length",
      ""
    };
    run(Arrays.copyOf(args, 9)).assertDone(); // by default no more than is reasonable
    args[10] = "250000000"; // 2 billion floats a stream: more than the tests' heap
    run(args).assertMistake(2, "--context-length: a KV cache of 250,000,", "GiB", "are left");
    args[10] = "2000000000"; // more than an array holds
    run(args).assertMistake(2, "--context-length: a KV cache of 2,000,000,", "GiB", "are left");
  }

  @Test
  void blanksAloneAreNoPrompt() throws IOException {
    String model = speckWithTokenizer();
    for (String prompt : new String[] {"", "   "}) {
      run("generate", "-m", model, "-p", prompt).assertMistake(2, "-p: expected some text");
    }
    run("dump", "-m", model, "--text", "", "--out", directory.resolve("x").toString())
        .assertMistake(2, "--text: expected 1 to");
  }

  @Test
  void aPromptIsShownAndContinuedAndAChatOnlyAnswered() throws IOException {
    String model = speckWithTokenizer();
    Run text = run("generate", "-m", model, "-p", "Once upon a time ", "-n", "5").assertDone();
    assertThat(text.out()).startsWith("Once upon a time").hasSizeGreaterThan(16).endsWith("\n");
    assertThat(text.err()).contains("prompt   ", "answer   5 tokens", "length (5 tokens)");
    Run chat =
        run("generate", "-m", model, "-c", "Hi", "--system", "Be kind", "-n", "5").assertDone();
    assertThat(chat.out()).doesNotContain("Hi").doesNotContain("<|");
  }

  @Test
  void thePromptsIdsGiveTheSameAnswerWhateverTheSwitchesSay() {
    String[] sampled = {"--temperature", "0.9", "--top-p", "0.9", "--seed", "5", "-n", "20"};
    String expected = generate(sampled).assertDone().out();
    assertThat(expected).startsWith("[3, 14, 15] ");
    assertThat(expected.substring(12).trim().split(" ")).hasSizeBetween(1, 20);
    for (String flags :
        new String[] {
          "--graph off",
          "--graph=on",
          "--fusion off",
          "--threads 2",
          "--kernels scalar",
          "--kernels VECTOR",
          "--chunked-prefill-size 1",
          "--context-length 100",
          "--speculative-algorithm ngram --speculative-ngram-min 1",
          "--speculative-algorithm off --speculative-num-steps 1"
        }) {
      List<String> args = new ArrayList<>(Arrays.asList(sampled));
      args.addAll(Arrays.asList(flags.split(" ")));
      assertThat(generate(args.toArray(String[]::new)).assertDone().out())
          .as(flags)
          .isEqualTo(expected);
    }
    sampled[5] = "6";
    assertThat(generate(sampled).out()).isNotEqualTo(expected);
  }

  @Test
  void everyValueOfARepeatedFlagCounts() {
    Run biased =
        generate("--logit-bias", "40=1e6", "--logit-bias", "41=-1e6", "-n", "3").assertDone();
    assertThat(biased.out().trim()).isEqualTo("[3, 14, 15] 40 40 40");
    Run stopped =
        generate("--logit-bias", "40=1e6", "--stop-token-id", "7", "--stop-token-id", "40")
            .assertDone();
    assertThat(stopped.out().trim()).isEqualTo("[3, 14, 15] 40");
    assertThat(stopped.err()).contains("stop (token 40)");
  }

  @Test
  void logprobsGoToStandardErrorOneLineAToken() {
    Run run = generate("--logprobs", "2", "-n", "3", "--ignore-eos").assertDone();
    assertThat(run.err().lines().filter(l -> l.matches("#\\d+ -\\d+\\.\\d{3}( +#\\d+ -.*){2}")))
        .hasSize(3);
  }

  @Test
  void logprobsOfThePromptGoToStandardErrorOneLineATokenAndOneForAll() {
    Run run = generate("--prompt-logprobs", "1", "-n", "1").assertDone();
    List<String> lines = run.err().lines().filter(l -> l.startsWith("prompt ")).toList();
    assertThat(lines).hasSize(4); // 3 ids, of which the first has none
    assertThat(lines.get(0)).matches("prompt   #14 -\\d+\\.\\d{3}   #\\d+ -\\d+\\.\\d{3}");
    assertThat(lines.get(1)).matches("prompt   #15 -\\d+\\.\\d{3}   #\\d+ -\\d+\\.\\d{3}");
    double sum = 0;
    for (String line : lines.subList(0, 2)) {
      sum += Double.parseDouble(line.split(" +")[2]);
    }
    String[] all = lines.get(2).split("[ ,]+");
    assertThat(lines.get(2)).matches("prompt   log-probability .* of 2 tokens, perplexity .*");
    assertThat(Double.parseDouble(all[2])).isCloseTo(sum, within(2e-3));
    assertThat(Double.parseDouble(all[7])).isCloseTo(Math.exp(-sum / 2), within(0.3));
    assertThat(lines.get(3)).startsWith("prompt   3 tokens (0 cached)");
  }

  @ParameterizedTest
  @MethodSource("models")
  void inspectCountsEveryParameterOfTheCheckpointOnce(Path model) {
    long tensors;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      tensors = checkpoint.infos().stream().mapToLong(TensorInfo::elements).sum();
    }
    Run run = run("inspect", "-m", model.toString()).assertDone();
    List<String> rows = run.out().lines().filter(l -> l.matches(".*( +[\\d,]+){4}$")).toList();
    long[] sums = new long[2];
    for (String row : rows.subList(0, rows.size() - 1)) {
      sums[0] += number(row, 0);
      sums[1] += row.startsWith("mtp") ? 0 : number(row, 1);
    }
    String all = rows.getLast();
    assertThat(all).startsWith("all");
    assertThat(number(all, 0)).isEqualTo(sums[0]).isEqualTo(tensors);
    assertThat(number(all, 1)).isEqualTo(sums[1]).isLessThanOrEqualTo(tensors);
    assertThat(run.out()).contains(model.toString(), "glm4_moe", "KV cache", "tokenizer");
  }

  /** One of the four numbers at the end of a row. */
  private static long number(String row, int column) {
    String[] words = row.trim().split(" +");
    return Long.parseLong(words[words.length - 4 + column].replace(",", ""));
  }

  @Test
  void inspectListsEveryTensorIfAsked() {
    Run run = run("inspect", "-m", SPECK, "--tensors").assertDone();
    try (Checkpoint checkpoint = Checkpoint.open(Path.of(SPECK))) {
      assertThat(run.out()).contains(checkpoint.names());
    }
    assertThat(run.out()).contains("model.embed_tokens.weight", "[97, 20]");
  }

  @Test
  void dumpWritesAFileThatCanBeReadAndReplacesIt() throws IOException {
    Path file = directory.resolve("out.safetensors");
    for (String ids : new String[] {"1,2,3,4", "5,6"}) {
      Run run = run("dump", "-m", SPECK, "--ids", ids, "--out", file.toString()).assertDone();
      int n = ids.split(",").length;
      assertThat(run.out().trim()).isEqualTo(file + ": " + n + " tokens");
      try (SafetensorsFile dump = SafetensorsFile.open(file)) {
        assertThat(dump.tensor("logits").shape()).containsExactly(n, 97);
        assertThat(dump.tensor("streams.3").shape()).containsExactly(n, 20);
      }
    }
    assertThat(directory.toFile().list()).containsExactly("out.safetensors");
    Path plain = Files.createFile(directory.resolve("plain"));
    assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(plain));
  }
}
