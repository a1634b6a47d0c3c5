package orrery.cli;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.openai.FieldException;
import orrery.openai.Fields;

/**
 * The {@code FILE.part} that a stopped run has left: the answers to the first lines, in their
 * order, and behind them the answers to later lines that were ready when the run stopped. A last
 * line without a line end is no answer.
 *
 * <pre>
 *   FILE.part    1 2 3 4 | 7 9 | 1{"id":"batch_r
 *                kept      ahead  torn
 * </pre>
 *
 * <p>Answers depend on the model, the line and its number only. So a resumed run writes the same
 * bytes as an uninterrupted one. A part belongs to an input if line numbers, custom ids and names
 * of models agree.
 */
final class BatchPart {
  private static final String ID = "batch_req_";

  private final Path file;
  private final Map<Integer, Answered> ahead = new TreeMap<>(); // by number of the line
  private long bytes; // of the lines that stay where they are

  /**
   * A line of the part.
   *
   * @param number of the line that it answers
   * @param customId of that line, null if the line has none
   * @param model null if the line was refused
   */
  record Answered(int number, String customId, String model, boolean failed, String text) {
    /** Takes note of the id: no later line may have it. */
    void noteId(CustomIds ids) {
      if (customId != null) {
        ids.add(customId, number);
      }
    }
  }

  /** The part belongs to another input or model: this run cannot go on after it. */
  static final class AnotherRunException extends IOException {
    private static final long serialVersionUID = 1L;

    AnotherRunException(String message) {
      super(message);
    }
  }

  BatchPart(Path file) {
    this.file = file;
  }

  /**
   * Refuses to begin anew over the answers of an earlier run.
   *
   * @throws IOException naming the part, if it has a line
   */
  void requireNone() throws IOException {
    long answers = count();
    if (answers > 0) {
      throw new IOException(
          file
              + ": holds "
              + answers
              + " answers of a run that was stopped; go on after them with --resume, or throw them"
              + " away with --start-over");
    }
  }

  /** Number of answers in the part. */
  private long count() throws IOException {
    requirePlain();
    long lines = 0;
    try (InputStream in = open()) {
      for (byte[] line = next(in); line != null; line = next(in)) {
        lines++;
      }
    }
    return lines;
  }

  /**
   * Reads the part, and takes from the input the lines that are answered, up to the first that is
   * not.
   *
   * @param model the name of the model, for lines that name none
   * @param ids takes the ids of these lines
   * @throws IOException naming part and line, if it answers another input
   */
  void resume(BatchLines input, String model, BatchTally tally, CustomIds ids) throws IOException {
    requirePlain();
    boolean inOrder = true;
    int at = 0;
    try (InputStream in = open()) {
      for (byte[] line = next(in); line != null; line = next(in)) {
        Answered answered = parse(line, ++at);
        if (inOrder) {
          BatchLines.Line asked = input.next();
          inOrder = asked != null && asked.number() == answered.number();
          if (inOrder) {
            requireSame(asked, answered, model);
            answered.noteId(ids);
            bytes += line.length + 1;
            tally.kept(answered.failed());
            tally.wrote();
            continue;
          }
          input.back(asked);
        }
        ahead.put(answered.number(), answered);
      }
    }
  }

  /** Bytes that stay in the file. */
  long bytes() {
    return bytes;
  }

  /**
   * The answer to a line, if the earlier run answered the line out of order; else null.
   *
   * @throws IOException naming part and line, if it answers another input
   */
  Answered take(BatchLines.Line asked, String model) throws IOException {
    Answered answered = ahead.remove(asked.number());
    if (answered != null) {
      try {
        requireSame(asked, answered, model);
      } catch (IOException e) {
        ahead.put(answered.number(), answered);
        throw e;
      }
    }
    return answered;
  }

  /** Answers that {@link #take} has not returned yet, in order of their lines. */
  Iterable<Answered> rest() {
    return ahead.values();
  }

  /**
   * Checks, at the end of the input, that no answer is left over.
   *
   * @throws IOException naming part and line, if one is left
   */
  void requireAllTaken() throws IOException {
    for (Answered answered : rest()) {
      throw another(answered, "a line of the input", "none of that number");
    }
  }

  /**
   * Checks that the part is a plain file, or does not exist.
   *
   * @throws IOException naming the part, if it is a link or a device
   */
  void requirePlain() throws IOException {
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
        && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new IOException(file + ": expected answers of an earlier run, found no plain file");
    }
  }

  private InputStream open() throws IOException {
    return Files.exists(file)
        ? new BufferedInputStream(Files.newInputStream(file), 1 << 16)
        : InputStream.nullInputStream();
  }

  /** The next line that has its line end, or null. */
  private static byte[] next(InputStream in) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b >= 0; b = in.read()) {
      if (b == '\n') {
        return line.toByteArray();
      }
      line.write(b);
    }
    return null;
  }

  private Answered parse(byte[] line, int at) throws IOException {
    String text = new String(line, StandardCharsets.UTF_8);
    try {
      if (JsonText.value(text) instanceof Map<?, ?> answer
          && answer.get("id") instanceof String id
          && id.matches(ID + "\\d{1,9}")
          && answer.get("response") instanceof Map<?, ?> response
          && response.get("body") instanceof Map<?, ?> body) {
        return new Answered(
            Integer.parseInt(id.substring(ID.length())),
            answer.get("custom_id") instanceof String custom ? custom : null,
            body.get("model") instanceof String model ? model : null,
            answer.get("error") != JsonText.NULL,
            text);
      }
    } catch (JsonFault e) {
      throw notOurs(at, e);
    }
    throw notOurs(at, null);
  }

  private IOException notOurs(int at, Exception cause) {
    return new IOException(
        file + ": line " + at + ": expected an answer of run-batch, found something else", cause);
  }

  private void requireSame(BatchLines.Line asked, Answered answered, String model)
      throws IOException {
    String customId = null;
    String named = model;
    if (asked.problem() == null) {
      try {
        Fields fields = Fields.parse(asked.text());
        customId = BatchRun.customId(fields);
        named = fields.object("body").stringOr("model", model);
      } catch (FieldException e) {
        // The line is refused: its answer holds what was read before the error.
      }
    }
    if (!Objects.equals(answered.customId(), customId)) {
      throw another(answered, "custom_id " + shown(customId), shown(answered.customId()));
    }
    if (answered.model() != null && !answered.model().equals(named)) {
      throw another(answered, "the model " + shown(named), shown(answered.model()));
    }
  }

  private static String shown(String name) {
    return name == null ? "none" : Fields.shown(name);
  }

  private AnotherRunException another(Answered answered, String expected, String found) {
    return new AnotherRunException(
        String.format(
            "%s: the answer to line %d belongs to another run: expected %s, found %s;"
                + " --start-over begins anew",
            file, answered.number(), expected, found));
  }
}
