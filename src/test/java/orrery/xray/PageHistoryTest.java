package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.graalvm.polyglot.PolyglotException;
import org.graalvm.polyglot.Value;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.Keyframe;
import orrery.xray.PageScript.Edit;

/** Time travel of the page: the playhead, wherever it goes, shows what was there. */
class PageHistoryTest {
  private static final long SEED = Long.getLong("orrery.xray.seed", 1_400);
  private static final int RUNS = 8; // one of each model

  @TempDir Path directory;
  private PageScript page;

  @BeforeEach
  void open() {
    page = PageScript.open(directory);
  }

  @AfterEach
  void close() {
    page.close();
  }

  /** A run with a keyframe now and then, as a server sends it. */
  private static WatchedRuns run(int i) {
    return WatchedRuns.of(SEED + i).withKeyframesEvery(16);
  }

  private static Value push(PageScript page, Value history, WatchedRuns run, int from, int to) {
    return page.call("push", history, run.text(from, to), from, 1, 0);
  }

  private static void tell(PageScript page, Value history, String what, Object... more) {
    Object[] all = new Object[2 + more.length];
    all[0] = history;
    all[1] = what;
    System.arraycopy(more, 0, all, 2, more.length);
    page.call("tell", all);
  }

  private static JsonNode ask(PageScript page, Value history, String what) {
    return EngineBooks.read(page.call("ask", history, what).asString());
  }

  /** Moves the playhead at random while events come; returns how often the log was cut. */
  private static int travel(PageScript page, WatchedRuns run, Random r) {
    Value folded = page.call("folded", run.text());
    Value history = page.call("history", "", 1, 40, 250);
    int events = run.lines().size();
    int from = 0;
    int cuts = 0;
    while (from < events) {
      int to = Math.min(events, from + 1 + r.nextInt(60));
      long first = ask(page, history, "range").get("first").asLong();
      push(page, history, run, from, to);
      from = to;
      cuts += ask(page, history, "range").get("first").asLong() > first && first >= 0 ? 1 : 0;
      for (int i = 0; i < 3; i++) {
        move(page, history, r);
        assertThat(page.call("sameAs", history, folded).asString()).as("%s", run).isEmpty();
      }
    }
    return cuts;
  }

  private static void move(PageScript page, Value history, Random r) {
    JsonNode range = ask(page, history, "range");
    int first = range.get("first").asInt();
    int last = range.get("last").asInt();
    switch (r.nextInt(9)) {
      case 0, 1, 2 -> {
        int step = first - 1 + r.nextInt(last - first + 3);
        tell(page, history, "seekStep", step);
        int expected = Math.max(first, Math.min(last, step));
        assertThat(ask(page, history, "range").get("step").asInt()).isEqualTo(expected);
      }
      case 3 -> tell(page, history, "next");
      case 4 -> tell(page, history, "previous");
      case 5 -> tell(page, history, "home");
      case 6 -> tell(page, history, "goLive");
      case 7 -> {
        tell(page, history, "play", 40);
        tell(page, history, "tick", 30 + r.nextInt(100));
      }
      default -> tell(page, history, "jump", null, r.nextBoolean() ? 1 : -1);
    }
  }

  @Test
  void whereverThePlayheadGoesItShowsWhatWasThere() {
    int cuts = 0;
    for (int i = 0; i < RUNS; i++) {
      cuts += travel(page, run(i), new Random(SEED + i));
    }
    assertThat(cuts).as("times that old events were dropped").isGreaterThan(3 * RUNS);
  }

  /** Changes of the page's script, each of which makes travelling wrong. */
  private static final List<Edit> WRONG =
      List.of(
          new Edit("shape.js", "tokens: s.tokens.slice(), spans", "spans"),
          new Edit("shape.js", "spans: s.spans.map((span) => ({ ...span })),", ""),
          new Edit("shape.js", "steps: state.steps.slice(),", ""),
          new Edit("shape.js", "blocks: { ...state.blocks },", ""),
          new Edit("shape.js", "counters: { ...state.counters },", ""),
          new Edit("shape.js", "pools: state.pools.map((pool) => ({ ...pool })),", ""),
          new Edit("history.js", "this.view = clone(from.state);", "this.view = from.state;"),
          new Edit("history.js", "state: clone(this.front) });", "state: this.front });"),
          new Edit("history.js", "      this.first = oldest;\n", ""),
          new Edit("history.js", "c.at <= position", "c.at <= position + 20"),
          new Edit("history.js", "end.step > step", "end.step >= step"));

