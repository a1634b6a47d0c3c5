package orrery.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The arguments of the command line, which are UTF-8 in every locale.
 *
 * <p>Java decodes them as the locale says. In the C locale each byte of "ë" becomes U+FFFD, and the
 * model would answer another text. The launcher script sets a UTF-8 locale. This class serves a JVM
 * that was started without the script, and arguments that are no UTF-8.
 */
final class Arguments {
  private static final char REPLACEMENT = '\uFFFD';
  private static final Path RAW = Path.of("/proc/self/cmdline"); // Linux

  private Arguments() {}

  /**
   * The arguments as they were given.
   *
   * @param args as Java decoded them
   * @param encoding that Java decoded them with: the property sun.jnu.encoding
   * @throws IllegalArgumentException naming the first argument that is no UTF-8 or that Java could
   *     not decode
   */
  static String[] decoded(String[] args, String encoding) throws IOException {
    return decoded(args, encoding, Files.isReadable(RAW) ? Files.readAllBytes(RAW) : new byte[0]);
  }

  /**
   * The same, given the command line of the process.
   *
   * @param raw program and arguments, each ended by a 0; empty if unknown
   */
  static String[] decoded(String[] args, String encoding, byte[] raw) {
    boolean utf8 = encoding.equalsIgnoreCase("UTF-8");
    if (Arrays.stream(args).allMatch(arg -> sure(arg, utf8))) {
      return args;
    }
    List<byte[]> entries = entries(raw);
    int before = entries.size() - args.length; // the program and what Java took for itself
    String[] decoded = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      byte[] bytes = before > 0 ? entries.get(before + i) : null;
      boolean same = bytes != null && new String(bytes, Charset.forName(encoding)).equals(args[i]);
      decoded[i] = sure(args[i], utf8) ? args[i] : same ? utf8(bytes, i) : lost(i, encoding);
    }
    return decoded;
  }

  /** Whether Java certainly decoded the argument to the text that was given. */
  private static boolean sure(String arg, boolean utf8) {
    return utf8 ? arg.indexOf(REPLACEMENT) < 0 : arg.chars().allMatch(c -> c < 128);
  }

  private static List<byte[]> entries(byte[] raw) {
    List<byte[]> entries = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < raw.length; i++) {
      if (raw[i] == 0) {
        entries.add(Arrays.copyOfRange(raw, start, i));
        start = i + 1;
      }
    }
    return entries;
  }

  private static String utf8(byte[] bytes, int index) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      String found = new String(bytes, StandardCharsets.UTF_8);
      throw new IllegalArgumentException(
          "argument " + (index + 1) + ": expected UTF-8 text, found other bytes: " + found, e);
    }
  }

  private static String lost(int index, String encoding) {
    throw new IllegalArgumentException(
        "argument "
            + (index + 1)
            + ": expected UTF-8 text, found bytes that Java could not decode in the encoding "
            + encoding
            + "; set LC_ALL=C.UTF-8");
  }
}
