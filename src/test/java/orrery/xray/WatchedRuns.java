package orrery.xray;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.engine.WatchedHandovers;
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
record WatchedRuns(long seed, List<Event> events, List<String> lines) implements Told {
  private static final int REQUESTS = 10;
  private static final Map<Long, WatchedRuns> MADE = new ConcurrentHashMap<>();
  private static final Map<Long, List<WatchedRuns>> PAIRS = new ConcurrentHashMap<>();

  /** The run of a seed; eight seeds that follow each other have eight models. */
  static WatchedRuns of(long seed) {
    return MADE.computeIfAbsent(seed, WatchedRuns::record);
  }

  private static WatchedRuns record(long seed) {
    return of(seed, WatchedLife.of(seed, REQUESTS));
  }

  private static WatchedRuns of(long seed, List<Event> events) {
    return new WatchedRuns(seed, events, events.stream().map(WatchedRuns::json).toList());
  }

  /** The runs of a prefill engine and of the decode engine that goes on with its requests. */
  static List<WatchedRuns> pair(long seed) {
    return PAIRS.computeIfAbsent(seed, WatchedRuns::recordPair);
  }

  /**
   * The runs of two engines that write stories and answer chats. Which states are seen at the end
   * of a step depends on which of the two is faster at the moment.
   *
   * @param prefill states that the first run shows
   * @param decode states that the other one shows
   */
  static List<WatchedRuns> storyPair(List<String> prefill, List<String> decode) {
    for (int i = 0; i < 20; i++) {
      List<WatchedRuns> pair = storyPair();
      if (prefill.stream().allMatch(pair.get(0)::shows)
          && decode.stream().allMatch(pair.get(1)::shows)) {
        return pair;
      }
    }
    throw new AssertionError("in 20 runs of two engines not all states were seen");
  }

  private boolean shows(String state) {
    return keyframes().stream().anyMatch(k -> standing(k, state) > 0);
  }

  private static List<WatchedRuns> storyPair() {
    EngineOptions prefill = EngineOptions.defaults().withBatching(b -> b.withMaxRunningRequests(2));
    EngineOptions decode =
        EngineOptions.defaults()
            .withKv(kv -> kv.withMaxTotalTokens(512))
            .withBatching(b -> b.withMaxRunningRequests(3));
    try (LoadedModel loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"))) {
      List<Request> requests = DemoPrompts.of(loaded).stream().map(p -> p.request(loaded)).toList();
      WatchedHandovers two = WatchedHandovers.of(loaded, prefill, decode, requests);
      return List.of(of(0, two.prefill()), of(0, two.decode()));
    }
  }

  /** The step at whose end most sequences are in a state, the first of several. */
  long stepAt(String state) {
    Keyframe best = keyframes().getFirst();
    for (Keyframe k : keyframes()) {
      best = standing(k, state) > standing(best, state) ? k : best;
    }
    if (standing(best, state) == 0) {
      throw new AssertionError("no sequence is in the state " + state + " at the end of a step");
    }
    return best.step();
  }

  private static long standing(Keyframe k, String state) {
    return k.sequences().stream().filter(s -> s.state().equals(state)).count();
  }

  private static List<WatchedRuns> recordPair(long seed) {
    WatchedHandovers two = WatchedHandovers.of(seed);
    return List.of(of(seed, two.prefill()), of(seed, two.decode()));
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

  /** The run from one of its events on. */
  WatchedRuns from(int event) {
    return new WatchedRuns(
        seed, events.subList(event, events.size()), lines.subList(event, lines.size()));
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
