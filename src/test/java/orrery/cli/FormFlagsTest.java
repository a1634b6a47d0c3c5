package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The flags {@code --regex} and {@code --json-schema} of {@code orrery generate}. */
class FormFlagsTest {
  @TempDir private Path directory;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int generate(String... flags) {
    String[] args = {"generate", "-m", "tiny-models/storyteller-moe", "-c", "How old is Tim?"};
    String[] all = java.util.Arrays.copyOf(args, args.length + flags.length);
    System.arraycopy(flags, 0, all, args.length, flags.length);
    return Main.run(new PrintWriter(out), new PrintWriter(err), all);
  }

  @Test
  void theAnswerMatchesThePattern() {
    assertThat(generate("--regex", "Tim is [1-9] years old\\.")).isZero();
    assertThat(out.toString().strip()).matches("(?s).*Tim is [1-9] years old\\.");
    assertThat(err.toString()).contains("finish reason: stop (the text is complete)");
  }

  @Test
  void theAnswerIsJsonByTheSchema() throws IOException {
    Path schema = Files.writeString(directory.resolve("s.json"), "{\"enum\": [[1, true], {}]}");
    assertThat(generate("--json-schema", schema.toString())).isZero();
    assertThat(out.toString().strip()).matches("(?s).*(\\[ ?1, ?true ?\\]|\\{ ?\\})");
  }

  @Test
  void aBadPatternOrSchemaIsNamed() throws IOException {
    assertThat(generate("--regex", "a(?=b)")).isEqualTo(2);
    assertThat(err.toString())
        .contains("regex: expected what an automaton of texts can have, found a lookahead, (?=");
    Path broken = Files.writeString(directory.resolve("b.json"), "{\"type\": ");
    assertThat(generate("--json-schema", broken.toString())).isEqualTo(2);
    assertThat(err.toString())
        .contains("--json-schema " + broken + ": expected JSON, found the end of the text");
    assertThat(generate("--json-schema", directory.resolve("none").toString())).isEqualTo(2);
    assertThat(err.toString()).contains("expected a file in UTF-8 that can be read, found");
    assertThat(generate("--regex", "a", "--json-schema", broken.toString())).isEqualTo(2);
  }
}
