package orrery.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** A prompt from a file or from standard input. */
final class PromptFile {
  /** Most bytes of a prompt: far more than any context has room for. */
  private static final int MAX_BYTES = 16 << 20;

  private static final String BYTE_ORDER_MARK = "\uFEFF"; // some editors begin a file with it

  private PromptFile() {}

  /**
   * The text of a file, without the line ends after its last line, as a shell's {@code $(…)} gives
   * it; {@code -} is standard input.
   *
   * @throws IOException naming the file, if it cannot be read, is too long or is no UTF-8
   */
  static String read(Path file) throws IOException {
    boolean stdin = Dash.is(file);
    String name = stdin ? "standard input" : file.toString();
    byte[] bytes = stdin ? System.in.readNBytes(MAX_BYTES + 1) : bytes(file);
    if (bytes.length > MAX_BYTES) {
      throw new IOException(name + ": expected a prompt of at most " + MAX_BYTES + " bytes");
    }
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      text = text.startsWith(BYTE_ORDER_MARK) ? text.substring(1) : text;
      return text.replaceFirst("[\\r\\n]+$", "");
    } catch (CharacterCodingException e) {
      throw new IOException(name + ": expected UTF-8 text, found other bytes", e);
    }
  }

  private static byte[] bytes(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IOException(file + ": expected a file, found a directory");
    }
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(MAX_BYTES + 1);
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    }
  }
}