  @Test
  void everyRuleOfTravellingIsSeenToFail() throws Exception {
    for (Edit edit : WRONG) {
      Path copy = Files.createTempDirectory(directory, "wrong");
      try (PageScript wrong = PageScript.open(copy, List.of(edit))) {
        assertThat(fails(wrong)).as("%s", edit).isTrue();
      }
    }
  }

  private static boolean fails(PageScript wrong) {
    try {
      for (int i = 0; i < RUNS; i++) {
        travel(wrong, run(i), new Random(SEED + i));
      }
      return false;
    } catch (AssertionError | PolyglotException e) {
      return true;
    }
  }

  @Test
  void theBooksAtEveryStepOfThePastAreTheEngines() {
    for (int i = 0; i < RUNS; i++) {
      WatchedRuns every = WatchedRuns.of(SEED + i);
      Value history = page.call("history", every.text(), 100, 150, 100_000);
      assertThat(ask(page, history, "disagreement").isNull()).as("%s", every).isTrue();
      List<Keyframe> keyframes = new ArrayList<>(every.keyframes());
      java.util.Collections.shuffle(keyframes, new Random(SEED + i));
      for (Keyframe k : keyframes) {
        // There are keyframes after flushes too; these stand behind the step's own.
        int at = every.events().indexOf(k);
        if (at > 0 && every.events().get(at - 1) instanceof Event.StepDone) {
          tell(page, history, "seekStep", k.step());
          assertThat(EngineBooks.read(page.call("booksAt", history).asString()))
              .as("%s, step %d", every, k.step())
              .isEqualTo(EngineBooks.of(k));
          assertThat(page.call("wrongPagesAt", history).asString()).isEmpty();
        }
      }
    }
  }

  @Test
  void aJumpGoesThroughTheStepsInWhichItHappened() {
    int jumps = 0;
    for (int i = 0; i < RUNS; i++) {
      WatchedRuns run = run(i);
      jumps += requireJumps(run, "retracted", Event.Retracted.class::isInstance);
      jumps += requireJumps(run, "hit", e -> e instanceof Event.Admitted a && a.hit() > 0);
      jumps +=
          requireJumps(
              run,
              "rejectedDraft",
              e -> e instanceof Event.Verified v && v.judged() > v.accepted());
      jumps += requireJumps(run, "forked", Event.Forked.class::isInstance);
      jumps += requireJumps(run, "finished", Event.Finished.class::isInstance);
      jumps += requireJumps(run, "evicted", e -> e instanceof Event.Evicted v && v.pages() > 0);
    }
    assertThat(jumps).isGreaterThan(100);
  }

  private int requireJumps(WatchedRuns run, String kind, Predicate<Event> holds) {
    List<Long> expected = run.stepsWith(holds);
    Value history = page.call("history", run.text(), 200, 300, 100_000);
    tell(page, history, "home");
    List<Long> found = jumps(history, kind, 1);
    assertThat(found).as("%s, %s", run, kind).isEqualTo(expected);
    tell(page, history, "goLive");
    // The newest step is where the playhead stands already, if nothing came behind it.
    List<Long> back = jumps(history, kind, -1).reversed();
    assertThat(expected.size() - back.size()).as("%s, %s", run, kind).isBetween(0, 1);
    assertThat(back).isEqualTo(expected.subList(0, back.size()));
    return found.size();
  }

  private List<Long> jumps(Value history, String kind, int direction) {
    List<Long> steps = new ArrayList<>();
    while (!page.call("tell", history, "jump", kind, direction).isNull()) {
      steps.add(ask(page, history, "range").get("step").asLong());
    }
    return steps;
  }

