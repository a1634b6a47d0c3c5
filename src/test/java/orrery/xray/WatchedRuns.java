package orrery.xray;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import orrery.engine.WatchedLife;
import orrery.events.Event;
import orrery.events.Keyframe;
import orrery.observe.EventJson;

/**
 * Random runs of real engines, recorded when a test first wants them: each event as a record and as
 * the line of JSON that a page gets. There is a keyframe after every step.
 *
 * @param seed that gives the same run again
 */
record WatchedRuns(long seed, List<Event> events, List<String> lines) {
  private static final int REQUESTS = 10;
  private static final Map<Long, WatchedRuns> MADE = new ConcurrentHashMap<>();

  /** The run of a seed; eight seeds that follow each other have eight models. */
  static WatchedRuns of(long seed) {
    return MADE.computeIfAbsent(seed, WatchedRuns::record);
  }

  private static WatchedRuns record(long seed) {
    List<Event> events = WatchedLife.of(seed, REQUESTS);
    return new WatchedRuns(seed, events, events.stream().map(WatchedRuns::json).toList());
  }

  /** The line of an event, as traces and pages have it. */
  static String json(Event event) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      EventJson.write(event, json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text.toString();
  }

  /** All lines as one text. */
  String text() {
    return String.join("\n", lines);
  }

  /** The lines of the events [from, to). */
  String text(int from, int to) {
    return String.join("\n", lines.subList(from, to));
  }

  /** The run with only those keyframes that follow every so many steps, and the first one. */
  WatchedRuns withKeyframesEvery(int steps) {
    List<Event> some = new ArrayList<>();
    List<String> theirs = new ArrayList<>();
    for (int i = 0; i < events.size(); i++) {
      if (!(events.get(i) instanceof Keyframe k) || (k.step() + 1) % steps == 0) {
        some.add(events.get(i));
        theirs.add(lines.get(i));
      }
    }
    return new WatchedRuns(seed, some, theirs);
  }

  List<Keyframe> keyframes() {
    return all(Keyframe.class);
  }

  /** The events of one kind. */
  <E extends Event> List<E> all(Class<E> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** How many events of each kind there are. */
  Map<String, Long> kinds() {
    return events.stream()
        .collect(
            Collectors.groupingBy(
                e -> e.getClass().getSimpleName(), TreeMap::new, Collectors.counting()));
  }

  /** The steps that have an event for which a condition holds, in order, each once. */
  List<Long> stepsWith(java.util.function.Predicate<Event> holds) {
    List<Long> steps = new ArrayList<>();
    boolean seen = false;
    for (Event e : events) {
      seen |= holds.test(e);
      if (e instanceof Event.StepDone done) {
        if (seen) {
          steps.add(done.step());
        }
        seen = false;
      }
    }
    return steps;
  }

  @Override
  public String toString() {
    return "run of seed " + seed;
  }
}
