package orrery.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static orrery.engine.EngineTest.PROMPT;
import static orrery.engine.EngineTest.SCALAR;
import static orrery.engine.EngineTest.bits;
import static orrery.engine.EngineTest.greedy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.Patience;
import orrery.TinyModels;
import orrery.disagg.DecodeSide;
import orrery.disagg.Frame;
import orrery.disagg.Frame.Type;
import orrery.disagg.Network;
import orrery.disagg.PrefillSide;
import orrery.disagg.TcpNetwork;
import orrery.disagg.Transfer;
import orrery.engine.BentNetwork.Bend;
import orrery.engine.TwoEngines.Halves;
import orrery.engine.TwoEngines.Side;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * A peer that says the wrong thing, at the wrong time or not at all costs its own request alone:
 * the request fails, its pages come back ({@link Side#close} looks), and the engine goes on.
 */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class DisaggregationPeersTest {
  private static final EngineOptions OPTIONS =
      SCALAR.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(2));
  private static final Request REQUEST = Request.of(PROMPT, greedy(9));
  private static final Duration SHORT = Duration.ofMillis(400);
  private static final Duration LONG = Duration.ofMinutes(2);
  private static final Bend STRAIGHT = frame -> frame;

  private static LoadedModel loaded;

  @BeforeAll
  static void load() {
    loaded = LoadedModel.load(TinyModels.speck("mtp"));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static Side side() {
    return new Side(loaded, OPTIONS, EventSink.NONE);
  }

  private static Frame frame(Type type, long room, int... numbers) {
    ByteBuffer payload = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    payload.asIntBuffer().put(numbers);
    return new Frame(type, room, payload);
  }

  private static ByteBuffer hello(Engine engine) {
    StringBuilder fit = new StringBuilder("model=m\n");
    engine.kvFormat().forEach((k, v) -> fit.append(k).append('=').append(v).append('\n'));
    return ByteBuffer.wrap(fit.toString().getBytes(StandardCharsets.UTF_8));
  }

  /** What a decode side does by hand. */
  private interface Peer {
    void play(Transfer with) throws IOException;
  }

  /** Requires that room 7 fails so on the prefill side if its decode side does this. */
  private static void requirePrefillFails(Peer peer, String why) throws IOException {
    assertThat(prefillFailure(LONG, peer)).contains(why);
  }

  /** Why room 7 fails on the prefill side if its decode side does this after HELLO. */
  private static String prefillFailure(Duration bootstrap, Peer peer) throws IOException {
    Side side = side();
    try (PrefillSide prefills =
        PrefillSide.start(List.of(side.engine), "m", TcpNetwork.local(), 0, bootstrap)) {
      side.engine
          .pause(PauseMode.IN_PLACE)
          .join(); // nothing is computed before the peer has played
      Completion request = prefills.submit(REQUEST, 7);
      try (Transfer with = TcpNetwork.local().connect("localhost", prefills.port())) {
        with.send(new Frame(Type.HELLO, 7, hello(side.engine)));
        with.receive(Type.WELCOME);
        peer.play(with);
        return failure(request);
      } finally {
        failure(request);
        side.close("room 7");
        assertThat(prefills.rooms()).isZero();
      }
    }
  }

  private static String failure(Completion request) {
    return catchThrowableOfType(RequestException.class, request::join).getMessage();
  }

  @Test
  void aDecodeSideThatIsDoneBeforeAnythingWasSentFailsItsRequest() throws IOException {
    requirePrefillFails(
        with -> {
          with.send(frame(Type.RESERVED, 7, 1, 0, 3));
          with.send(frame(Type.DONE, 7));
        },
        "expected DONE after FIRST, found it before");
  }

  @Test
  void aDecodeSideThatNeverHasPagesFailsItsRequest() throws Exception {
    Patience.grow(
        Duration.ofSeconds(1),
        enough -> {
          String why = prefillFailure(enough, _ -> {});
          assertThat(why).contains("for room 7 within " + enough.toSeconds() + " s");
          return why.contains("the decode side had no pages"); // else it called too late
        });
  }

  @Test
  void aFrameOfAnotherRoomFailsTheRequest() throws IOException {
    requirePrefillFails(
        with -> with.send(frame(Type.RESERVED, 8, 1, 0, 3)), "RESERVED: expected room 7, found 8");
  }

  /**
   * A decode server may be killed, or its client may leave, before a router's other half is here.
   */
  @Test
  void aRequestWhoseDecodeSideHasGoneBeforeItCameFailsAtOnceThoughNoneSaidWhy() throws Exception {
    Side side = side();
    try (PrefillSide prefills =
        PrefillSide.start(List.of(side.engine), "m", TcpNetwork.local(), 0, LONG)) {
      try (Transfer with = TcpNetwork.local().connect("localhost", prefills.port())) {
        with.send(new Frame(Type.HELLO, 7, hello(side.engine)));
        with.receive(Type.WELCOME);
        with.send(frame(Type.RESERVED, 7, 1, 0, 3));
      }
      while (prefills.rooms() > 0) { // the call is over, and its thread and socket are free
        Thread.sleep(1);
      }
      assertThatThrownBy(prefills.submit(REQUEST, 7)::join)
          .hasMessageContaining("the decode side: the other side closed the connection");
      Side decode = side();
      DecodeSide decodes = new DecodeSide(decode.engine, "m", TcpNetwork.local(), 8, LONG);
      prefills.submit(REQUEST, 7); // the number is free again
      assertThat(decodes.submit(REQUEST, "localhost", prefills.port(), 7).join()).hasSize(1);
      decode.close("gone");
      side.close("gone");
    }
  }

  @Test
  void pagesMayBeAskedForBeforeTheRequestIsHere() throws Exception {
    Side side = side();
    Side decode = side();
    try (PrefillSide prefills =
        PrefillSide.start(List.of(side.engine), "m", TcpNetwork.local(), 0, LONG)) {
      DecodeSide decodes = new DecodeSide(decode.engine, "m", TcpNetwork.local(), 8, LONG);
      Completion second = decodes.submit(REQUEST, "localhost", prefills.port(), 7);
      while (prefills.rooms() == 0 || !decode.queues.containsKey(Event.Queue.TRANSFER)) {
        Thread.sleep(1); // until the call is taken, and the engine has given the pages
      }
      Completion first = prefills.submit(REQUEST, 7);
      assertThat(bits(second.join())).isEqualTo(bits(side.engine.submit(REQUEST).join()));
      assertThat(first.join()).hasSize(1);
      decode.close("early");
      side.close("early");
    }
  }

  @Test
  void aConnectionThatSaysNothingIsClosed() throws IOException {
    try (Engine engine = Engine.start(loaded, OPTIONS);
        PrefillSide prefills =
            PrefillSide.start(List.of(engine), "m", TcpNetwork.local(), 0, SHORT);
        Transfer silent = TcpNetwork.local().connect("localhost", prefills.port())) {
      assertThatThrownBy(() -> silent.receive(Type.WELCOME)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aPrefillSideThatSaysNothingFailsTheRequest() throws IOException {
    Side side = side();
    try (Network.Listener silent = TcpNetwork.local().listen(0)) {
      DecodeSide decodes = new DecodeSide(side.engine, "m", TcpNetwork.local(), 8, SHORT);
      Completion request = decodes.submit(REQUEST, "localhost", silent.port(), 7);
      assertThatThrownBy(request::join).hasMessageContaining("a welcome did not come within 0.4 s");
      side.close("silent");
    }
  }

  @Test
  void aRequestThatIsCancelledWhileItsPrefillSideSaysNothingGivesItsPagesBackAtOnce()
      throws Exception {
    Side side = side();
    try (Network.Listener silent = TcpNetwork.local().listen(0)) {
      DecodeSide decodes = new DecodeSide(side.engine, "m", TcpNetwork.local(), 8, LONG);
      Completion request = decodes.submit(REQUEST, "localhost", silent.port(), 7);
      while (!side.queues.containsKey(Event.Queue.TRANSFER)) {
        Thread.sleep(1);
      }
      long began = System.nanoTime();
      request.cancel();
      assertThat(request.join().getFirst().finish().type()).isEqualTo("abort");
      assertThat(System.nanoTime() - began)
          .as("a welcome may take 10 s")
          .isLessThan(Duration.ofSeconds(9).toNanos());
      side.close("silent");
    }
  }

  /** Requires that the decode half fails, and that the engine then answers another request. */
  private static void requireDecodeFails(Bend received, String why) {
    Side decode = side();
    Bend first = f -> f.room() == (1L << 40 | 1) ? received.of(f) : f;
    try (TwoEngines two =
        new TwoEngines(side(), decode, new BentNetwork(STRAIGHT, first), 8, LONG)) {
      Halves halves = two.submit(REQUEST);
      assertThatThrownBy(() -> halves.decode().join())
          .isInstanceOf(RequestException.class)
          .matches(e -> ((RequestException) e).kind() == RequestException.Kind.FAILED)
          .hasMessageContaining(why);
      String again = bits(two.submit(REQUEST).decode().join());
      assertThat(again).isEqualTo(bits(decode.engine.submit(REQUEST).join()));
    }
  }

  /** A FIRST frame whose drafter has another state: {@code int written, int states, int width}. */
  private static Bend state(int written) {
    return f -> {
      if (f.type() == Type.FIRST) {
        ByteBuffer in = f.payload();
        int pools = in.getInt(4);
        in.putInt(8 + 4 * pools + 4 + 8 + 4 + 4, written); // behind one token without more
      }
      return f;
    };
  }

  @Test
  void aDraftersStateThatDoesNotFitFailsItsRequestAndNotTheEngine() {
    requireDecodeFails(state(Integer.MAX_VALUE), "MTP: expected rows of at most");
    requireDecodeFails(state(-1), "MTP: expected rows of at most");
    requireDecodeFails(state(0), "MTP: expected the states of");
  }

  @Test
  void aPageThatAllRowsNeedCannotBeLeftOut() {
    requireDecodeFails(
        f -> {
          ByteBuffer in = f.payload();
          if (f.type() == Type.FIRST) {
            in.putInt(0, in.getInt(0) - 1).putInt(8, 1); // pages, and the first of pool 0
          }
          return f.type() == Type.PAGE && in.getInt(0) == 0 && in.getInt(4) == 0 ? null : f;
        },
        "expected pages from 0 on, found them from 1 on");
  }

  @Test
  void aBugOfTheThreadThatReadsFailsTheRequest() {
    requireDecodeFails(
        f -> {
          if (f.type() == Type.PAGE) {
            throw new IllegalStateException("a bug of this test");
          }
          return f;
        },
        "a bug of this test");
  }

  @Test
  void aRequestIsAnsweredThoughItsPrefillSideDiesBehindTheLastFrame() {
    Bend dies =
        f -> {
          if (f.type() == Type.DONE) {
            throw new IOException("gone");
          }
          return f;
        };
    Side decode = side();
    try (TwoEngines two =
        new TwoEngines(side(), decode, new BentNetwork(dies, STRAIGHT), 8, LONG)) {
      assertThat(bits(two.submit(REQUEST).decode().join()))
          .isEqualTo(bits(decode.engine.submit(REQUEST).join()));
    }
  }

  /** How a listener takes the next call. */
  private interface Accept {
    Transfer of(Network.Listener listener) throws IOException;
  }

  private static Network accepting(Accept accept) {
    Network straight = TcpNetwork.local();
    return new Network() {
      @Override
      public Transfer connect(String host, int port) throws IOException {
        return straight.connect(host, port);
      }

      @Override
      public Listener listen(int port) throws IOException {
        Listener listener = straight.listen(port);
        return new Listener() {
          @Override
          public Transfer accept() throws IOException {
            return accept.of(listener);
          }

          @Override
          public int port() {
            return listener.port();
          }

          @Override
          public void close() {
            listener.close();
          }
        };
      }
    };
  }

  /** A process may run out of file descriptors for a while. */
  @Test
  void aSideThatCannotAcceptForAWhileGoesOn() {
    AtomicInteger fails = new AtomicInteger(3);
    Network network =
        accepting(
            listener -> {
              if (fails.getAndDecrement() > 0) {
                throw new IOException("Too many open files");
              }
              return listener.accept();
            });
    try (TwoEngines two = new TwoEngines(side(), side(), network, 8, LONG)) {
      assertThat(two.submit(REQUEST).decode().join()).hasSize(1);
    }
  }

  @Test
  void aBugOrALackOfMemoryWhileACallIsTakenStopsNoOtherCall() {
    AtomicInteger calls = new AtomicInteger();
    Network network =
        accepting(
            listener ->
                switch (calls.getAndIncrement()) {
                  case 0 -> throw new IllegalStateException("a bug of this test");
                  case 1 -> throw new OutOfMemoryError("of this test");
                  default -> listener.accept();
                });
    try (TwoEngines two = new TwoEngines(side(), side(), network, 8, LONG)) {
      assertThat(two.submit(REQUEST).decode().join()).hasSize(1);
    }
  }

  @Test
  void aBugOfTheThreadThatServesACallFailsItsRequest() {
    Network network =
        accepting(
            listener -> {
              Transfer call = listener.accept();
              return new Transfer() {
                @Override
                public void send(Frame frame) throws IOException {
                  call.send(frame);
                }

                @Override
                public Frame receive(Type... expected) throws IOException {
                  Frame frame = call.receive(expected);
                  if (frame.type() == Type.RESERVED) {
                    throw new IllegalStateException("a bug of this test");
                  }
                  return frame;
                }

                @Override
                public void close() {
                  call.close();
                }
              };
            });
    try (TwoEngines two = new TwoEngines(side(), side(), network, 8, LONG)) {
      Halves halves = two.submit(REQUEST);
      assertThatThrownBy(() -> halves.prefill().join()).hasMessageContaining("a bug of this test");
      assertThatThrownBy(() -> halves.decode().join()).isInstanceOf(RequestException.class);
    }
  }

  @Test
  void aSideThatEndsFailsWhatHasNoPagesOnADecodeSide() throws IOException {
    Side side = side();
    try (PrefillSide prefills =
        PrefillSide.start(List.of(side.engine), "m", TcpNetwork.local(), 0, LONG)) {
      Completion before = prefills.submit(REQUEST, 7);
      prefills.end(Duration.ZERO);
      Completion after = prefills.submit(REQUEST, 8);
      for (Completion c : List.of(before, after)) {
        assertThatThrownBy(c::join).hasMessageContaining("the prefill side ends");
      }
      side.close("ended"); // it waits for nobody
    }
  }

  @Test
  void aRoomThatIsOverMayBeUsedAgain() throws Exception {
    Patience.grow(Duration.ofSeconds(1), DisaggregationPeersTest::usedAgain);
  }

  /** Returns whether the decode side called in time when the room was used again. */
  private static boolean usedAgain(Duration enough) throws IOException {
    Side side = side();
    Side decode = side();
    try (PrefillSide prefills =
        PrefillSide.start(List.of(side.engine), "m", TcpNetwork.local(), 0, enough, LONG)) {
      assertThat(failure(prefills.submit(REQUEST, 7))).contains("no decode side called for room 7");
      DecodeSide decodes = new DecodeSide(decode.engine, "m", TcpNetwork.local(), 8, LONG);
      prefills.submit(REQUEST, 7);
      Completion again = decodes.submit(REQUEST, "localhost", prefills.port(), 7);
      try {
        assertThat(again.join()).hasSize(1);
        return true;
      } catch (RequestException late) {
        assertThat(late).hasMessageContaining("for room 7 within " + enough.toSeconds() + " s");
        return false;
      } finally {
        decode.close("again");
        side.close("again");
      }
    }
  }
}
