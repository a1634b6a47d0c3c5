package orrery.text;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * The native library in a process of its own. If it aborts, only that process ends: the text gets
 * an error, and the next text gets a new process. A process takes about 0.4 s to start, and a
 * question about 50 µs. A process that takes too long over a text is ended.
 *
 * <p>May be used by many threads; they take turns.
 *
 * @see TokenizerProcess the other side
 */
final class TokenizerChild implements AutoCloseable {
  private static final int SHOWN_BYTES = 4096; // of the last output of a process that died
  private static final Duration MOST = Duration.ofSeconds(60); // for one question

  private final Path file;
  private final String json;
  private final Duration most;
  private Process process; // null: not started, or dead
  private DataInputStream in;
  private DataOutputStream out;

  TokenizerChild(Path file, String json) {
    this(file, json, MOST);
  }

  /**
   * @param most time for the answer to one question, and for the start
   */
  TokenizerChild(Path file, String json, Duration most) {
    this.file = file;
    this.json = json;
    this.most = most;
    start();
  }

  /** Sends a question to the process and reads its answer. */
  private interface Question<T> {
    T ask(DataOutputStream out, Answer answer) throws IOException;
  }

  private interface Answer {
    /** Waits for the answer and returns it, if it is no error. */
    DataInputStream await() throws IOException;
  }

  /** As {@link NativeTokenizer#encode}. */
  int[] encode(String text) {
    return ask(
        "take this text",
        (to, answer) -> {
          to.write(TokenizerProcess.ENCODE);
          TokenizerProcess.writeText(to, text);
          return TokenizerProcess.readIds(answer.await());
        });
  }

  /** As {@link NativeTokenizer#decode}. */
  String decode(int[] ids, boolean skipSpecial) {
    return ask(
        "decode these tokens",
        (to, answer) -> {
          to.write(TokenizerProcess.DECODE);
          to.writeBoolean(skipSpecial);
          TokenizerProcess.writeIds(to, ids);
          return TokenizerProcess.readText(answer.await());
        });
  }

  private synchronized <T> T ask(String task, Question<T> question) {
    if (process == null) {
      start();
    }
    CompletableFuture<Void> asked = new CompletableFuture<>();
    Process asking = process;
    asked
        .orTimeout(most.toMillis(), TimeUnit.MILLISECONDS)
        .exceptionally(
            late -> {
              asking.destroyForcibly(); // so its output ends
              return null;
            });
    try {
      return question.ask(out, this::await);
    } catch (IOException e) {
      boolean late = asked.isCompletedExceptionally();
      String last = late ? " (it took more than " + most.toMillis() + " ms)" : lastWords();
      close();
      throw new TokenizerException(
          file, "cannot " + task + ": the tokenizer library gave up on it" + last, e);
    } finally {
      asked.complete(null);
    }
  }

  private DataInputStream await() throws IOException {
    out.flush();
    if (!in.readBoolean()) {
      throw TokenizerException.of(TokenizerProcess.readText(in));
    }
    return in;
  }

  private void start() {
    Path java = Path.of(System.getProperty("java.home"), "bin", "java");
    List<String> command =
        List.of(
            java.toString(),
            "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xmx1g", // a text, its bytes and its tokens; the library's memory is not of the heap
            "-cp",
            System.getProperty("java.class.path"),
            TokenizerProcess.class.getName());
    try {
      process = new ProcessBuilder(command).start();
    } catch (IOException e) {
      throw new TokenizerException(
          file, "needs a process of its own, which cannot be started: " + e.getMessage(), e);
    }
    in = new DataInputStream(new BufferedInputStream(process.getInputStream()));
    out = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
    ask(
        "be loaded",
        (to, answer) -> {
          TokenizerProcess.writeText(to, file.toString());
          TokenizerProcess.writeText(to, json);
          return answer.await();
        });
  }

  /**
   * The last output of the process before it ended; a panic's message stands in the second line.
   */
  private String lastWords() {
    try {
      byte[] said = process.getErrorStream().readNBytes(SHOWN_BYTES);
      String text = new String(said, StandardCharsets.UTF_8).strip();
      return text.isEmpty()
          ? ""
          : " (" + text.lines().skip(text.contains("\n") ? 1 : 0).findFirst().orElseThrow() + ")";
    } catch (IOException e) {
      return " (" + e.getMessage() + ")";
    }
  }

  @Override
  public synchronized void close() {
    if (process != null) {
      process.destroyForcibly();
      process = null;
    }
  }
}
