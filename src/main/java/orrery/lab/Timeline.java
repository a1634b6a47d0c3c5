package orrery.lab;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import orrery.checkpoint.JsonFault;
import orrery.checkpoint.JsonText;
import orrery.checkpoint.JsonText.Num;

/**
 * A run as lanes and steps, read from a trace of JSON lines ({@code --trace FILE.jsonl}).
 *
 * @param lanes one for each sequence, in the order of their first events
 * @param steps in their order
 */
record Timeline(List<Lane> lanes, List<StepAt> steps) {
  private static final List<String> PHASES =
      List.of("plan", "draft", "launch", "judge", "follow", "commit");

  /** A stretch of time, in nanoseconds, in which a sequence was in one state. */
  record Span(String state, long from, long to) {}

  /** One sequence: its spans, and the times of its tokens. */
  record Lane(String name, List<Span> spans, List<Long> tokens) {}

  /** One step, with the pages of the first pool at its end. */
  record StepAt(long from, long to, int promptRows, int referenced, int idle, int free) {
    int pages() {
      return referenced + idle + free;
    }
  }

  /** The time of the last event. */
  long end() {
    long end = 1;
    for (Lane lane : lanes) {
      for (Span span : lane.spans()) {
        end = Math.max(end, span.to());
      }
    }
    return steps.isEmpty() ? end : Math.max(end, steps.getLast().to());
  }

  /**
   * Reads a trace. A last line that a killed process left incomplete is left out.
   *
   * @param remarks is told if a line was left out
   * @throws IOException naming file and line, if it is no trace
   */
  static Timeline read(Path file, Consumer<String> remarks) throws IOException {
    Reader reader = new Reader();
    int number = 0;
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      StringBuilder line = new StringBuilder();
      while (line(in, line)) {
        number++;
        reader.take(line.toString());
      }
      if (!line.isEmpty()) {
        number++;
        takeLast(
            reader,
            line.toString(),
            () -> remarks.accept(file + ": the last line is cut short, and left out"));
      }
    } catch (NoSuchFileException e) {
      throw new IOException(file + ": no such file", e);
    } catch (JsonFault | IllegalArgumentException e) {
      throw new IOException(
          file + ": line " + number + ": expected an event as JSON, found: " + e.getMessage(), e);
    }
    return reader.timeline();
  }

  /** Reads a line; false if the file ends before the line does. */
  private static boolean line(BufferedReader in, StringBuilder line) throws IOException {
    line.setLength(0);
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        return false;
      }
      line.append((char) c);
    }
    return true;
  }

  /**
   * Takes a last line without a line end. It may be whole; if it is cut short, a whole line must
   * stand before it.
   */
  private static void takeLast(Reader reader, String line, Runnable cut) throws JsonFault {
    try {
      reader.take(line);
    } catch (JsonFault e) {
      if (!reader.any) {
        throw e; // no line of the file is an event
      }
      cut.run();
    }
  }

  /** Puts spans together from the events at their ends. */
  private static final class Reader {
    private final List<Open> all = new ArrayList<>();
    private final Map<Integer, Open> sequences = new HashMap<>();
    private final Map<Integer, Open> submitted = new HashMap<>(); // by request: no sequence yet
    private final List<StepAt> steps = new ArrayList<>();
    private long latest;
    private boolean any; // events

    private static final class Open {
      final Lane lane;
      String state;
      long since;

      Open(String name, String state, long since) {
        this.lane = new Lane(name, new ArrayList<>(), new ArrayList<>());
        this.state = state;
        this.since = since;
      }

      void become(String next, long now) {
        if (state != null) {
          lane.spans().add(new Span(state, since, now));
        }
        state = next;
        since = now;
      }
    }

    void take(String line) throws JsonFault {
      if (!(JsonText.value(line) instanceof Map<?, ?> event)) {
        throw new IllegalArgumentException("no object");
      }
      long now = number(event, "nanos");
      any = true;
      latest = Math.max(latest, now);
      switch (String.valueOf(event.get("event"))) {
        case "Submitted" -> {
          int request = (int) number(event, "request");
          submitted.put(request, open("request " + request, now));
        }
        case "Admitted" -> sequence(event, now).become("prefill", now);
        case "Forked" -> sequence(event, now).become("decode", now);
        case "Retracted" -> sequence(event, now).become("retracted", now);
        case "Finished" -> sequence(event, now).become(null, now);
        case "TokenOut" -> {
          Open o = sequence(event, now);
          o.lane.tokens().add(now);
          if ("prefill".equals(o.state)) {
            o.become("decode", now);
          }
        }
        case "StepDone" -> steps.add(step(event, now));
        default -> {} // of no interest here
      }
    }

    private StepAt step(Map<?, ?> e, long now) {
      long took = 0;
      for (String phase : PHASES) {
        took += number(e, phase + "Nanos");
      }
      Map<?, ?> pages = firstPool(e);
      return new StepAt(
          now - took,
          now,
          (int) number(e, "prefillRows"),
          (int) number(pages, "referenced"),
          (int) number(pages, "idle"),
          (int) number(pages, "free"));
    }

    /** The pages of the pool whose rows live longest. */
    private static Map<?, ?> firstPool(Map<?, ?> step) {
      if (step.get("pools") instanceof List<?> pools
          && !pools.isEmpty()
          && pools.getFirst() instanceof Map<?, ?> first) {
        return first;
      }
      throw new IllegalArgumentException("no pools");
    }

    private Open open(String name, long now) {
      Open o = new Open(name, "waiting", now);
      all.add(o);
      return o;
    }

    private Open sequence(Map<?, ?> event, long now) {
      int id = (int) number(event, "sequence");
      Open o = sequences.get(id);
      if (o == null) {
        int request = (int) number(event, "request");
        o = submitted.remove(request);
        o = o == null ? open("request " + request + " again", now) : o;
        sequences.put(id, o);
      }
      return o;
    }

    private static long number(Map<?, ?> event, String field) {
      if (event.get(field) instanceof Num n && n.whole()) {
        return Long.parseLong(n.text());
      }
      throw new IllegalArgumentException("no number " + field);
    }

    Timeline timeline() {
      all.forEach(o -> o.become(null, latest));
      return new Timeline(all.stream().map(o -> o.lane).toList(), steps);
    }
  }
}
