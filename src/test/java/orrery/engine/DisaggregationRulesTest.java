package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Patience;
import orrery.TinyModels;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillSide;
import orrery.disagg.TcpNetwork;
import orrery.engine.TwoEngines.Halves;
import orrery.engine.TwoEngines.Side;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.sampling.FinishReason;
import orrery.speculation.SpeculationOptions.Algorithm;

/** What two engines agree on, and what they refuse; bugs that others had. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class DisaggregationRulesTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("mtp"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  /** A router counts on room % size: SGLang once sent rooms to any rank (Dynamo 9080). */
  @Test
  void aRoomGoesToTheEngineOfItsRank() throws IOException {
    List<AtomicInteger> came =
        List.of(new AtomicInteger(), new AtomicInteger(), new AtomicInteger());
    List<Engine> ranks = new ArrayList<>();
    for (AtomicInteger n : came) {
      EventSink count = e -> n.addAndGet(e instanceof Event.Submitted ? 1 : 0);
      ranks.add(Engine.start(loaded, SCALAR, count));
    }
    try (Engine decode = Engine.start(loaded, SCALAR);
        PrefillSide side = PrefillSide.start(ranks, "m", TcpNetwork.local(), 0, PATIENCE)) {
      DecodeSide decodes = new DecodeSide(decode, "m", TcpNetwork.local(), 8, PATIENCE);
      long[] rooms = {0, 3, 4, 5, 8, 11, Long.MAX_VALUE - 1}; // the last one: rank 0
      for (long room : rooms) {
        Completion prefill = side.submit(Request.of(PROMPT, greedy(4)), room);
        decodes.submit(Request.of(PROMPT, greedy(4)), "localhost", side.port(), room).join();
        prefill.join();
      }
      assertThat(Long.MAX_VALUE - 1).matches(room -> room % 3 == 0);
    }
    ranks.forEach(Engine::close);
    assertThat(came.stream().map(AtomicInteger::get).toList()).containsExactly(3, 1, 3);
  }

  @Test
  void enginesWhoseRowsDifferRefuseEachOtherAndNameWhatDiffers() {
    requireRefusal(o -> o.withKv(kv -> kv.withPageSize(8)), "page-size: the prefill engine has 4");
    requireRefusal(o -> o.withKv(kv -> kv.withKvCacheDtype(KvDtype.BF16)), "floats, row of 1, ");
    requireRefusal(
        o -> o.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP)),
        "slots ahead: the prefill engine has 0, the decode engine 1");
  }

  private static void requireRefusal(UnaryOperator<EngineOptions> other, String why) {
    Side prefill = new Side(loaded, SCALAR, EventSink.NONE);
    Side decode = new Side(loaded, other.apply(SCALAR), EventSink.NONE);
    try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 8, PATIENCE)) {
      Halves halves = two.submit(Request.of(PROMPT, greedy(4)));
      assertThatThrownBy(() -> halves.decode().join())
          .isInstanceOf(RequestException.class)
          .hasMessageContaining(why);
      assertThatThrownBy(() -> halves.prefill().join())
          .isInstanceOf(RequestException.class)
          .hasMessageContaining(why);
    }
  }

  @Test
  void aRoomThatAnotherRequestHasIsRefused() throws IOException {
    try (Engine engine = Engine.start(loaded, SCALAR);
        PrefillSide side =
            PrefillSide.start(List.of(engine), "m", TcpNetwork.local(), 0, PATIENCE)) {
      Completion first = side.submit(Request.of(PROMPT, greedy(4)), 7);
      assertThatThrownBy(() -> side.submit(Request.of(PROMPT, greedy(4)), 7))
          .hasMessage("bootstrap_room: expected one that no other request has, found 7");
      first.cancel();
      first.join();
    }
  }

  @Test
  void aRequestWithoutAPrefillSideFailsWithItsAddress() {
    try (Engine engine = Engine.start(loaded, SCALAR)) {
      DecodeSide side = new DecodeSide(engine, "m", TcpNetwork.local(), 8, PATIENCE);
      Completion c = side.submit(Request.of(PROMPT, greedy(4)), "localhost", 1, 7);
      assertThatThrownBy(c::join).hasMessageEndingWith("no prefill side at localhost:1");
    }
  }

  /** Its pages are lent to a thread that copies them, and does not give them back. */
  @Test
  void aPausedEngineCutsALateRequestOffOnceThoughItsPagesAreLent() throws Exception {
    Patience.grow(Duration.ofMillis(300), DisaggregationRulesTest::cutOffInAPause);
  }

  private static boolean cutOffInAPause(Duration deadline) throws Exception {
    CountDownLatch reserved = new CountDownLatch(1);
    CountDownLatch late = new CountDownLatch(1);
    KvReceiver silent =
        new KvReceiver() {
          @Override
          public void reserved(KvPages pages) {
            reserved.countDown();
          }

          @Override
          public void ended(String why) {
            late.countDown();
          }
        };
    AtomicInteger idle = new AtomicInteger();
    EventSink sink = e -> idle.addAndGet(e instanceof Event.Idle ? 1 : 0);
    try (Engine engine = Engine.start(loaded, SCALAR, sink)) {
      Request request = Request.of(PROMPT, greedy(4)).withDeadline(deadline);
      DecodeTicket ticket = engine.decode(request, silent, 8);
      while (!reserved.await(5, TimeUnit.MILLISECONDS)) {
        if (ticket.completion().isDone()) {
          return false; // it got no pages in time
        }
      }
      engine.pause(PauseMode.IN_PLACE).join();
      late.await();
      Thread.sleep(100); // a hundred events, if each millisecond has one
      assertThat(idle.get()).isLessThan(10);
      ticket.failed("at last");
      assertThat(ticket.completion().join().getFirst().finish())
          .isEqualTo(new FinishReason.Abort(FinishReason.Abort.DEADLINE));
      return true;
    }
  }

  /** Without a seed of its own, a request draws by its room on both sides. */
  @Test
  void aRequestWithoutASeedIsDrawnByItsRoom() throws IOException {
    Request unseeded = Request.of(PROMPT, greedy(12).withTemperature(1).withN(2));
    try (Engine whole = Engine.start(loaded, SCALAR);
        Engine prefill = Engine.start(loaded, SCALAR);
        Engine decode = Engine.start(loaded, SCALAR);
        PrefillSide side =
            PrefillSide.start(List.of(prefill), "m", TcpNetwork.local(), 0, PATIENCE)) {
      whole.submit(unseeded).join();
      DecodeSide decodes = new DecodeSide(decode, "m", TcpNetwork.local(), 8, PATIENCE);
      side.submit(unseeded, 99);
      List<Answer> two = decodes.submit(unseeded, "localhost", side.port(), 99).join();
      List<Answer> one = whole.submit(unseeded.withSeed(99)).join();
      assertThat(EngineTest.bits(two)).isEqualTo(EngineTest.bits(one));
    }
  }

  /**
   * SGLang 23919: the buffer for the drafter's state had the width of the drafter, not of the main
   * model. Here the main model's states are three times as wide as its hidden rows, and the model
   * stops the engine if a column is wrong.
   */
  @Test
  void theDraftersStateHasTheWidthOfTheMainModelsStates() {
    LoadedModel wide =
        new LoadedModel(
            Path.of("made-up"),
            new WideStatesModel(WideStatesModel.WIDTH),
            Optional.empty(),
            new int[0]);
    Random r = new Random(5);
    int accepted = 0;
    for (int page : new int[] {1, 4, 16}) {
      EngineOptions options =
          SCALAR
              .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(3))
              .withKv(kv -> kv.withPageSize(page).withContextLength(256));
      TwoEngines two = new TwoEngines(wide, options, options, TcpNetwork.local(), 8);
      List<int[]> prompts = new ArrayList<>();
      List<Halves> all = new ArrayList<>();
      for (int i = 0; i < 9; i++) {
        prompts.add(r.ints(1 + r.nextInt(90), 0, WideStatesModel.VOCAB).toArray());
        all.add(two.submit(Request.of(prompts.getLast(), greedy(30).withN(1 + i % 3))));
      }
      for (int i = 0; i < all.size(); i++) {
        for (Answer a : all.get(i).decode().join()) {
          assertThat(a.tokens()).isEqualTo(expected(prompts.get(i), 30));
        }
      }
      two.close("P = " + page);
      accepted += two.decode.accepted.get();
    }
    assertThat(accepted).as("accepted drafts").isGreaterThan(300);
  }

  private static int[] expected(int[] prompt, int most) {
    int[] all = Arrays.copyOf(prompt, prompt.length + most);
    for (int p = prompt.length; p < all.length; p++) {
      all[p] = WideStatesModel.after(all[p - 1], p - 1);
    }
    return Arrays.copyOfRange(all, prompt.length, all.length);
  }

  /** It keeps the prompt and its first token, however long the answer becomes elsewhere. */
  @Test
  void thePrefillEngineNeedsRoomForThePromptAlone() {
    EngineOptions small =
        SCALAR.withKv(kv -> kv.withMaxTotalTokens(PROMPT.length + 8).withContextLength(200));
    Side prefill = new Side(loaded, small, EventSink.NONE);
    Side decode = new Side(loaded, SCALAR, EventSink.NONE);
    try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 8, PATIENCE)) {
      Request request = Request.of(PROMPT, greedy(100));
      List<Answer> answers = two.submit(request).decode().join();
      assertThat(answers.getFirst().tokens()).hasSize(100);
      assertThat(EngineTest.bits(answers))
          .isEqualTo(EngineTest.bits(decode.engine.submit(request).join()));
      int[] long1 = Arrays.copyOf(PROMPT, PROMPT.length + 12);
      assertThatThrownBy(() -> two.submit(Request.of(long1, greedy(2))))
          .isInstanceOf(RequestException.class)
          .hasMessageContaining("prompt and first token make " + (long1.length + 1) + " tokens");
    }
  }

  /** A long answer decodes beside prompts, which are all computed in the other engine. */
  @Test
  void theDecodeEngineComputesNoRowOfAPromptUnlessItRetracts() {
    AtomicInteger rows = new AtomicInteger();
    EventSink count = e -> rows.addAndGet(e instanceof Event.StepDone s ? s.prefillRows() : 0);
    Side prefill = new Side(loaded, SCALAR, EventSink.NONE);
    Side decode = new Side(loaded, SCALAR, count);
    try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 8, PATIENCE)) {
      List<Halves> all = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        all.add(two.submit(Request.of(Arrays.copyOf(PROMPT, 3 + 2 * i), sampled(10))));
      }
      all.forEach(h -> h.decode().join());
    }
    assertThat(rows.get()).isZero();
  }

  /** A page is one frame, and a frame has at most 256 MiB. */
  @Test
  void pagesThatNoFrameHasRoomForAreRefusedAtTheStartOfBothSides() {
    KvLayout layout = Sizes.layout(loaded.model(), SCALAR);
    long token = layout.bytesPerPage(layout.unit()) / layout.unit();
    int tokens = layout.wholeRows((int) ((256 << 20) / token) + 1);
    EngineOptions large =
        SCALAR.withKv(
            kv -> kv.withContextLength(64).withPageSize(tokens).withMaxTotalTokens(tokens));
    try (Engine engine = Engine.start(loaded, large)) {
      String why =
          String.format(
              Locale.ROOT,
              "page-size: expected pages of at most 268,435,448 bytes, since they are sent, found"
                  + " %,d bytes in %d tokens",
              tokens * token,
              tokens);
      assertThatThrownBy(
              () ->
                  PrefillSide.start(List.of(engine), "m", TcpNetwork.local(), 0, PATIENCE).close())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(why);
      assertThatThrownBy(() -> new DecodeSide(engine, "m", TcpNetwork.local(), 8, PATIENCE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(why);
    }
  }
}
