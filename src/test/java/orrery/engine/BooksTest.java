package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.TinyModels;
import orrery.events.BlockGone;
import orrery.events.BlockKept;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.Holds;
import orrery.events.Keyframe;
import orrery.events.StepRows;
import orrery.events.Vocabulary;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingParams;
import orrery.speculation.SpeculationOptions.Algorithm;

/** What an engine tells of its books, and to whom. */
class BooksTest {

  private final LoadedModel loaded = LoadedModel.load(TinyModels.speck("groups"));
  private final List<Event> events = new ArrayList<>();

  @AfterEach
  void close() {
    loaded.close();
  }

  /** A sink that wants the books. */
  private static EventSink books(List<Event> into) {
    return new EventSink() {
      @Override
      public void accept(Event event) {
        into.add(event);
      }

      @Override
      public boolean wantsBooks() {
        return true;
      }
    };
  }

  private static SamplingParams sampled(int tokens) {
    return EngineTest.sampled(tokens).withSeed(7);
  }

  private static Request request(int from, int n, int tokens) {
    return Request.of(IntStream.range(from, from + n).toArray(), sampled(tokens));
  }

  /** Little memory, so that pages are shared, evicted, and given up. */
  private static EngineOptions tight(PrefixCacheKind cache) {
    return EngineOptions.defaults()
        .withKv(kv -> kv.withPageSize(4).withMaxTotalTokens(80))
        .withPrefix(p -> p.withPrefixCache(cache))
        .withBatching(b -> b.withMaxRunningRequests(6).withScheduleConservativeness(0.1))
        .withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM).withNgram(1, 3));
  }

  /**
   * A run in which requests share, fork, are retracted and cancelled; then the cache is emptied.
   */
  private void busyRun(PrefixCacheKind cache, EventSink sink) {
    busyRun(tight(cache), sink);
  }

  private void busyRun(EngineOptions options, EventSink sink) {
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    try (Engine engine = Engine.start(loaded, options, sink, drafters, 1)) {
      List<Request> requests = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        int[] prompt = IntStream.range(0, 13).map(t -> t % 3).toArray();
        prompt[12] = 20 + i / 2;
        SamplingParams params = i < 4 ? sampled(24) : EngineTest.greedy(24); // the latter repeat
        requests.add(Request.of(prompt, params.withN(i == 3 ? 3 : 1).withLogprobs(i % 3)));
      }
      List<Completion> all = engine.submit(requests);
      all.get(2).iterator().next();
      all.get(2).cancel();
      all.forEach(Completion::join);
      engine.flushCache().join();
      engine.submit(request(0, 9, 3)).join();
    }
  }

  @ParameterizedTest
  @EnumSource
  void aReaderOfEventsHasTheBooksOfEveryStep(PrefixCacheKind cache) {
    FoldedBooks folded = new FoldedBooks();
    busyRun(cache, folded.and(books(events)));
    assertThat(folded.difference()).isEmpty();
    assertThat(folded.compared()).isGreaterThan(20);
    assertThat(kinds()).contains("Retracted", "Forked", "Finished", "Flushed", "Verified");
    assertThat(kinds().contains("BlockGone")).isEqualTo(cache != PrefixCacheKind.OFF);
  }

  @ParameterizedTest
  @EnumSource
  void aReaderOfEventsHasTheBooksOfEveryStepWhileAnotherIsOnItsWay(PrefixCacheKind cache) {
    FoldedBooks folded = new FoldedBooks();
    EngineOptions options =
        tight(cache)
            .withSpeculation(s -> s.withAlgorithm(Algorithm.OFF))
            .withCompute(c -> c.withOverlap(true));
    busyRun(options, folded.and(books(events)));
    assertThat(folded.difference()).isEmpty();
    assertThat(folded.compared()).isGreaterThan(20);
    assertThat(kinds()).contains("Retracted", "Forked", "Finished", "Flushed", "Overlapped");
    assertThat(events)
        .anyMatch(e -> e instanceof Event.Overlapped o && o.settledFirst().equals("NO"));
  }

  @ParameterizedTest
  @EnumSource(names = "OFF", mode = EnumSource.Mode.EXCLUDE)
  void aReaderOfEventsKnowsThePriorityOfEachBlock(PrefixCacheKind cache) {
    FoldedBooks folded = new FoldedBooks();
    EngineOptions options =
        EngineOptions.defaults()
            .withKv(kv -> kv.withPageSize(4).withMaxTotalTokens(80))
            .withPrefix(p -> p.withPrefixCache(cache));
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    EventSink sink = folded.and(books(events));
    try (Engine engine = Engine.start(loaded, options, sink, drafters, 1)) {
      engine.submit(request(0, 13, 1)).join(); // 3 blocks
      engine.submit(request(0, 13, 1).withRetention(keep(4, 8, new Retention(90)))).join();
      Retention seldom = new Retention(10).lasting(Duration.ofNanos(1));
      engine.submit(request(20, 13, 1).withRetention(keep(0, 12, seldom))).join();
      engine.submit(request(20, 13, 1)).join(); // a hit keeps what is said
      engine.submit(request(40, 60, 1)).join(); // evicts, so times end; the 3 with them lose 10
    }
    assertThat(folded.difference()).isEmpty();
    assertThat(folded.compared()).isPositive();
    List<BlockKept> told =
        events.stream().filter(BlockKept.class::isInstance).map(BlockKept.class::cast).toList();
    assertThat(told.stream().limit(7).map(BlockKept::priority))
        .containsExactly(35, 35, 35, 90, 10, 10, 10);
    assertThat(told.get(3).block()).isEqualTo(told.get(1).block());
    assertThat(told.get(3).pages()).isDeepEqualTo(told.get(1).pages());
    assertThat(told.stream().skip(7)).extracting(BlockKept::priority).containsOnly(35);
  }

  private static RetentionConfig keep(int from, int to, Retention retention) {
    return new RetentionConfig(List.of(TokenRange.of(from, to, retention)), Optional.empty());
  }

  private Set<String> kinds() {
    Set<String> kinds = new HashSet<>();
    events.forEach(e -> kinds.add(e.getClass().getSimpleName()));
    return kinds;
  }

  static Stream<Predicate<Event>> whatMatters() {
    return Stream.of(
        Holds.class::isInstance,
        BlockKept.class::isInstance,
        BlockGone.class::isInstance,
        StepRows.class::isInstance,
        Event.TokenOut.class::isInstance,
        Event.Retracted.class::isInstance,
        Event.Finished.class::isInstance,
        Event.Forked.class::isInstance,
        Event.Admitted.class::isInstance,
        Event.Verified.class::isInstance,
        e -> e instanceof BlockKept k && k.parent() >= 0);
  }

  @ParameterizedTest
  @MethodSource("whatMatters")
  void aReaderThatMissesEventsOfOneKindHasOtherBooks(Predicate<Event> missed) {
    busyRun(PrefixCacheKind.RADIX, books(events));
    assertThat(events).anyMatch(missed);
    FoldedBooks folded = new FoldedBooks();
    events.stream().filter(missed.negate()).forEach(folded::accept);
    assertThat(folded.difference()).isNotEmpty();
  }

  @Test
  void theBooksOfAStepComeBeforeItInAFixedOrder() {
    busyRun(PrefixCacheKind.RADIX, books(events));
    List<Class<?>> order = List.of(BlockGone.class, BlockKept.class, Holds.class, StepRows.class);
    int before = -1; // in the order, since the latest step or rest
    for (Event e : events) {
      int place = order.indexOf(e.getClass());
      if (e instanceof Event.StepDone) {
        assertThat(before).isEqualTo(order.size() - 1);
      }
      if (e instanceof Event.StepDone || e instanceof Event.Idle) {
        before = -1;
      } else if (!(e instanceof Keyframe)) {
        assertThat(place).as("%s", e).isGreaterThanOrEqualTo(before);
        before = place;
      }
    }
  }

  @Test
  void anEngineBeginsWithAKeyframeAndTellsOthersNowAndThenAndAfterAFlush() {
    try (Engine engine = Engine.start(loaded, tight(PrefixCacheKind.HASH), books(events))) {
      for (int i = 0; i < 8; i++) {
        engine.submit(request(i, 9, 40)).join();
      }
      engine.flushCache().join();
    }
    assertThat(events.getFirst()).isInstanceOf(Keyframe.class);
    long steps = events.stream().filter(Event.StepDone.class::isInstance).count();
    assertThat(steps).isGreaterThan(Engine.KEYFRAMES);
    List<Keyframe> frames =
        events.stream().filter(Keyframe.class::isInstance).map(Keyframe.class::cast).toList();
    List<Long> expected = new ArrayList<>(List.of(-1L));
    for (long step = Engine.KEYFRAMES - 1; step < steps; step += Engine.KEYFRAMES) {
      expected.add(step);
    }
    expected.add(steps - 1); // after the flush
    assertThat(frames.stream().map(Keyframe::step).toList()).isEqualTo(expected);
    assertThat(frames.getLast().blocks()).isEmpty();
    assertThat(frames.get(1).blocks()).isNotEmpty();
    for (int i = 1; i < events.size(); i++) {
      if (events.get(i) instanceof Keyframe) {
        assertThat(events.get(i - 1)).isInstanceOfAny(Event.StepDone.class, Event.Idle.class);
      }
    }
  }

  @Test
  void manyEventsBringAKeyframeThoughNoStepIsComputed() {
    int rounds = BookKeeper.MANY_EVENTS; // each makes three events or more
    try (Engine engine = Engine.start(loaded, tight(PrefixCacheKind.HASH), books(events))) {
      engine.pause(PauseMode.IN_PLACE).join();
      for (int i = 0; i < rounds; i++) {
        Completion all = engine.submit(request(i % 8, 9, 4));
        all.cancel();
        all.join();
      }
    }
    int since = 0; // the newest keyframe
    int most = 0;
    for (Event e : events) {
      since = e instanceof Keyframe ? 0 : since + 1;
      most = Math.max(most, since);
    }
    assertThat(events).noneMatch(Event.StepDone.class::isInstance).hasSizeGreaterThan(3 * rounds);
    assertThat(most).isBetween(BookKeeper.MANY_EVENTS - 10, BookKeeper.MANY_EVENTS + 10);
  }

  @Test
  void aRequestThatIsCutOffInAPauseIsSaidToBeGone() throws Exception {
    CompletableFuture<Event.Idle> rests = new CompletableFuture<>();
    EventSink sink =
        event -> {
          if (event instanceof Event.Idle idle && ended(events)) {
            rests.complete(idle);
          }
          events.add(event);
        };
    try (Engine engine = Engine.start(loaded, tight(PrefixCacheKind.RADIX), sink)) {
      engine.pause(PauseMode.IN_PLACE).join();
      engine.submit(request(0, 9, 40));
      engine.step(2).join();
      engine.submit(request(20, 9, 40).withDeadline(Duration.ofMillis(50)));
      Event.Idle idle = rests.get(2, TimeUnit.MINUTES); // nobody sends the engine a message
      assertThat(idle.running()).isEqualTo(1);
      assertThat(idle.waiting()).isZero();
    }
  }

  private static boolean ended(List<Event> events) {
    return events.stream().anyMatch(Event.Finished.class::isInstance);
  }

  @Test
  void aKeyframeNamesTheSwitchesAsUsersWriteThem() {
    try (Engine engine = Engine.start(loaded, tight(PrefixCacheKind.HASH), books(events))) {
      engine.submit(request(0, 9, 1)).join();
    }
    Keyframe frame = (Keyframe) events.getFirst();
    assertThat(frame.model()).isEqualTo("speck-groups");
    assertThat(frame.switches().keySet())
        .isEqualTo(new LinkedHashSet<>(Switch.all().stream().map(Switch::name).toList()));
    assertThat(frame.switches())
        .containsAllEntriesOf(
            Map.of(
                "page-size", "4",
                "prefix-cache", "hash",
                "lpm", "off",
                "enable-mixed-chunk", "on",
                "speculative-acceptance", "coupled",
                "schedule-conservativeness", "0.1"));
  }

  @Test
  void onlySinksThatWantTheBooksGetThem() {
    List<Event> plain = new ArrayList<>();
    busyRun(PrefixCacheKind.RADIX, books(events).and(plain::add));
    assertThat(plain).noneMatch(Event.Books.class::isInstance);
    assertThat(plain).isEqualTo(events.stream().filter(e -> !(e instanceof Event.Books)).toList());
    List<Event> alone = new ArrayList<>();
    busyRun(PrefixCacheKind.RADIX, alone::add);
    assertThat(alone).noneMatch(Event.Books.class::isInstance).isNotEmpty();
    assertThat(plain).as("somebody wants the likeliest tokens").anyMatch(BooksTest::saysLikeliest);
    assertThat(alone).as("nobody wants them").noneMatch(BooksTest::saysLikeliest);
  }

  private static boolean saysLikeliest(Event event) {
    return event instanceof Event.TokenOut t && !t.top().isEmpty();
  }

  @Test
  void tokensComeWithTheLogProbabilitiesThatWereAskedFor() {
    List<Answer> answers;
    try (LoadedModel words = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
        Engine engine = Engine.start(words, EngineOptions.defaults(), books(events))) {
      Request asks = Request.of(new int[] {5, 6, 7}, sampled(6).withLogprobs(2));
      answers = engine.submit(asks).join();
      engine.submit(Request.of(new int[] {5, 6, 7}, sampled(6))).join();
    }
    assertThat(events.get(1)).isInstanceOf(Keyframe.class);
    List<String> texts = ((Vocabulary) events.getFirst()).texts();
    assertThat(events.stream().filter(Vocabulary.class::isInstance)).hasSize(1);
    List<Event.TokenOut> tokens =
        events.stream()
            .filter(Event.TokenOut.class::isInstance)
            .map(Event.TokenOut.class::cast)
            .toList();
    List<Logprobs> told = answers.getFirst().logprobs();
    assertThat(tokens).hasSizeGreaterThan(told.size());
    for (Event.TokenOut t : tokens) {
      if (t.request() == 0) {
        Logprobs l = told.get(t.index());
        assertThat(t.logprob()).isEqualTo((float) l.chosen().logprob());
        assertThat(t.top())
            .isEqualTo(
                l.top().stream()
                    .map(
                        a ->
                            new Event.TopToken(
                                a.token(), texts.get(a.token()), (float) a.logprob()))
                    .toList());
        assertThat(t.top()).hasSize(2);
      } else {
        assertThat(t.logprob()).isNaN();
        assertThat(t.top()).isEmpty();
      }
    }
    assertThat(String.join("", tokens.stream().map(t -> texts.get(t.token())).toList()))
        .isEqualTo(String.join("", tokens.stream().map(Event.TokenOut::text).toList()));
  }
}
