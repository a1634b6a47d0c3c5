package orrery.observe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.HostPools;
import orrery.sampling.SamplingParams;

/** The files of the sinks, read by the parser of another library. */
class SinksTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path directory;

  /** One event of every kind, each field another number, texts that need escaping. */
  static Stream<Event> everyKind() {
    return Arrays.stream(Event.class.getPermittedSubclasses())
        .flatMap(
            kind ->
                kind.isSealed() ? Arrays.stream(kind.getPermittedSubclasses()) : Stream.of(kind))
        .map(SinksTest::sample);
  }

  private static Event sample(Class<?> kind) {
    RecordComponent[] components = kind.getRecordComponents();
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (components[i].getType().getName()) {
            case "int" -> (Object) (7 + i);
            case "float" -> 0.5f + i;
            case "long" -> 12_345_678_901L + i;
            case "java.lang.String" -> "\"\\\n\u0001é😀 " + i;
            case "[I" -> new int[] {i, -i};
            case "[[I" -> new int[][] {{i, -1}, {}};
            case "java.util.Map" -> Map.of("page-size", "4", "lpm \"", "off");
            case "boolean" -> true;
            case "java.util.List" ->
                kind == HostPools.class
                    ? hostSlots(i)
                    : List.of(
                        new Event.PoolPages("all", 16, 1, 2, 3, 0),
                        new Event.PoolPages("window \"6\"", 4, 5, 6, 7, i));
            case "orrery.events.Event$Origin" -> Event.Origin.BONUS;
            case "orrery.events.Event$Queue" -> Event.Queue.INFLIGHT;
            case String other -> throw new AssertionError("a new type of field: " + other);
          };
    }
    try {
      return (Event) kind.getDeclaredConstructors()[0].newInstance(values);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static List<HostPools.HostSlots> hostSlots(int i) {
    return List.of(
        new HostPools.HostSlots("all", 16, 1, 2, 3, 4),
        new HostPools.HostSlots("window \"6\"", 16, 5, 6, 7, i));
  }

  /** A run in which every kind of thing happens: sharing, choices, retractions, evictions. */
  static List<Event> busyRun(EventSink sink) {
    List<Event> seen = new ArrayList<>();
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withPageSize(4).withMaxTotalTokens(64))
            .withBatching(b -> b.withMaxRunningRequests(6).withScheduleConservativeness(0.1));
    try (LoadedModel model = LoadedModel.load(Path.of("tiny-models/speck-groups"));
        Engine engine = Engine.start(model, options, sink.and(withBooks(seen)))) {
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        SamplingParams params =
            SamplingParams.defaults()
                .withMaxTokens(24)
                .withIgnoreEos(true)
                .withN(i == 3 ? 2 : 1)
                .withSeed(i);
        requests.add(Request.of(new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10 + i}, params));
      }
      engine.submit(requests).forEach(c -> c.join());
    }
    return seen;
  }

  private static EventSink withBooks(List<Event> seen) {
    return new EventSink() {
      @Override
      public void accept(Event event) {
        seen.add(event);
      }

      @Override
      public boolean wantsBooks() {
        return true;
      }
    };
  }

  @Test
  void everyKindOfEventBecomesALineWithItsNameAndItsFields() throws IOException {
    Path file = directory.resolve("events.jsonl");
    List<Event> events = everyKind().toList();
    try (TraceSink sink = TraceSink.open(file)) {
      assertThat(sink).isInstanceOf(JsonLinesSink.class);
      events.forEach(sink::accept);
    }
    List<String> lines = Files.readAllLines(file);
    assertThat(lines).hasSameSizeAs(events);
    for (int i = 0; i < lines.size(); i++) {
      Event event = events.get(i);
      JsonNode read = JSON.readTree(lines.get(i));
      assertThat(read.get("event").asText()).isEqualTo(event.getClass().getSimpleName());
      RecordComponent[] components = event.getClass().getRecordComponents();
      assertThat(read.size()).isEqualTo(components.length + 1);
      for (RecordComponent c : components) {
        assertThat(read.get(c.getName()).asText()).as(c.getName()).isEqualTo(field(c, event));
      }
    }
  }

  private static String field(RecordComponent component, Event event) {
    try {
      Object value = component.getAccessor().invoke(event);
      boolean nested = value instanceof List || value instanceof Map || value.getClass().isArray();
      return nested ? "" : value.toString(); // such a node has no text
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void jsonLinesTellARunEventByEvent() throws IOException {
    Path file = directory.resolve("run.jsonl");
    List<Event> seen;
    try (TraceSink sink = TraceSink.open(file)) {
      seen = busyRun(sink);
    }
    List<String> names = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      names.add(JSON.readTree(line).get("event").asText());
    }
    assertThat(names)
        .isEqualTo(seen.stream().map(e -> e.getClass().getSimpleName()).toList())
        .contains("Retracted", "Forked", "Evicted", "PrefixInserted")
        .contains("Keyframe", "Holds", "StepRows", "BlockKept", "BlockGone");
  }

  @Test
  void everyKindOfEventHasItsPlaceInAPerfettoTrace() throws IOException {
    Path file = directory.resolve("kinds.json");
    try (TraceSink sink = TraceSink.open(file)) {
      assertThat(sink).isInstanceOf(PerfettoSink.class);
      everyKind().forEach(sink::accept);
    }
    assertThat(JSON.readTree(file.toFile()).isArray()).isTrue();
  }

  @Test
  void inAPerfettoTraceEveryBeginHasItsEndAndSpansNest() throws IOException {
    Path file = directory.resolve("run.json");
    List<Event> seen;
    try (TraceSink sink = TraceSink.open(file)) {
      seen = busyRun(sink);
    }
    Map<String, List<String>> tracks = spans(JSON.readTree(file.toFile()));
    long steps = seen.stream().filter(e -> e instanceof Event.StepDone).count();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      expected.add("step " + i);
      expected.addAll(List.of("  plan", "  draft", "  launch", "  judge", "  follow", "  commit"));
    }
    assertThat(tracks.get("steps")).isEqualTo(expected);
    for (int i = 0; i < 8; i++) {
      assertThat(tracks.get("request " + i)).startsWith("waiting", "running", "  prefill");
    }
    assertThat(tracks).hasSize(1 + 8 + 1); // steps, requests, a second choice
    long retracted =
        tracks.values().stream().flatMap(List::stream).filter("retracted"::equals).count();
    assertThat(retracted)
        .isPositive()
        .isEqualTo(seen.stream().filter(e -> e instanceof Event.Retracted).count());
  }

  @Test
  void aTraceOfOverlappingStepsHasALaneForEachThread() throws IOException {
    Path file = directory.resolve("lanes.json");
    EngineOptions options = EngineOptions.defaults().withCompute(c -> c.withOverlap(true));
    try (TraceSink sink = TraceSink.open(file);
        LoadedModel model = LoadedModel.load(Path.of("tiny-models/speck-groups"));
        Engine engine = Engine.start(model, options, sink)) {
      SamplingParams params = SamplingParams.defaults().withMaxTokens(3).withIgnoreEos(true);
      engine.submit(Request.of(new int[] {1, 2, 3}, params)).join();
    }
    Map<Integer, String> lanes = new HashMap<>();
    Map<String, List<String>> spans = new HashMap<>();
    for (JsonNode entry : JSON.readTree(file.toFile())) {
      int lane = entry.path("tid").asInt();
      if (entry.get("name") != null && entry.get("name").asText().equals("thread_name")) {
        lanes.put(lane, entry.get("args").get("name").asText());
      }
      if (entry.get("ph").asText().equals("X")) {
        assertThat(entry.get("dur").asDouble()).isNotNegative();
        spans
            .computeIfAbsent(lanes.get(lane), _ -> new ArrayList<>())
            .add(entry.get("name").asText());
      }
    }
    assertThat(spans.get("steps"))
        .containsExactly("plan 0", "settle 0", "plan 1", "settle 1", "plan 2", "settle 2");
    assertThat(spans.get("compute"))
        .containsExactly("launch 0", "decide 0", "launch 1", "decide 1", "launch 2", "decide 2");
  }

  @Test
  void aTraceHasOneInstantATokenAndCountersEveryStepAndRest() throws IOException {
    Path file = directory.resolve("run.json");
    List<Event> seen;
    try (TraceSink sink = TraceSink.open(file)) {
      seen = busyRun(sink);
    }
    JsonNode trace = JSON.readTree(file.toFile());
    long tokens = seen.stream().filter(e -> e instanceof Event.TokenOut).count();
    int instants = 0;
    List<String> pages = new ArrayList<>();
    for (JsonNode e : trace) {
      instants += e.get("ph").asText().equals("i") && e.get("pid").asInt() == 2 ? 1 : 0;
      if (e.get("ph").asText().equals("C") && e.get("name").asText().equals("pages")) {
        JsonNode a = e.get("args");
        pages.add(a.get("referenced") + " " + a.get("idle") + " " + a.get("free"));
      }
    }
    assertThat(instants).isEqualTo((int) tokens);
    assertThat(pages)
        .isEqualTo(
            seen.stream()
                .flatMap(SinksTest::pools)
                .map(p -> p.referenced() + " " + p.idle() + " " + p.free())
                .toList());
    assertThat(seen.getLast()).as("says how pages stand at the end").isInstanceOf(Event.Idle.class);
  }

  private static Stream<Event.PoolPages> pools(Event event) {
    return switch (event) {
      case Event.StepDone e -> e.pools().stream();
      case Event.Idle e -> e.pools().stream();
      default -> Stream.of();
    };
  }

  /** Names of spans by track, indented by depth; fails where begins and ends do not match. */
  private static Map<String, List<String>> spans(JsonNode trace) {
    Map<String, String> names = new TreeMap<>(); // by pid.tid
    Map<String, List<String>> spans = new TreeMap<>(); // by name of the track
    Map<String, Deque<String>> open = new TreeMap<>();
    Map<String, Double> latest = new TreeMap<>();
    for (JsonNode e : trace) {
      String track = e.get("pid").asText() + "." + e.path("tid").asText();
      String phase = e.get("ph").asText();
      if (phase.equals("M") && e.get("name").asText().equals("thread_name")) {
        names.put(track, e.get("args").get("name").asText());
      }
      if (!phase.equals("B") && !phase.equals("E")) {
        continue;
      }
      double now = e.get("ts").asDouble();
      assertThat(now)
          .as("time in track %s", track)
          .isGreaterThanOrEqualTo(latest.getOrDefault(track, 0.0));
      latest.put(track, now);
      Deque<String> stack = open.computeIfAbsent(track, t -> new ArrayDeque<>());
      if (phase.equals("B")) {
        String name = e.get("name").asText();
        spans
            .computeIfAbsent(names.get(track), t -> new ArrayList<>())
            .add("  ".repeat(stack.size()) + name);
        stack.push(name);
      } else {
        assertThat(stack).as("begun in track %s", track).isNotEmpty();
        stack.pop();
      }
    }
    open.forEach((track, stack) -> assertThat(stack).as("left open in %s", track).isEmpty());
    return spans;
  }

  @Test
  void aTraceThatIsClosedInTheMiddleOfARunIsWhole() throws IOException {
    List<Event> all = busyRun(e -> {});
    for (int cut : new int[] {0, 1, 5, 9, 12, all.size() / 2, all.size() - 1}) {
      for (String name : new String[] {"cut.json", "cut.jsonl"}) {
        Path file = directory.resolve(name);
        try (TraceSink sink = TraceSink.open(file)) {
          sink.begin();
          all.subList(0, cut).forEach(sink::accept);
          sink.close();
          all.subList(cut, all.size()).forEach(sink::accept); // the engine does not know
        }
        if (name.endsWith("l")) {
          assertThat(Files.readAllLines(file)).hasSize(cut);
        } else {
          spans(JSON.readTree(file.toFile()));
        }
      }
    }
  }

  @Test
  void aFileKeepsWhatItHoldsUntilTheRunBegins() throws IOException {
    for (String name : new String[] {"old.json", "old.jsonl"}) {
      Path old = Files.writeString(directory.resolve(name), "an earlier run");
      TraceSink.open(old).close();
      assertThat(old).hasContent("an earlier run");
      try (TraceSink sink = TraceSink.open(old)) {
        sink.begin();
      }
      assertThat(old).content().doesNotContain("earlier");
      Path fresh = directory.resolve("fresh-" + name);
      TraceSink.open(fresh).close();
      assertThat(fresh).doesNotExist();
    }
  }

  @Test
  void aProcessThatIsKilledLosesNoMoreThanASecond() throws IOException {
    for (String name : new String[] {"killed.jsonl", "killed.json"}) {
      Path file = directory.resolve(name);
      TraceSink sink = TraceSink.open(file); // and never closed
      for (int second = 0; second < 5; second++) {
        sink.accept(new Event.Submitted(second * 1_100_000_000L, second, 3, 8, 1, new int[0]));
      }
      List<String> lines = Files.readAllLines(file);
      assertThat(lines).anyMatch(l -> l.contains("\"request\":4"));
      if (name.endsWith("l")) {
        assertThat(lines).hasSize(5).allMatch(l -> l.startsWith("{") && l.endsWith("}"));
      } else {
        // The format allows the last bracket to be missing; each line before is an event.
        assertThat(JSON.readTree(String.join("\n", lines) + "]").size()).isGreaterThan(5);
      }
      sink.close();
    }
  }

  @Test
  void aFullDiskIsReportedAtCloseAndNotToTheEngine() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full));
    for (TraceSink sink : List.of(new JsonLinesSink(full), new PerfettoSink(full))) {
      assertThat(busyRun(sink)).isNotEmpty();
      assertThatThrownBy(sink::close)
          .isInstanceOf(IOException.class)
          .hasMessageContaining("/dev/full: cannot be written");
      sink.close(); // told once
    }
  }

  @Test
  void aFileThatCannotBeOpenedIsRefusedByItsName() {
    Path file = directory.resolve("nowhere/trace.json");
    assertThatThrownBy(() -> TraceSink.open(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file + ": expected a file in an existing directory");
  }

  @Test
  void microsecondsKeepEveryNanosecond() {
    assertThat(TraceEvents.micros(0)).isEqualTo("0.000");
    assertThat(TraceEvents.micros(7)).isEqualTo("0.007");
    assertThat(TraceEvents.micros(1_234_567)).isEqualTo("1234.567");
  }

  @Test
  void tracesNameThePoolsOfAStep() throws IOException {
    List<Event.PoolPages> pools =
        List.of(
            new Event.PoolPages("all", 256, 1, 2, 3, 0),
            new Event.PoolPages("window 128", 16, 4, 5, 6, 7));
    Event step =
        new Event.StepDone(9, 0, 1, 0, 0, 0, 1, 0, pools, "NOTHING_WAITS", 1, 1, 1, 1, 1, 1);
    Path lines = directory.resolve("pools.jsonl");
    Path perfetto = directory.resolve("pools.json");
    for (Path file : List.of(lines, perfetto)) {
      try (TraceSink sink = TraceSink.open(file)) {
        sink.accept(step);
      }
    }
    assertThat(Files.readString(lines))
        .contains(
            "\"pools\":[{\"pool\":\"all\",\"span\":256,\"free\":1,\"referenced\":2,\"idle\":3,"
                + "\"passed\":0},{\"pool\":\"window 128\",\"span\":16,\"free\":4,\"referenced\":5,"
                + "\"idle\":6,\"passed\":7}]");
    List<String> counters = new ArrayList<>();
    for (JsonNode e : JSON.readTree(perfetto.toFile())) {
      if (e.get("ph").asText().equals("C")) {
        counters.add(e.get("name").asText());
      }
    }
    assertThat(counters).containsExactly("requests", "pages, all", "pages, window 128");
  }
}
