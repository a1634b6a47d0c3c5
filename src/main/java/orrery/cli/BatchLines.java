package orrery.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import orrery.openai.FieldException;

/**
 * The lines of a file, one at a time, without the blank ones. A line that is no UTF-8, or longer
 * than any request, still counts as a line: an error must stand in its place among the answers.
 */
final class BatchLines implements Closeable {
  /** Most bytes of a line that are kept; a longer line is refused. */
  static final int MAX_BYTES = 16 << 20;

  /**
   * One line.
   *
   * @param number from 1, blank ones counted
   * @param text empty if it cannot be taken
   * @param problem why it cannot be taken, or null
   */
  record Line(int number, String text, FieldException problem) {}

  private final InputStream in;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private Line next; // the line given back, or null
  private int number;
  private boolean ended;

  /**
   * Opens a file; {@code -} is standard input.
   *
   * @throws IOException naming the file, if it cannot be read
   */
  BatchLines(Path file) throws IOException {
    in = new BufferedInputStream(Dash.is(file) ? System.in : open(file), 1 << 16);
  }

  private static InputStream open(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException(file + ": expected a file, found a directory");
    }
    try {
      return Files.newInputStream(file);
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    }
  }

  /** The next line that is not blank, or null at the end. */
  Line next() throws IOException {
    if (next != null) {
      Line again = next;
      next = null;
      return again;
    }
    while (!ended) {
      long length = fill();
      number++;
      if (length > MAX_BYTES) {
        return broken("at most " + MAX_BYTES + " bytes", length + " bytes");
      }
      try {
        String text =
            StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes.toByteArray()))
                .toString();
        text = number == 1 && text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (!text.isBlank()) {
          return new Line(number, text, null);
        }
      } catch (CharacterCodingException e) {
        return broken("UTF-8 text", "other bytes");
      }
    }
    return null;
  }

  /**
   * Gives the last line back, so that {@link #next} returns it again; null, the end, changes
   * nothing.
   */
  void back(Line line) {
    next = line;
  }

  private Line broken(String expected, String found) {
    return new Line(number, "", new FieldException("", expected, found));
  }

  /** Reads up to the line's end, keeps at most {@link #MAX_BYTES}, returns the whole length. */
  private long fill() throws IOException {
    bytes.reset();
    long length = 0;
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0) {
        ended = true;
        break;
      }
      if (++length <= MAX_BYTES) {
        bytes.write(b);
      }
    }
    return length;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