  @Test
  void aBlockThatLosesAPageWhichAHitWouldNeedIsATombstone() {
    int tombstones = 0;
    for (int i = 0; i < RUNS; i++) {
      WatchedRuns run = run(i);
      Value history = page.call("history", run.text(), 200, 300, 100_000);
      for (JsonNode mark : ask(page, history, "index")) {
        if (mark.get("kind").asText().equals("tombstone")) {
          tombstones++;
          int block = mark.get("n").asInt();
          assertThat(run.all(BlockKept.class).stream().filter(b -> b.block() == block))
              .as("%s, block %d", run, block)
              .hasSizeGreaterThan(1);
        }
      }
    }
    assertThat(tombstones).isPositive();
  }

  @Test
  void aLostStretchEndsAtTheNextKeyframe() {
    for (int i = 0; i < RUNS; i++) {
      WatchedRuns run = run(i);
      int events = run.lines().size();
      Value history = page.call("history", "", 1, 100, 100_000);
      push(page, history, run, 0, events / 3);
      int behind = events / 3 + 5;
      page.call("push", history, run.text(behind, events), behind, 1, 5);
      Keyframe last = run.keyframes().getLast();
      int at = run.events().indexOf(last);
      assertThat(ask(page, history, "lost").asInt()).isEqualTo(5);
      tell(page, history, "seekStep", last.step());
      assertThat(at).isGreaterThan(behind);
      assertThat(EngineBooks.read(page.call("booksAt", history).asString()).get("blocks"))
          .as("%s", run)
          .isEqualTo(EngineBooks.of(last).get("blocks"));
      assertThat(page.call("wrongPagesAt", history).asString()).isEmpty();
    }
  }

  @Test
  void aPageThatConnectsAgainTakesNoEventTwice() {
    WatchedRuns run = run(0);
    int events = run.lines().size();
    Value once = page.call("history", run.text(), 100, 100, 100_000);
    Value again = page.call("history", "", 1, 100, 100_000);
    push(page, again, run, 0, events / 2);
    push(page, again, run, 0, events);
    assertThat(ask(page, again, "range")).isEqualTo(ask(page, once, "range"));
    assertThat(ask(page, again, "state").get("counters"))
        .isEqualTo(ask(page, once, "state").get("counters"));
  }

  @Test
  void anotherRunBeginsWithNothing() {
    WatchedRuns run = run(1);
    WatchedRuns other = run(2);
    Value history = page.call("history", run.text(), 100, 100, 100_000);
    int behind = run.lines().size();
    page.call("push", history, other.text(), behind, 2, 0);
    Value alone = page.call("history", other.text(), 100, 100, 100_000);
    assertThat(page.call("booksAt", history).asString())
        .isEqualTo(page.call("booksAt", alone).asString());
    assertThat(ask(page, history, "range")).isEqualTo(ask(page, alone, "range"));
    assertThat(ask(page, history, "run").asInt()).isEqualTo(2);
  }

  @Test
  void aPageThatIsLeftOpenOverAnotherServerBeginsAgainThoughItsNumbersAreTheSame() {
    WatchedRuns run = run(1);
    WatchedRuns other = run(2);
    Value history = page.call("history", run.text(), 100, 100, 100_000);
    page.call("serve", history, other.text(), 1); // run 1 and numbers from 0, as before
    Value alone = page.call("history", other.text(), 100, 100, 100_000);
    assertThat(page.call("booksAt", history).asString())
        .isEqualTo(page.call("booksAt", alone).asString());
    assertThat(ask(page, history, "range")).isEqualTo(ask(page, alone, "range"));
    assertThat(ask(page, history, "run").asInt()).as("a number that no engine had").isEqualTo(2);
    assertThat(ask(page, history, "disagreement").isNull()).isTrue();
  }

  @Test
  void aRecordingIsKeptWhole() {
    WatchedRuns run = run(0);
    String idle =
        run.lines().stream().filter(l -> l.contains("\"Idle\"")).findFirst().orElseThrow();
    int events = run.lines().size();
    Value whole = page.call("history", run.text(), 1000, 1000, -1);
    int first = ask(page, whole, "range").get("first").asInt();
    String many = (idle + "\n").repeat(1000);
    for (int i = 0; i < 45; i++) {
      page.call("push", whole, many, events + 1000 * i, 1, 0);
    }
    assertThat(ask(page, whole, "range").get("first").asInt()).isEqualTo(first);
    assertThat(ask(page, whole, "range").get("events").asInt()).isEqualTo(events + 45_000);
  }

