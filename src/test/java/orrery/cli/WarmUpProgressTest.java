package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class WarmUpProgressTest {
  private final StringWriter err = new StringWriter();
  private final CommandLine line = new CommandLine(new Any()).setErr(new PrintWriter(err));
  private long seconds;

  @Command(name = "serve")
  private static final class Any {}

  private WarmUpProgress progress(boolean live) {
    return new WarmUpProgress(line.getCommandSpec(), live, () -> TimeUnit.SECONDS.toNanos(seconds));
  }

  @Test
  void inATerminalOneLineShowsEachBucketAndIsClearedAtTheEnd() {
    try (WarmUpProgress progress = progress(true)) {
      progress.accept(1);
      progress.accept(2);
    }
    assertThat(err.toString().replace("\u001b[K", "<"))
        .isEqualTo(
            "\rwarming up: a step of 1 row<\rwarming up: a step of 2 rows<\r<"
                + "serve: ran steps of 2 shapes, up to 2 rows"
                + System.lineSeparator());
  }

  @Test
  void elsewhereABucketGetsALineOnlyIfSecondsHavePassed() {
    try (WarmUpProgress progress = progress(false)) {
      for (int rows = 1; rows <= 32; rows *= 2) {
        progress.accept(rows);
        seconds++;
      }
    }
    assertThat(err.toString().lines())
        .containsExactly(
            "serve: warming up: a step of 4 rows",
            "serve: warming up: a step of 16 rows",
            "serve: ran steps of 6 shapes, up to 32 rows");
  }

  @Test
  void aWarmUpThatDidNotRunSaysNothing() {
    progress(true).close();
    progress(false).close();
    assertThat(err.toString()).isEmpty();
  }
}
