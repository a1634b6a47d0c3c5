package orrery.disagg;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import orrery.disagg.Frame.Type;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.Request;
import orrery.engine.RequestException;

/**
 * Stands before engines that compute prompts: brings each request together with the decode side
 * that calls for its room, and sends what was computed. With several engines (data parallel ranks),
 * a room has the engine of dp rank room % size, whichever side asks.
 *
 * <pre>
 *   submit(request, room) ──┐
 *                           ├──> a room ──> BOOTSTRAP ──> WAITING ──> INFLIGHT ──> answered
 *   HELLO(room) ────────────┘
 * </pre>
 *
 * <p>The two halves come in any order. A half that waits longer than {@code bootstrap} for the
 * other one fails.
 */
public final class PrefillSide implements AutoCloseable {
  private static final String ENDS = "the prefill side ends, and no decode side has pages yet";
  private static final Duration GREETING = Duration.ofSeconds(10); // a decode side begins at once
  private static final Duration PAUSE = Duration.ofMillis(100); // before the next try to accept
  private static final int MOST_CALLS = 1 << 14; // each has a socket and a thread

  private final List<Engine> engines; // [dp size]
  private final Fit fit;
  private final Network.Listener listener;
  private final Duration bootstrap;
  private final Duration waiting;
  private final Map<Long, PrefillRoom> rooms = new ConcurrentHashMap<>();
  private final Set<Transfer> calls = ConcurrentHashMap.newKeySet();
  private volatile boolean ending; // only requests with pages on a decode side go on
  private volatile boolean closed;

  private PrefillSide(
      List<Engine> engines,
      Fit fit,
      Network.Listener listener,
      Duration bootstrap,
      Duration waiting) {
    this.engines = List.copyOf(engines);
    this.fit = fit;
    this.listener = listener;
    this.bootstrap = bootstrap;
    this.waiting = waiting;
  }

  /** As the other one, with the same patience for both waits. */
  public static PrefillSide start(
      List<Engine> engines, String model, Network network, int port, Duration patience)
      throws IOException {
    return start(engines, model, network, port, patience, patience);
  }

  /**
   * Starts to listen.
   *
   * @param engines at least one; all have the same model and options
   * @param model tells this model from all others
   * @param port for decode sides ({@code --disaggregation-bootstrap-port}); 0 takes any free one
   * @param bootstrap how long one half of a request waits for the other ({@code
   *     --disaggregation-bootstrap-timeout})
   * @param waiting how long the decode side may take for what is sent ({@code
   *     --disaggregation-waiting-timeout})
   * @throws IOException if the port cannot be had
   * @throws IllegalArgumentException if there is no engine, if their rows differ, or if their pages
   *     are larger than a frame may be
   */
  public static PrefillSide start(
      List<Engine> engines,
      String model,
      Network network,
      int port,
      Duration bootstrap,
      Duration waiting)
      throws IOException {
    if (engines.isEmpty()) {
      throw new IllegalArgumentException("engines: expected at least one, found none");
    }
    PageFrame.requireRoom(engines.getFirst());
    Fit fit = Fit.of(engines.getFirst(), model);
    for (Engine engine : engines) {
      String difference = Fit.difference(fit, Fit.of(engine, model));
      if (!difference.isEmpty()) {
        throw new IllegalArgumentException("engines: expected them alike, found " + difference);
      }
    }
    PrefillSide side = new PrefillSide(engines, fit, network.listen(port), bootstrap, waiting);
    Thread.ofPlatform().daemon().name("orrery-bootstrap").start(side::accept);
    return side;
  }

  /** The port that decode sides call. */
  public int port() {
    return listener.port();
  }

  /** Rooms in which something is still to happen. */
  public int rooms() {
    return (int) rooms.values().stream().filter(PrefillRoom::open).count();
  }

  /** The data parallel rank of the engine that has a room. */
  public static int dpRank(long room, int size) {
    return (int) Math.floorMod(room, (long) size);
  }

