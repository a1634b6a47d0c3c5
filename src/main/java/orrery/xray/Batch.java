package orrery.xray;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.Keyframe;
import orrery.events.Vocabulary;
import orrery.observe.EventJson;

/**
 * Some events that came one after the other in one run. Their JSON is made when the first page
 * wants it, once for all pages, on that page's thread.
 */
final class Batch {
  /** Most events of a batch, and of a message to a page. */
  static final int MOST = 1000;

  private static final long BYTES = 250; // of a usual event
  private static final long BYTES_NUMBER = 5; // "1234,"

  private static final JsonFactory JSON =
      new JsonFactoryBuilder().rootValueSeparator(",").build(); // events stand in an array

  /** What a batch begins with. */
  enum Kind {
    VOCABULARY,
    KEYFRAME,
    OTHER;

    static Kind of(Event event) {
      return switch (event) {
        case Vocabulary v -> VOCABULARY;
        case Keyframe k -> KEYFRAME;
        default -> OTHER;
      };
    }
  }

  private final long from;
  private final int run;
  private final Kind kind;
  private final int count;
  private final long bytes;
  private List<Event> events; // null once they are JSON; guarded by this, as what follows
  private byte[] json; // null before

  /**
   * @param from number of the first event
   * @param run number of the engine
   * @param events at least one; only the first may be a vocabulary or a keyframe
   */
  Batch(long from, int run, List<Event> events) {
    this.from = from;
    this.run = run;
    this.kind = Kind.of(events.getFirst());
    this.count = events.size();
    this.bytes = events.stream().mapToLong(Batch::bytes).sum();
    this.events = List.copyOf(events);
  }

  /** Events that are JSON already, as a trace has them. */
  Batch(long from, int run, Kind kind, List<String> lines) {
    this.from = from;
    this.run = run;
    this.kind = kind;
    this.count = lines.size();
    this.json = String.join(",", lines).getBytes(StandardCharsets.UTF_8);
    this.bytes = json.length;
  }

  long from() {
    return from;
  }

  /** The number of the event behind the last one. */
  long end() {
    return from + count;
  }

  int run() {
    return run;
  }

  Kind kind() {
    return kind;
  }

  int count() {
    return count;
  }

  /** How long its JSON is; a guess, since that is made later. */
  long bytes() {
    return bytes;
  }

  private static long bytes(Event event) {
    long numbers = // in lists that may be long
        switch (event) {
          case Keyframe k ->
              Stream.concat(
                      k.blocks().stream().map(b -> 16L + b.tokens().length),
                      k.sequences().stream().map(s -> 64L + s.tokens().length))
                  .mapToLong(n -> n)
                  .sum();
          case Event.Submitted s -> s.prompt().length;
          case BlockKept b -> b.tokens().length;
          default -> 0;
        };
    return BYTES + BYTES_NUMBER * numbers;
  }

  /** The events as JSON objects, with commas between them. */
  synchronized byte[] json() {
    if (json == null) {
      json = written(events);
      events = null;
    }
    return json;
  }

  private static byte[] written(List<Event> events) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(256 * events.size());
    // A writer of this kind turns half a surrogate pair into "?"; a stream would refuse it.
    try (JsonGenerator json =
        JSON.createGenerator(new OutputStreamWriter(bytes, StandardCharsets.UTF_8))) {
      for (Event event : events) {
        EventJson.write(event, json);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("bytes can always be written", e);
    }
    return bytes.toByteArray();
  }
}
