package orrery.text;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * The other side of a {@link TokenizerChild}: a process with one tokenizer. It answers questions on
 * standard input until the input ends or the library aborts the process.
 *
 * <pre>
 *   question               answer
 *   file, json             true | false, problem
 *   ENCODE, text           true, ids | false, problem
 *   DECODE, skip, ids      true, text | false, problem
 * </pre>
 *
 * A text is sent as the number of its bytes, then its UTF-8. Ids are sent as their number, then
 * each id.
 */
final class TokenizerProcess {
  static final int ENCODE = 1;
  static final int DECODE = 2;

  private final DataInputStream in;
  private final DataOutputStream out;

  private TokenizerProcess(DataInputStream in, DataOutputStream out) {
    this.in = in;
    this.out = out;
  }

  public static void main(String[] args) throws IOException {
    InputStream in = new FileInputStream(FileDescriptor.in);
    OutputStream out = new FileOutputStream(FileDescriptor.out);
    System.setOut(new PrintStream(OutputStream.nullOutputStream())); // for answers only
    new TokenizerProcess(
            new DataInputStream(new BufferedInputStream(in)),
            new DataOutputStream(new BufferedOutputStream(out)))
        .run();
  }

  private void run() throws IOException {
    Path file = Path.of(readText(in));
    String json = readText(in);
    LinkedTokenizer tokenizer = tried(() -> new LinkedTokenizer(file, json));
    out.flush();
    for (int question = in.read(); question >= 0 && tokenizer != null; question = in.read()) {
      if (question == ENCODE) {
        String text = readText(in);
        int[] ids = tried(() -> tokenizer.encodeHere(text));
        if (ids != null) {
          writeIds(out, ids);
        }
      } else {
        boolean skipSpecial = in.readBoolean();
        int[] ids = readIds(in);
        String text = tried(() -> tokenizer.decode(ids, skipSpecial));
        if (text != null) {
          writeText(out, text);
        }
      }
      out.flush();
    }
  }

  /** Does the work and sends true; if it fails, sends false and the problem, and returns null. */
  private <T> T tried(Supplier<T> work) throws IOException {
    try {
      T done = work.get();
      out.writeBoolean(true);
      return done;
    } catch (TokenizerException e) {
      out.writeBoolean(false);
      writeText(out, e.getMessage());
      return null;
    }
  }

  static String readText(DataInputStream in) throws IOException {
    byte[] bytes = new byte[in.readInt()];
    in.readFully(bytes); // a process that dies meanwhile is an error, not a shorter text
    return new String(bytes, StandardCharsets.UTF_8);
  }

  static void writeText(DataOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(bytes.length);
    out.write(bytes);
  }

  static int[] readIds(DataInputStream in) throws IOException {
    int[] ids = new int[in.readInt()]; // [tokens]
    for (int i = 0; i < ids.length; i++) {
      ids[i] = in.readInt();
    }
    return ids;
  }

  static void writeIds(DataOutputStream out, int[] ids) throws IOException {
    out.writeInt(ids.length);
    for (int id : ids) {
      out.writeInt(id);
    }
  }
}