  /**
   * Takes a request. Its answers are its first tokens; the decode side has the whole answers. A
   * request without a seed takes its room for it, on both sides.
   *
   * @throws RequestException as {@link Engine#submit(Request)}, or if another request has the room
   */
  public Completion submit(Request request, long room) {
    PrefillRoom mine = // a room that is over only tells why: it blocks no request
        rooms.compute(room, (r, old) -> old == null || old.over() ? newRoom(r) : old);
    if (!mine.claim()) {
      throw RequestException.invalid(
          "bootstrap_room: expected one that no other request has, found " + room);
    }
    Engine engine = engines.get(dpRank(room, engines.size()));
    try {
      Completion taken = mine.take(engine.prefill(Rooms.seeded(request, room), mine)).completion();
      if (ending) {
        mine.failUnlessBootstrapped(ENDS);
      }
      return taken;
    } catch (RuntimeException | Error e) {
      mine.ended(String.valueOf(e.getMessage()));
      throw e;
    }
  }

  private PrefillRoom room(long room) {
    return rooms.computeIfAbsent(room, this::newRoom);
  }

  private PrefillRoom newRoom(long room) {
    return new PrefillRoom(room, bootstrap, waiting, mine -> rooms.remove(room, mine));
  }

  private void accept() {
    while (!closed) {
      try {
        begin(listener.accept());
      } catch (ClosedChannelException e) {
        close(); // no decode side can call any more: each of their requests fails now
      } catch (IOException e) { // for example, no file descriptor is free just now
        LockSupport.parkNanos(PAUSE.toNanos());
      } catch (RuntimeException
          | Error bug) { // or memory: it is reported, and others may still call
        Thread own = Thread.currentThread();
        own.getUncaughtExceptionHandler().uncaughtException(own, bug);
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    }
  }

  private void begin(Transfer call) {
    try {
      Thread.ofVirtual().name("orrery-prefill-room").start(() -> serve(call));
    } catch (Throwable noThread) {
      call.close(); // else its decode side would wait for a welcome
      throw noThread;
    }
  }

  private void serve(Transfer call) {
    try (call) {
      calls.add(call);
      if (closed || calls.size() > MOST_CALLS) {
        return;
      }
      Frame hello = greeted(call);
      String difference = Fit.difference(fit, Fit.of(hello.text()));
      if (!difference.isEmpty()) {
        call.send(Frame.text(Type.ABORT, hello.room(), difference));
        room(hello.room()).unfit(difference);
        return;
      }
      int dpRank = dpRank(hello.room(), engines.size());
      call.send(Frame.ints(Type.WELCOME, hello.room(), engines.size(), dpRank));
      room(hello.room()).serve(call);
    } catch (IOException e) {
      // before a room has the call, there is no request to tell
    } finally {
      calls.remove(call);
    }
  }

  /** Waits for a HELLO, not for long: a caller that says nothing is no decode side. */
  private Frame greeted(Transfer call) throws IOException {
    Future<?> late = Rooms.after(Rooms.shorter(bootstrap, GREETING), call::close);
    try {
      return call.receive(Type.HELLO);
    } finally {
      late.cancel(false);
    }
  }

  /**
   * From now on, a request for which no decode side has pages fails. Those on their way go on.
   *
   * @param grace how long requests still wait for their decode sides
   */
  public void end(Duration grace) {
    if (grace.isPositive()) {
      Rooms.after(grace, () -> end(Duration.ZERO));
    } else {
      ending = true;
      rooms.values().forEach(room -> room.failUnlessBootstrapped(ENDS));
    }
  }

  /** Takes no more calls, and fails what is in a room. The engines stay open. */
  @Override
  public void close() {
    ending = true;
    closed = true;
    listener.close();
    rooms.values().forEach(room -> room.fail("the prefill side is closed"));
    calls.forEach(Transfer::close);
  }
}
