package orrery.xray;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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
import orrery.events.Keyframe;
import orrery.events.Vocabulary;
import orrery.openai.FieldException;

/**
 * A trace of JSON lines, read for the page: all of its events are in the ring, and none is dropped.
 * A trace with the events of several engines, one after the other, has as many runs.
 */
final class Trace {
  private static final String VOCABULARY = Vocabulary.class.getSimpleName();
  private static final String KEYFRAME = Keyframe.class.getSimpleName();

  private final Path file;
  private final Ring ring = new Ring(Integer.MAX_VALUE);
  private final List<String> lines = new ArrayList<>(); // of the next batch
  private Batch.Kind kind = Batch.Kind.OTHER; // of the next batch
  private String model = "";
  private long number; // of the next batch's first event
  private int run;
  private long latest; // nanoseconds of the newest vocabulary or keyframe
  private boolean begun; // whether a keyframe has come

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
    try (BufferedReader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      String next = in.readLine();
      while (next != null) {
        String line = next;
        number++;
        next = in.readLine();
        trace.take(line, next == null, remarks);
      }
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": line " + (number + 1) + ": expected text in UTF-8", e);
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

  private void take(String line, boolean last, Consumer<String> remarks) throws JsonFault {
    Object event;
    try {
      event = JsonText.value(line);
    } catch (JsonFault cut) {
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
    if (lines.size() == Batch.MOST) {
      flush();
      kind = Batch.Kind.OTHER;
    }
    lines.add(line);
  }

  /**
   * Begins a batch with a vocabulary or a keyframe; its clock tells whether it is a run's first.
   */
  private void begin(String name, Map<?, ?> event) {
    flush();
    long nanos = Long.parseLong(((Num) event.get("nanos")).text());
    run += nanos < latest ? 1 : 0;
    latest = nanos;
    boolean words = name.equals(VOCABULARY);
    kind = words ? Batch.Kind.VOCABULARY : Batch.Kind.KEYFRAME;
    begun |= !words;
    model = words ? model : (String) event.get("model");
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
