package orrery.xray;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;
import orrery.events.Event;
import orrery.events.Keyframe;
import orrery.events.Vocabulary;
import orrery.openai.FieldException;

/**
 * A trace of JSON lines, read for the page: all of its events are in the ring, and none is dropped.
 * A trace with the events of several engines, one after the other, has as many runs.
 */
final class Trace {
  private static final String VOCABULARY = Vocabulary.class.getSimpleName();
  private static final String STEP = Event.StepDone.class.getSimpleName();
  private static final String KEYFRAME = Keyframe.class.getSimpleName();

  private final Path file;
  private final Ring ring = new Ring(Integer.MAX_VALUE, Long.MAX_VALUE);
  private final List<String> lines = new ArrayList<>(); // of the next batch
  private Batch.Kind kind = Batch.Kind.OTHER; // of the next batch
  private String model = "";
  private long number; // of the next batch's first event
  private int run;
  private long latest; // nanoseconds of the newest vocabulary or keyframe
  private boolean begun; // whether a keyframe has come
  private boolean stepped; // whether the run has computed a step

  /** The lines of a file as bytes: a reader of text cannot say in which line a wrong one is. */
  private static final class Lines implements AutoCloseable {
    private final InputStream in;
    private int ahead; // the next byte; -1 at the end

    Lines(Path file) throws IOException {
      in = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
      ahead = in.read();
    }

    boolean more() {
      return ahead >= 0;
    }

    byte[] next() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (; ahead >= 0 && ahead != '\n'; ahead = in.read()) {
        if (ahead != '\r') { // in JSON it could only be white space
          line.write(ahead);
        }
      }
      ahead = in.read();
      return line.toByteArray();
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  private Trace(Path file) {
    this.file = file;
  }

  /**
   * Reads a trace.
   *
   * @param remarks is told if the last line is cut short, as a killed process leaves it
   * @throws IOException naming the file, the line and the field, if one is not as Orrery writes it
   */
  static Trace read(Path file, Consumer<String> remarks) throws IOException {
    Trace trace = new Trace(file);
    long number = 0;
    try (Lines in = new Lines(file)) {
      while (in.more()) {
        number++;
        byte[] line = in.next();
        trace.take(line, !in.more(), remarks);
      }
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": line " + number + ": expected text in UTF-8", e);
    } catch (JsonFault e) {
      throw trace.wrong(number, "expected an event as JSON, found " + e.getMessage());
    } catch (FieldException e) {
      throw trace.wrong(number, e.getMessage());
    }
    trace.flush();
    if (!trace.begun) {
      throw new IOException(file + ": expected a trace of JSON lines, found an empty file");
    }
    return trace;
  }

  private IOException wrong(long line, String what) {
    return new IOException(file + ": line " + line + ": " + what);
  }

  private void take(byte[] bytes, boolean last, Consumer<String> remarks)
      throws JsonFault, CharacterCodingException {
    String line;
    Object event;
    try {
      line = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString(); // refuses what is none
      event = JsonText.value(line);
    } catch (JsonFault | CharacterCodingException cut) {
      if (!last || !begun) {
        throw cut;
      }
      remarks.accept(file + ": the last line is cut short, and left out");
      return;
    }
    String name = EventShape.require(event);
    if (name.equals(VOCABULARY) || name.equals(KEYFRAME)) {
      begin(name, (Map<?, ?>) event);
    } else if (!begun) {
      throw new FieldException(
          "event", "a Vocabulary or a Keyframe, with which a trace begins", name);
    }
    stepped |= name.equals(STEP);
    if (lines.size() == Batch.MOST) {
      flush();
      kind = Batch.Kind.OTHER;
    }
    lines.add(line);
  }

  /**
   * Begins a batch with a vocabulary or a keyframe. It is a run's first if it is a further
   * vocabulary, or a keyframe without a step behind a step, or if the clock has gone back.
   */
  private void begin(String name, Map<?, ?> event) {
    flush();
    boolean words = name.equals(VOCABULARY);
    boolean unstepped = !words && number(event, "step") < 0;
    long nanos = number(event, "nanos");
    if (begun && words || stepped && unstepped || nanos < latest) {
      run++;
      stepped = false;
    }
    latest = nanos;
    kind = words ? Batch.Kind.VOCABULARY : Batch.Kind.KEYFRAME;
    begun |= !words;
    stepped |= !words && !unstepped;
    model = words ? model : (String) event.get("model");
  }

  private static long number(Map<?, ?> event, String field) {
    return Long.parseLong(((Num) event.get(field)).text());
  }

  private void flush() {
    if (!lines.isEmpty()) {
      ring.add(new Batch(number, run, kind, lines));
      number += lines.size();
      lines.clear();
      kind = Batch.Kind.OTHER;
    }
  }

  Ring ring() {
    return ring;
  }

  /** The name of the file, without its directory. */
  String name() {
    return file.getFileName().toString();
  }

  /** The model of the newest run. */
  String model() {
    return model;
  }
}