  @Test
  void theStateStaysSmallThoughNoStepComes() {
    WatchedRuns run = run(0);
    List<String> kinds = new ArrayList<>();
    for (String kind : List.of("Submitted", "Finished", "Idle")) {
      String named = "{\"event\":\"" + kind + "\"";
      kinds.add(run.lines().stream().filter(l -> l.startsWith(named)).findFirst().orElseThrow());
    }
    JsonNode sizes =
        EngineBooks.read(page.call("grown", run.text(), String.join("\n", kinds), 5000).asString());
    for (JsonNode size : sizes) {
      assertThat(size.asInt()).as("%s", sizes).isLessThan(1_200);
    }
  }

  @Test
  void aMessageThatThePageCannotFollowEndsTheFeed() {
    String good = "data: {\"n\": 1, \"events\": []}\n\n";
    Value found = page.call("fed", good + "|data: {\"n\": 1}\n\n|" + good);
    assertThat(found.getMember("connected").asInt()).isEqualTo(1);
    assertThat(found.getMember("aborted").asInt()).isEqualTo(1);
    assertThat(found.getMember("taken").asInt()).isEqualTo(2);
    assertThat(found.getMember("said").asString())
        .startsWith("connecting open This page cannot follow the server's events: ");
  }

  @Test
  void aFeedWhoseStreamEndsConnectsAgain() {
    String good = "data: {\"n\": 1, \"events\": []}\n\n";
    Value found = page.call("fed", good + "data: [DONE]\n\n");
    assertThat(found.getMember("connected").asInt()).isEqualTo(4);
    assertThat(found.getMember("taken").asInt()).isEqualTo(3);
    assertThat(found.getMember("said").asString())
        .contains("The server has ended the stream of events. The page tries again.");
  }

  @Test
  void whatHappenedDuringALoadIsCountedFromItsFirstRequestToItsLastAnswer() {
    for (int i = 0; i < RUNS; i++) {
      WatchedRuns run = run(i);
      List<Integer> requests =
          run.all(Event.Submitted.class).stream().map(Event.Submitted::request).toList();
      Value history = page.call("history", run.text(), 100, 100, 100_000);
      Value during = page.call("during", history, requests.toString());
      assertThat(during.getMember("done").asBoolean()).isTrue();
      assertThat(during.getMember("steps").asLong())
          .as("%s", run)
          .isEqualTo(run.all(Event.StepDone.class).size());
      assertThat(during.getMember("outputTokens").asLong())
          .isEqualTo(run.all(Event.TokenOut.class).size());
      long begin = run.all(Event.Submitted.class).getFirst().nanos();
      long end = run.all(Event.Finished.class).getLast().nanos();
      assertThat(during.getMember("wallNanos").asLong()).isEqualTo(end - begin);
      assertThat(during.getMember("texts").asString())
          .as("%s", run)
          .isEqualTo(texts(run, requests));
      assertThat(page.call("during", history, "[9999]").isNull()).isTrue();
    }
  }

  /** The answers' tokens, by the place of the request and the sequence. */
  private static String texts(WatchedRuns run, List<Integer> requests) {
    Map<Integer, Map<Integer, List<Integer>>> texts = new TreeMap<>();
    for (Event.TokenOut t : run.all(Event.TokenOut.class)) {
      texts
          .computeIfAbsent(requests.indexOf(t.request()), r -> new TreeMap<>())
          .computeIfAbsent(t.sequence(), r -> new ArrayList<>())
          .add(t.token());
    }
    List<String> all = new ArrayList<>();
    texts.forEach(
        (place, answers) ->
            answers
                .values()
                .forEach(a -> all.add(place + ":" + a.toString().replaceAll("[^0-9,]", ""))));
    return String.join(";", all);
  }

  @Test
  void messagesAreFoundInAStreamThatIsCutAnywhere() {
    String stream = "data: {\"a\": 1}\n\n: still here\n\ndata: {\"b\":\r\ndata: \"é\"}\r\n\r\n";
    String expected = "[{\"a\":1},{\"b\":\"é\"}]";
    for (int cut = 0; cut <= stream.length(); cut++) {
      Value found = page.call("messages", stream.substring(0, cut), stream.substring(cut));
      assertThat(found.asString()).isEqualTo(expected);
    }
  }
}
