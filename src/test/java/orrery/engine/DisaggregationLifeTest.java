package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;
import static orrery.engine.EngineTest.sampled;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.TinyModels;
import orrery.batching.SchedulePolicy;
import orrery.disagg.Network;
import orrery.disagg.TcpNetwork;
import orrery.engine.TwoEngines.Halves;
import orrery.engine.TwoEngines.Side;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * Whatever dies between two engines, and whenever: every request ends on both sides, all pages come
 * back ({@link TwoEngines#close} looks), and what failed may be sent again.
 */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class DisaggregationLifeTest {
  private static final EngineOptions OPTIONS =
      SCALAR
          .withKv(kv -> kv.withMaxTotalTokens(160).withContextLength(64).withPageSize(4))
          .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(2));
  private static final List<Request> REQUESTS =
      List.of(
          Request.of(PROMPT, sampled(14).withLogprobs(1).withN(2)),
          Request.of(Arrays.copyOf(PROMPT, 17), greedy(20).withLogprobs(0)),
          Request.of(Arrays.copyOf(PROMPT, 5), sampled(9).withLogprobs(0)),
          Request.of(Arrays.copyOf(PROMPT, 23), sampled(1).withLogprobs(0)));

  private static final Duration PATIENCE = Duration.ofSeconds(10); // some wait so long

  private static LoadedModel loaded;
  private static List<String> expected; // [requests]

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("mtp"));
    try (Engine engine = Engine.start(loaded, OPTIONS)) {
      expected = engine.submit(REQUESTS).stream().map(c -> bits(c.join())).toList();
    }
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static TwoEngines two(Network network, int reserve) {
    Side prefill = new Side(loaded, OPTIONS, EventSink.NONE);
    Side decode = new Side(loaded, OPTIONS, EventSink.NONE);
    return new TwoEngines(prefill, decode, network, reserve, PATIENCE);
  }

  /** Waits for the end of a request; returns whether it was answered, with the right answer. */
  private static boolean answered(Completion c, String right, String what) {
    try {
      assertThat(c.await(2, TimeUnit.MINUTES)).as("%s: it ended", what).isTrue();
      List<Answer> answers = c.join();
      String said = bits(answers);
      boolean cut = answers.stream().anyMatch(a -> a.finish() instanceof FinishReason.Abort);
      assertThat(cut || said.equals(right)).as("%s: %s", what, said).isTrue();
      return !cut;
    } catch (RequestException e) {
      assertThat(e.kind()).as(what).isEqualTo(RequestException.Kind.FAILED);
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void requireEnd(Completion c, String what) {
    try {
      assertThat(c.await(2, TimeUnit.MINUTES)).as("%s: it ended", what).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Bytes of the first frame. */
  private static long hello(Engine engine) {
    int bytes = 24 + "model=".length() + TwoEngines.MODEL.length() + 1;
    for (Map.Entry<String, String> line : engine.kvFormat().entrySet()) {
      bytes += line.getKey().length() + line.getValue().length() + 2;
    }
    return bytes;
  }

  @Test
  void aConnectionThatBreaksAtAnyByteFailsItsOwnRequestAloneWhichMayBeSentAgain() {
    long hello;
    CuttingNetwork whole = new CuttingNetwork(i -> CuttingNetwork.NEVER);
    try (TwoEngines two = two(whole, 8)) {
      assertThat(answered(two.submit(REQUESTS.getFirst()).decode(), expected.getFirst(), "whole"))
          .isTrue();
      hello = hello(two.decode.engine);
    }
    long bytes = whole.moved.get();
    List<Long> cuts = new ArrayList<>(List.of(1L, 30L, hello - 1, hello, hello + 1, hello + 33));
    for (int i = 1; i <= 40; i++) {
      cuts.add(hello + (bytes - hello) * i / 40);
    }
    int failed = 0;
    for (long at : cuts) {
      CuttingNetwork network = new CuttingNetwork(i -> i == 0 ? at : CuttingNetwork.NEVER);
      try (TwoEngines two = two(network, 8)) {
        String what = "cut at byte " + at + " of " + bytes;
        Halves first = two.submit(REQUESTS.getFirst());
        Halves other = two.submit(REQUESTS.get(1));
        boolean there = answered(first.decode(), expected.getFirst(), what);
        boolean otherThere = answered(other.decode(), expected.get(1), what);
        requireEnd(first.prefill(), what);
        requireEnd(other.prefill(), what);
        assertThat(there || otherThere).as("%s: one of them at least", what).isTrue();
        failed += there && otherThere ? 0 : 1;
        int again = there ? 1 : 0; // the first connection may have been that of the other
        Completion second = two.submit(REQUESTS.get(again)).decode();
        assertThat(answered(second, expected.get(again), what)).as(what).isTrue();
      }
    }
    assertThat(failed).as("requests that failed at their first try").isGreaterThan(40);
  }

  @Test
  void underManyBrokenConnectionsEveryRequestIsAnsweredInTheEnd() {
    for (int seed = 0; seed < 5; seed++) {
      Random r = new Random(seed);
      long[] cuts = r.longs(200, 600, 14_000).toArray();
      CuttingNetwork network = new CuttingNetwork(i -> cuts[i]);
      int tries = 0;
      try (TwoEngines two = two(network, r.nextInt(16))) {
        List<Integer> open = new ArrayList<>(List.of(0, 1, 2, 3, 0, 1, 2, 3));
        while (!open.isEmpty()) {
          assertThat(++tries).as("rounds").isLessThan(25);
          List<Integer> now = List.copyOf(open);
          List<Halves> sent = now.stream().map(i -> two.submit(REQUESTS.get(i))).toList();
          open.clear();
          for (int i = 0; i < now.size(); i++) {
            int which = now.get(i);
            if (!answered(sent.get(i).decode(), expected.get(which), "seed " + seed)) {
              open.add(which);
            }
            requireEnd(sent.get(i).prefill(), "seed " + seed);
          }
        }
      }
      assertThat(network.broken.get()).as("broken connections").isPositive();
    }
  }

  /** What happens to one half of a request at the moment at which it comes into a queue. */
  private static EventSink at(Event.Queue queue, AtomicReference<Runnable> then) {
    return event -> {
      if (event instanceof Event.Queued e && e.queue() == queue) {
        Runnable run = then.getAndSet(null);
        if (run != null) {
          run.run();
        }
      }
    };
  }

  /** In each queue of each side: the caller goes away, of the one half or the other. */
  @Test
  void aRequestThatIsCancelledInAnyQueueEndsOnBothSidesAndTheOthersGoOn() {
    Map<Event.Queue, Integer> cut = new EnumMap<>(Event.Queue.class);
    for (Event.Queue queue : Event.Queue.values()) {
      for (boolean mine : new boolean[] {true, false}) {
        for (boolean atPrefill : new boolean[] {true, false}) {
          String what = queue + ", " + mine + ", " + atPrefill;
          AtomicReference<Runnable> then = new AtomicReference<>();
          AtomicReference<Halves> victim = new AtomicReference<>();
          EventSink sink = at(queue, then);
          EngineOptions few = OPTIONS.withBatching(b -> b.withMaxRunningRequests(2));
          Side prefill = new Side(loaded, few, atPrefill ? sink : EventSink.NONE);
          Side decode = new Side(loaded, few, atPrefill ? EventSink.NONE : sink);
          try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 8, PATIENCE)) {
            AtomicBoolean told = new AtomicBoolean();
            then.set(
                () -> {
                  told.set(true);
                  Halves v = victim.get();
                  while (v == null) { // it is being submitted
                    Thread.onSpinWait();
                    v = victim.get();
                  }
                  (mine == atPrefill ? v.prefill() : v.decode()).cancel();
                });
            victim.set(two.submit(REQUESTS.getFirst()));
            List<Halves> others = two.submit(REQUESTS.subList(1, 4));
            boolean answered = answered(victim.get().decode(), expected.getFirst(), what);
            requireEnd(victim.get().prefill(), what);
            for (int i = 0; i < 3; i++) {
              assertThat(answered(others.get(i).decode(), expected.get(i + 1), what))
                  .as(what)
                  .isTrue();
            }
            cut.merge(queue, told.get() && !answered ? 1 : 0, Integer::sum);
          }
        }
      }
    }
    assertThat(cut.values()).as("cut off, by queue: %s", cut).allMatch(n -> n > 0);
  }

  /** One of the two engines is shut down when a request comes into a queue. */
  @Test
  void ifAnEngineDiesInAnyQueueEveryRequestOfBothEnds() {
    int failed = 0;
    for (Event.Queue queue : Event.Queue.values()) {
      for (boolean prefillDies : new boolean[] {true, false}) {
        for (boolean atPrefill : new boolean[] {true, false}) {
          String what = queue + ", " + prefillDies + ", " + atPrefill;
          AtomicReference<Runnable> then = new AtomicReference<>();
          AtomicReference<Engine> dies = new AtomicReference<>();
          EventSink sink = at(queue, then);
          Side prefill = new Side(loaded, OPTIONS, atPrefill ? sink : EventSink.NONE);
          Side decode = new Side(loaded, OPTIONS, atPrefill ? EventSink.NONE : sink);
          dies.set(prefillDies ? prefill.engine : decode.engine);
          then.set(() -> dies.get().shutdownNow());
          ConcurrentLinkedQueue<Halves> sent = new ConcurrentLinkedQueue<>();
          try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 8, PATIENCE)) {
            for (int i = 0; i < 4; i++) {
              try {
                sent.add(two.submit(REQUESTS.get(i)));
              } catch (RequestException e) {
                assertThat(e.kind()).isEqualTo(RequestException.Kind.CLOSED);
              }
            }
            int i = 0;
            for (Halves h : sent) {
              failed += answered(h.decode(), expected.get(i++), what) ? 0 : 1;
              requireEnd(h.prefill(), what);
            }
          }
        }
      }
    }
    assertThat(failed).as("requests that did not get their answers").isGreaterThan(20);
  }

  @Test
  void inTheSmallestMemoryManyRequestsAreAnsweredUnderEveryPolicy() {
    int retracted = 0;
    for (SchedulePolicy policy : SchedulePolicy.values()) {
      for (int reserve : new int[] {0, 3, 512}) {
        int tokens = reserve == 3 ? 72 : 44; // as the longest request needs, or some more
        EngineOptions small =
            OPTIONS
                .withKv(kv -> kv.withMaxTotalTokens(tokens).withContextLength(43))
                .withBatching(b -> b.withSchedulePolicy(policy).withBatchWaitMillis(0));
        TwoEngines two = new TwoEngines(loaded, small, small, TcpNetwork.local(), reserve);
        List<Halves> all = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
          all.add(two.submit(REQUESTS.get(i % 4)));
        }
        for (int i = 0; i < 24; i++) {
          String what = policy + ", reserve " + reserve + ", request " + i;
          assertThat(answered(all.get(i).decode(), expected.get(i % 4), what)).as(what).isTrue();
          requireEnd(all.get(i).prefill(), what);
        }
        two.close(policy + ", reserve " + reserve);
        retracted += two.decode.retractions.get();
      }
    }
    assertThat(retracted).as("retractions of decoding sequences").isPositive();
  }

  @Test
  void requestsGetTheirPagesInTheOrderInWhichTheyCame() {
    List<Integer> came = new ArrayList<>();
    List<Integer> got = new ArrayList<>();
    EventSink order =
        event -> {
          if (event instanceof Event.Queued e && e.queue() == Event.Queue.PREALLOC) {
            came.add(e.request());
          } else if (event instanceof Event.Queued e && e.queue() == Event.Queue.TRANSFER) {
            got.add(e.request());
          }
        };
    EngineOptions small = OPTIONS.withKv(kv -> kv.withMaxTotalTokens(60));
    Side prefill = new Side(loaded, OPTIONS, EventSink.NONE);
    Side decode = new Side(loaded, small, order);
    try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 512, PATIENCE)) {
      List<Halves> all = new ArrayList<>();
      for (int i = 0; i < 20; i++) { // long ones, and short ones that would fit behind them
        all.add(two.submit(REQUESTS.get(i % 4)));
      }
      all.forEach(h -> requireEnd(h.decode(), "order"));
    }
    assertThat(got).isEqualTo(came).hasSize(20);
  }

  /** SGLang sorts this queue by priority too ({@code disaggregation/decode.py}). */
  @Test
  void requestsOfHigherPriorityGetPagesAndPlacesFirst() throws Exception {
    List<Integer> pages = new ArrayList<>();
    List<Integer> places = new ArrayList<>();
    CountDownLatch asked = new CountDownLatch(4);
    CountDownLatch here = new CountDownLatch(4);
    AtomicReference<Engine> paused = new AtomicReference<>();
    EventSink order =
        event -> {
          if (event instanceof Event.Queued e) {
            switch (e.queue()) {
              case PREALLOC -> asked.countDown();
              case TRANSFER -> {
                pages.add(e.request());
                if (pages.size() == 4) {
                  paused.get().pause(PauseMode.IN_PLACE); // until all rows are here
                }
              }
              case WAITING -> here.countDown();
              case RUNNING -> places.add(e.request());
              default -> {}
            }
          }
        };
    EngineOptions one = OPTIONS.withBatching(b -> b.withMaxRunningRequests(1));
    Side prefill = new Side(loaded, OPTIONS, EventSink.NONE);
    Side decode = new Side(loaded, one, order);
    paused.set(decode.engine);
    Request request = REQUESTS.get(2);
    try (TwoEngines two = new TwoEngines(prefill, decode, TcpNetwork.local(), 0, PATIENCE)) {
      decode.engine.pause(PauseMode.IN_PLACE).join(); // until all wait for pages
      List<Halves> all =
          two.submit(
              IntStream.of(0, 5, Integer.MIN_VALUE, 5).mapToObj(request::withPriority).toList());
      asked.await();
      decode.engine.resume().join();
      here.await();
      decode.engine.resume().join();
      all.forEach(h -> requireEnd(h.decode(), "priorities"));
    }
    assertThat(pages).containsExactly(1, 3, 0, 2);
    assertThat(places).containsExactly(1, 3, 0, 2);
  }
}
