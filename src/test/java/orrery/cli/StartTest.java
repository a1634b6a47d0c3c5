package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import orrery.checkpoint.CheckpointException;
import picocli.CommandLine;

/** What a start does before picocli has read the command line, and how long ago it began. */
class StartTest {
  private static final Path SPECK = Path.of("tiny-models/speck-groups");
  private static final Path DEFAULT = Path.of("tiny-models/storyteller-moe");

  @Test
  void theModelOfACommandLineIsFoundWithoutPicocli() {
    String speck = SPECK.toString();
    assertThat(Ahead.directory("generate", "-m", speck)).contains(SPECK);
    assertThat(Ahead.directory("generate", "-p", "x", "--model", speck)).contains(SPECK);
    assertThat(Ahead.directory("generate", "--model=" + speck)).contains(SPECK);
    assertThat(Ahead.directory("demo")).contains(DEFAULT);
    assertThat(Ahead.directory("generate", "-m", speck, "--model", speck)).isEmpty();
    assertThat(Ahead.directory("generate", "-m" + speck)).isEmpty();
    assertThat(Ahead.directory("generate", "-m=" + speck)).isEmpty();
    assertThat(Ahead.directory("generate", "@flags")).isEmpty();
    assertThat(Ahead.directory("generate", "-m", "no such directory")).isEmpty();
    assertThat(Ahead.directory("generate", "-m", "\0")).isEmpty();
  }

  @Test
  void aModelIsTakenOnceAndOnlyByTheCommandThatNamesIt() {
    Ahead ahead = Ahead.of("generate", "-m", SPECK.toString());
    assertThat(ahead.take(DEFAULT)).isEmpty();
    ahead.take(SPECK).orElseThrow().close();
    assertThat(ahead.take(SPECK)).isEmpty();
    assertThat(Ahead.of("inspect", "-m", SPECK.toString()).take(SPECK)).isEmpty();
  }

  @Test
  void aModelThatCannotBeLoadedIsReportedWhenTheCommandAsksForIt() {
    Ahead ahead = Ahead.of("generate", "-m", "docs");
    assertThatThrownBy(() -> ahead.take(Path.of("docs")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("docs");
    assertThat(ahead.take(Path.of("docs"))).isEmpty();
  }

  @Test
  void anInterruptionEndsTheWaitForAModel() {
    Ahead ahead = Ahead.of("generate", "-m", SPECK.toString());
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> ahead.take(SPECK)).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void aCommandLineReadsTheFlagsOfItsOwnCommandOnly() {
    CommandLine all = Main.line();
    for (Map.Entry<String, CommandLine> command : all.getSubcommands().entrySet()) {
      String name = command.getKey();
      assertThat(command.getValue().getCommandName()).isEqualTo(name);
      if (!name.equals("help")) {
        assertThat(Main.line(Ahead.none(), name, "--help").getSubcommands()).containsOnlyKeys(name);
      }
    }
    assertThat(Main.line(Ahead.none(), "help", "demo").getSubcommands())
        .hasSameSizeAs(all.getSubcommands());
    assertThat(Main.line(Ahead.none(), "dmeo").getSubcommands())
        .hasSameSizeAs(all.getSubcommands());
  }

  @Test
  void theAgeOfAProcessIsTakenFromOneClock() {
    String fields = "S 1 2 3 0 -1 5 6 7 8 9 10 11 12 13 20 0 4 0 12345 99 100";
    assertThat(Clock.millis("4711 (a (b) c) " + fields, "124.50 200.00\n")).isEqualTo(1050);
    assertThat(Clock.millisSinceProcessStart()).isPositive();
    assertThat(Clock.millis("1 (a) " + fields, "100.00 1.00\n")).isNegative(); // it falls back then
  }
}
