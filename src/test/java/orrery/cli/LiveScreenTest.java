package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.LineDisciplineTerminal;
import org.junit.jupiter.api.Test;

/** What is written to a terminal. */
class LiveScreenTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** A terminal that shows nothing and says what it can do. */
  private static Terminal terminal(int columns, int rows) throws IOException {
    Terminal terminal =
        new LineDisciplineTerminal(
            "test", "xterm-256color", OutputStream.nullOutputStream(), StandardCharsets.UTF_8);
    terminal.setSize(new Size(columns, rows));
    return terminal;
  }

  private String written() {
    String text = out.toString(StandardCharsets.UTF_8);
    out.reset();
    return text;
  }

  @Test
  void aPictureAsHighAsTheTerminalDoesNotScrollIt() throws IOException {
    try (LiveScreen screen = new LiveScreen(terminal(10, 3), out)) {
      written();
      screen.draw(List.of("1", "2", "3"));
      assertThat(written()).contains("1\r\n").endsWith("3");
      screen.draw(List.of("1", "2"));
      assertThat(written()).contains("2\r\n").endsWith("\u001b[J"); // the third is wiped away
    }
  }

  @Test
  void aResizeClearsWhatTheTerminalMadeOfTheLastPicture() throws IOException {
    Terminal terminal = terminal(80, 24);
    try (LiveScreen screen = new LiveScreen(terminal, out)) {
      screen.draw(List.of("1"));
      assertThat(written()).contains("\u001b[2J");
      screen.draw(List.of("1"));
      assertThat(written()).doesNotContain("\u001b[2J");
      terminal.setSize(new Size(40, 15));
      assertThat(screen.columns()).isEqualTo(40);
      assertThat(screen.rows()).isEqualTo(15);
      screen.draw(List.of("1"));
      assertThat(written()).contains("\u001b[2J");
    }
  }

  @Test
  void theFirstScreenComesBackAndNothingIsDrawnOnIt() throws IOException {
    LiveScreen screen = new LiveScreen(terminal(80, 24), out);
    assertThat(written()).contains("\u001b[?1049h", "\u001b[?25l", "\u001b[?7l");
    screen.close();
    assertThat(written()).contains("\u001b[?1049l", "\u001b[?7h").doesNotContain("\u001b[?25l");
    screen.draw(List.of("late"));
    screen.close();
    assertThat(written()).isEmpty();
  }

  @Test
  void aTerminalOfUnknownSizeCountsAs24RowsOf80Columns() throws IOException {
    try (LiveScreen screen = new LiveScreen(terminal(0, 0), out)) {
      assertThat(screen.rows()).isEqualTo(24);
      assertThat(screen.columns()).isEqualTo(80);
    }
  }

  @Test
  void aDumbTerminalIsNotDrawnOn() {
    assertThat(LiveScreen.canDraw("dumb")).isFalse();
    assertThat(LiveScreen.canDraw("")).isFalse();
    assertThat(LiveScreen.canDraw(null)).isFalse();
  }
}
