package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.files.OutputFile;
import orrery.openai.OpenAiRequest;
import orrery.openai.OpenAiResponse;
import orrery.sampling.RandomSeed;

/** A batch that was stopped leaves a part, and the next run goes on with it. */
class ResumeTest {
  private static final Path SPECK = TinyModels.speck("groups");

  @TempDir Path directory;
  private Path input;
  private Path output;
  private Path part;
  private List<String> whole; // answers of a run that was not stopped

  private record Run(int code, String err) {}

  @BeforeEach
  void anAnsweredBatch() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 1; i <= 9; i++) {
      lines.add(line("id-" + i, "\"prompt\":[" + i + ",2,3],\"max_tokens\":" + i));
    }
    lines.set(2, ""); // blank, but counted
    lines.set(4, "no json");
    lines.set(5, line("refused", "\"prompt\":[]"));
    lines.set(6, line("named", "\"prompt\":[1],\"model\":\"my model\""));
    input = Files.write(directory.resolve("in.jsonl"), lines);
    output = directory.resolve("out.jsonl");
    part = directory.resolve("out.jsonl.part");
    assertThat(run().code()).isZero();
    whole = Files.readAllLines(output);
    assertThat(whole).hasSize(8);
    Files.delete(output);
  }

  private static String line(String id, String body) {
    return "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{%s}}"
        .formatted(id, body);
  }

  private Run run(String... flags) {
    List<String> args = new ArrayList<>(List.of("run-batch", "-m", SPECK.toString()));
    args.addAll(List.of("-i", input.toString(), "-o", output.toString()));
    args.addAll(Arrays.asList(flags));
    StringWriter err = new StringWriter();
    PrintWriter out = new PrintWriter(new StringWriter());
    int code = Main.run(out, new PrintWriter(err), args.toArray(String[]::new));
    return new Run(code, err.toString());
  }

  private void assertWhole(Run run) throws IOException {
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Files.readAllLines(output)).isEqualTo(whole);
    assertThat(part).doesNotExist();
    Files.delete(output);
  }

  @Test
  void aResumedRunWritesTheBytesOfARunThatWasNeverStopped() throws IOException {
    byte[] all = (String.join("\n", whole) + "\n").getBytes(StandardCharsets.UTF_8);
    int first = whole.getFirst().length(); // where the line ends; these are ASCII
    for (int cut : new int[] {0, 1, first, first + 1, first + 2, 900, all.length - 1, all.length}) {
      Files.write(part, Arrays.copyOf(all, cut));
      Run run = run("--resume");
      assertWhole(run);
      long kept = new String(all, 0, cut, StandardCharsets.UTF_8).lines().count();
      kept -= cut == 0 || all[cut - 1] == '\n' ? 0 : 1; // a torn line is no answer
      assertThat(run.err())
          .contains(
              "requests  6 answered, 2 failed" + (kept == 0 ? "," : " (" + kept + " of them"));
    }
  }

  @Test
  void aRepeatedIdIsRefusedAlsoIfTheEarlierRunAnsweredItsFirstLine() throws IOException {
    String again = line("id-1", "\"prompt\":[1],\"max_tokens\":1") + "\n";
    Files.writeString(input, again, StandardOpenOption.APPEND);
    assertThat(run().code()).isZero();
    whole = Files.readAllLines(output);
    assertThat(whole.getLast()).contains("found \\\"id-1\\\", which line 1 has");
    Files.delete(output);
    Files.write(part, List.of(whole.get(0), whole.get(1), whole.get(3)));
    assertWhole(run("--resume"));
  }

  @Test
  void answersBehindAGapAreTakenToo() throws IOException {
    String marked = whole.get(5).replace("\"created\":0", "\"created\":7");
    assertThat(marked).isNotEqualTo(whole.get(5));
    Files.write(part, List.of(whole.get(0), whole.get(1), whole.get(3), marked, whole.get(7)));
    Files.writeString(part, "{\"id\":\"batch_req_2", StandardOpenOption.APPEND);
    whole.set(5, marked); // it was not computed again
    Run run = run("--resume");
    assertWhole(run);
    assertThat(run.err()).contains("(5 of them by an earlier run)");
  }

  @Test
  void ifARunFailsAnAnswerThatIsReadyIsKeptBehindOneThatIsNot() throws Exception {
    Files.write(
        input,
        List.of(
            line("long", "\"prompt\":[1],\"max_tokens\":200,\"ignore_eos\":true"),
            line("short", "\"prompt\":[2],\"max_tokens\":2"),
            line("late", "\"prompt\":[3],\"max_tokens\":220,\"ignore_eos\":true")));
    assertThat(run().code()).isZero();
    whole = Files.readAllLines(output);
    Files.delete(output);
    CountDownLatch opened = new CountDownLatch(3); // lines
    CountDownLatch underWay = new CountDownLatch(1);
    CountDownLatch failed = new CountDownLatch(1);
    EventSink sink =
        event -> {
          if (event instanceof Event.TokenOut t && t.request() == 0 && t.index() == 0) {
            awaited(opened); // else the first answer could be far on before the second line is read
          }
          if (event instanceof Event.TokenOut t && t.request() == 0 && t.index() == 99) {
            underWay.countDown();
            awaited(failed); // the engine stands still, and the second line has its answer
          }
        };
    Consumer<BatchTally> fails =
        tally -> {
          opened.countDown();
          if (underWay.getCount() == 0) {
            throw new IllegalStateException("the machine is on fire");
          }
        };
    BatchTally tally = new BatchTally();
    try (LoadedModel model = LoadedModel.load(SPECK);
        Engine engine = Engine.start(model, EngineOptions.defaults(), sink);
        BatchOutput out = new BatchOutput(OutputFile.of(output), 0);
        BatchLines lines = new BatchLines(input)) {
      BatchRun run =
          new BatchRun(
              engine,
              new OpenAiRequest.Reader(model, 250),
              RandomSeed.NONE,
              new BatchResponse(new OpenAiResponse(model.tokenizer(), false, false)),
              out,
              new BatchPart(part),
              new CustomIds(),
              "speck-groups",
              tally,
              fails);
      assertThatThrownBy(() -> run.run(lines)).hasMessage("the machine is on fire");
      failed.countDown();
    }
    assertThat(Files.readAllLines(part)).containsExactly(whole.get(1));
    assertThat(tally.written()).isEqualTo(1);
    assertWhole(run("--resume"));
  }

  private static void awaited(CountDownLatch latch) {
    try {
      assertThat(latch.await(5, TimeUnit.MINUTES)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void noRunThrowsAnswersAwayUnlessTheUserAsksForIt() throws IOException {
    Files.write(part, whole.subList(0, 3));
    Run refused = run();
    assertThat(refused.code()).isEqualTo(1);
    assertThat(refused.err())
        .contains(
            "out.jsonl.part: holds 3 answers of a run that was stopped", "--resume", "--start-");
    assertThat(Files.readAllLines(part)).isEqualTo(whole.subList(0, 3));
    assertThat(run("--resume", "--start-over").code()).isEqualTo(2);
    Run anew = run("--start-over");
    assertWhole(anew);
    assertThat(anew.err()).doesNotContain("earlier");
    Files.writeString(part, "{\"id\":\"ba"); // no answer: nothing would be lost
    assertWhole(run());
    assertWhole(run("--resume")); // nothing to go on after
  }

  @Test
  void theAnswersOfAnotherRunAreRefusedAndKept() throws IOException {
    String[][] cases = {
      {whole.get(1).replace("id-2", "id-3"), "line 2", "custom_id \"id-2\", found \"id-3\""},
      {whole.get(1).replace("\"id-2\"", "null"), "line 2", "custom_id \"id-2\", found none"},
      {whole.get(1).replace("speck-groups", "other"), "line 2", "model \"speck-groups\""},
      {whole.get(1).replace("batch_req_2", "batch_req_3"), "line 3", "found none of that number"},
      {whole.get(1).replace("batch_req_2", "batch_req_4"), "line 4", "custom_id \"id-4\""},
      {whole.get(1).replace("batch_req_2", "batch_req_99"), "line 99", "found none of that num"},
      {whole.get(3).replace("null", "\"id-5\""), "line 5", "custom_id none, found \"id-5\""},
      {whole.get(1).replace("batch_req_", "chat-"), "part: line 2: expected an answer of run-b"},
      {"precious notes", "part: line 2: expected an answer of run-batch"},
      {"", "part: line 2: expected an answer of run-batch"},
    };
    for (String[] c : cases) {
      List<String> found = List.of(whole.get(0), c[0]);
      Files.write(part, found);
      Run run = run("--resume");
      assertThat(run.code()).as("%s%n%s", c[0], run.err()).isEqualTo(1);
      assertThat(run.err())
          .contains(Arrays.copyOfRange(c, 1, c.length))
          .contains("out.jsonl.part: ")
          .doesNotContain("goes on after");
      assertThat(output).doesNotExist();
      assertThat(Files.readAllLines(part)).as(c[0]).containsAll(found);
    }
  }

  @Test
  void aPartThatIsNoPlainFileIsNeitherResumedNorOverwritten() throws IOException {
    Path precious = Files.writeString(directory.resolve("precious"), "precious");
    Files.createSymbolicLink(part, precious);
    for (String[] flags : new String[][] {{}, {"--resume"}, {"--start-over"}}) {
      Run run = run(flags);
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.err())
          .contains("out.jsonl.part: expected answers of an earlier run, found no");
    }
    assertThat(precious).hasContent("precious");
    Files.delete(part);
    output = Path.of("/dev/null");
    Run stream = run("--resume");
    assertThat(stream.code()).isEqualTo(2);
    assertThat(stream.err())
        .contains("--resume: expected a file of answers, found the stream /dev/n");
  }

  @Test
  void twoRunsDoNotWriteOneFile() throws IOException {
    Files.write(part, whole.subList(0, 2));
    try (FileChannel other = FileChannel.open(part, StandardOpenOption.WRITE)) {
      other.lock();
      Run run = run("--resume");
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.err())
          .contains("out.jsonl.part: cannot be written: another run is writing it");
    }
    assertThat(Files.readAllLines(part)).isEqualTo(whole.subList(0, 2));
    assertWhole(run("--resume"));
  }
}
