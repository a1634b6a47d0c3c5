package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** The demo with its own prompts and with the user's. */
class DemoCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @TempDir Path directory;

  private int run(String... args) {
    return Main.run(new PrintWriter(out), new PrintWriter(err), args);
  }

  /** The texts, each behind a line that tells its kind. */
  private List<String> texts() {
    List<String> texts = new ArrayList<>();
    List<String> lines = out.toString().lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).startsWith("── ")) {
        texts.add(lines.get(i).substring(3) + ": " + lines.get(i + 1));
      }
    }
    return texts;
  }

  @Test
  void theUsersPromptsAreServedInsteadOfTheDozen() throws IOException {
    Path file = Files.writeString(directory.resolve("p.txt"), "max: 23 71 45 8 =>\n");
    int code =
        run(
            "demo",
            "sort: 62 93 84 41 54 =>",
            "-p",
            "add: 27 + 45 =>",
            "--prompt-file",
            file.toString(),
            "-c",
            "What is the opposite of hot?",
            "--stop",
            "\n",
            "-n",
            "40");
    assertThat(code).as(err.toString()).isZero();
    assertThat(texts())
        .containsExactly(
            "prompt · stop: sort: 62 93 84 41 54 => 41 54 62 84 93",
            "prompt · stop: add: 27 + 45 => 72",
            "prompt · stop: max: 23 71 45 8 => 71",
            "chat · stop: What is the opposite of hot? The opposite of hot is cold.");
    assertThat(out.toString()).contains("4 requests in ");
  }

  @Test
  void flagsOfSamplingHaveNoEffectOnTheDozen() {
    int code =
        run("demo", "--plain", "--seed", "3", "--frame-millis", "5", "--max-total-tokens", "2048");
    assertThat(code).as(err.toString()).isZero();
    assertThat(texts()).hasSize(12);
    assertThat(err.toString())
        .contains("orrery demo: --seed has no effect without a prompt of your own")
        .contains("orrery demo: --frame-millis has no effect where the view is not live");
  }

  @Test
  void paddingRowsOfAStaticBatchAreTold() {
    int code =
        run(
            "demo",
            "-n",
            "12",
            "--schedule-policy",
            "static",
            "add: 27 + 45 =>",
            "Once upon a time there was a");
    assertThat(code).as(err.toString()).isZero();
    assertThat(out.toString())
        .containsPattern("step +\\d+ \\| .* \\+ +\\d+ padding rows")
        .containsPattern("\\d+ of the \\d+ rows were padding \\(\\d+ %\\)");
  }

  @Test
  void aPromptIsReadFromAFileOrFromStandardInput() throws IOException {
    Path file = Files.writeString(directory.resolve("p.txt"), "add: 27 + 45 =>\n\n");
    String[] args = {"generate", "--prompt-file", file.toString(), "--stop", "\n"};
    assertThat(run(args)).as(err.toString()).isZero();
    assertThat(out.toString()).isEqualTo("add: 27 + 45 => 72" + System.lineSeparator());
    out.getBuffer().setLength(0);
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream("max: 23 71 45 8 =>".getBytes(StandardCharsets.UTF_8)));
    try {
      args[2] = "-";
      assertThat(run(args)).as(err.toString()).isZero();
    } finally {
      System.setIn(before);
    }
    assertThat(out.toString()).isEqualTo("max: 23 71 45 8 => 71" + System.lineSeparator());
  }

  @Test
  void aByteOrderMarkIsNoPartOfAPrompt() throws IOException {
    Path file = Files.writeString(directory.resolve("p.txt"), "\uFEFFadd: 27 + 45 =>\r\n");
    assertThat(PromptFile.read(file)).isEqualTo("add: 27 + 45 =>");
  }

  @Test
  void aFileThatIsNoPromptIsNamed() throws IOException {
    Path bytes = Files.write(directory.resolve("bytes"), new byte[] {(byte) 0xC3, 0x28});
    for (String command : new String[] {"generate", "demo"}) {
      err.getBuffer().setLength(0);
      assertThat(run(command, "--prompt-file", bytes.toString())).isEqualTo(1);
      assertThat(err.toString()).contains(bytes + ": expected UTF-8 text, found other bytes");
      assertThat(run(command, "--prompt-file", directory.toString())).isEqualTo(1);
      assertThat(err.toString()).contains(directory + ": expected a file, found a directory");
    }
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void theTokenizerThatAModelLacksIsNamed() {
    assertThat(run("demo", "-m", TinyModels.speck("bias").toString(), "hello")).isEqualTo(1);
    assertThat(err.toString()).contains("tokenizer.json: expected a tokenizer");
  }
}
