package orrery.cli;

import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.spi.SystemStream;
import org.jline.terminal.spi.TerminalProvider;
import org.jline.utils.Curses;
import org.jline.utils.InfoCmp.Capability;

/**
 * A terminal's alternate screen, which shows one picture after the other. Afterwards the first
 * screen is there again as it was, also after Ctrl-C. Every picture asks for the size anew, so a
 * resize needs no care.
 */
final class LiveScreen implements Closeable {
  private static final String NO_WRAP = "\u001b[?7l"; // a misjudged width spoils one line only
  private static final String WRAP = "\u001b[?7h";

  private final Terminal terminal;
  private final OutputStream
      out; // not the terminal's own stream, which it closes first after Ctrl-C
  private Size size = new Size(0, 0);
  private boolean left;

  /**
   * @param terminal the terminal to draw for
   * @param out where to draw
   */
  LiveScreen(Terminal terminal, OutputStream out) {
    this.terminal = terminal;
    this.out = out;
    write(code(Capability.enter_ca_mode) + code(Capability.cursor_invisible) + NO_WRAP);
  }

  /**
   * Opens the terminal that the program runs in.
   *
   * @return empty if the program runs in no terminal, or in one that cannot move its cursor, as
   *     {@code TERM=dumb}
   */
  static Optional<LiveScreen> open() throws IOException {
    if (!canDraw(System.getenv("TERM"))) {
      return Optional.empty();
    }
    Terminal terminal =
        TerminalBuilder.builder().system(true).dumb(true).nativeSignals(false).build();
    if (terminal.getStringCapability(Capability.cursor_home) == null) {
      terminal.close();
      return Optional.empty();
    }
    LiveScreen screen = new LiveScreen(terminal, new FileOutputStream(FileDescriptor.out));
    Runtime.getRuntime().addShutdownHook(new Thread(screen::leave));
    return Optional.of(screen);
  }

  /**
   * Whether standard error is a terminal that can clear a line.
   *
   * @param term what TERM is set to, or null
   * @throws IOException if the terminal's library cannot be loaded
   */
  static boolean canDrawOnError(String term) throws IOException {
    return movesCursor(term) && TerminalProvider.load("ffm").isSystemStream(SystemStream.Error);
  }

  /**
   * Whether input and output are a terminal that can move its cursor.
   *
   * @param term what TERM is set to, or null
   */
  static boolean canDraw(String term) {
    boolean terminal = System.console() != null && System.console().isTerminal();
    return terminal && movesCursor(term);
  }

  private static boolean movesCursor(String term) {
    return term != null && !term.isEmpty() && !term.equals("dumb");
  }

  /** Rows of the terminal; 24 if it does not know. */
  int rows() {
    int rows = terminal.getSize().getRows();
    return rows > 0 ? rows : 24;
  }

  /** Columns of the terminal; 80 if it does not know. */
  int columns() {
    int columns = terminal.getSize().getColumns();
    return columns > 0 ? columns : 80;
  }

  /** Shows lines that fit the screen; does nothing once the screen was left. */
  synchronized void draw(List<String> lines) {
    if (left) {
      return;
    }
    Size now = terminal.getSize();
    StringBuilder picture = new StringBuilder();
    picture.append(now.equals(size) ? "" : code(Capability.clear_screen));
    picture.append(code(Capability.cursor_home));
    size = now;
    for (int i = 0; i < lines.size(); i++) {
      // Erased before, not after: behind a full line the cursor stands on its last character.
      picture.append(i == 0 ? "" : "\r\n").append(code(Capability.clr_eol)).append(lines.get(i));
    }
    picture.append(lines.size() < rows() ? "\r\n" + code(Capability.clr_eos) : "");
    write(picture.toString());
  }

  private synchronized void leave() {
    if (!left) {
      left = true;
      write(WRAP + code(Capability.cursor_normal) + code(Capability.exit_ca_mode));
    }
  }

  /** The code that makes the terminal do it; empty if the terminal cannot. */
  private String code(Capability what) {
    String code = terminal.getStringCapability(what);
    StringWriter text = new StringWriter();
    if (code != null) {
      Curses.tputs(text, code);
    }
    return text.toString();
  }

  private void write(String text) {
    try {
      out.write(text.getBytes(terminal.encoding()));
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    leave();
    terminal.close();
  }
}
