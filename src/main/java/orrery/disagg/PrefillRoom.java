package orrery.disagg;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import orrery.disagg.Frame.Type;
import orrery.engine.KvPages;
import orrery.engine.KvSender;
import orrery.engine.PrefillTicket;
import orrery.engine.Prefilled;

/**
 * One request of a prefill side, with the connection to the decode side that wants it. The
 * connection's own thread receives; another one sends, and it alone reads pages.
 */
final class PrefillRoom implements KvSender {
  private static final int PAGE_HEADER = 8; // bytes: pool and index

  private final long room;
  private final Duration bootstrap;
  private final Duration waiting;
  private final Consumer<Long> leave;
  private final CompletableFuture<PrefillTicket> ticket = new CompletableFuture<>();

  // Guarded by this.
  private boolean claimed;
  private Transfer call; // null before a decode side calls
  private int[] wanted; // [2 x pools] first and end; null before the decode side has pages
  private boolean sending; // a thread reads pages
  private boolean done; // the decode side has everything
  private String failure; // why nothing more can happen; null before

  /**
   * @param bootstrap how long one half waits for the other
   * @param waiting how long the decode side may take for what is sent
   * @param leave takes the room when it is over
   */
  PrefillRoom(long room, Duration bootstrap, Duration waiting, Consumer<Long> leave) {
    this.room = room;
    this.bootstrap = bootstrap;
    this.waiting = waiting;
    this.leave = leave;
  }

  /** Takes the room for a request; false if another one has it. */
  synchronized boolean claim() {
    boolean first = !claimed;
    claimed = true;
    return first;
  }

  /** The request is in its engine. */
  PrefillTicket take(PrefillTicket mine) {
    ticket.complete(mine);
    Rooms.after(
        bootstrap,
        () -> {
          if (!called()) {
            fail("no decode side called for room " + room + " within " + bootstrapTimeout());
          }
        });
    return mine;
  }

  private String bootstrapTimeout() {
    return Rooms.seconds(bootstrap) + " (disaggregation-bootstrap-timeout of the prefill side)";
  }

  /** Whether something is still to happen here. */
  synchronized boolean open() {
    return !done && failure == null;
  }

  private synchronized boolean called() {
    return call != null;
  }

  /** Serves a decode side until the room is over; on the connection's thread. */
  void serve(Transfer mine) throws IOException {
    String refused;
    synchronized (this) {
      refused =
          failure != null ? failure : call != null ? "another decode side has this room" : null;
      call = refused == null ? mine : call;
    }
    if (refused != null) {
      mine.send(Frame.text(Type.ABORT, room, refused));
      if (!called()) {
        leave.accept(room);
      }
      return;
    }
    try {
      PrefillTicket request = ticket.get(bootstrap.toMillis(), TimeUnit.MILLISECONDS);
      receive(request, mine);
    } catch (TimeoutException e) {
      abort("no request of room " + room + " came within " + bootstrapTimeout());
    } catch (ExecutionException | InterruptedException e) {
      throw new IllegalStateException(e); // nobody completes it so, and nobody interrupts
    } catch (IOException e) {
      fail("the decode side: " + Rooms.why(e));
    }
  }

  private void receive(PrefillTicket request, Transfer mine) throws IOException {
    Frame frame = mine.receive().require(Type.RESERVED);
    int[] ranges = frame.ints(frame.payload().remaining() / Integer.BYTES);
    if (ranges.length == 0 || ranges[0] < 0 || ranges.length != 1 + 2 * ranges[0]) {
      throw new TransferException("RESERVED: expected two numbers for each pool");
    }
    synchronized (this) {
      wanted = ranges;
    }
    request.bootstrapped();
    mine.receive().require(Type.DONE);
    synchronized (this) {
      done = true;
    }
    request.sent();
    leave.accept(room);
  }

  @Override
  public synchronized void ready(KvPages pages, Prefilled prefilled) {
    if (failure == null) {
      sending = true;
      Thread.ofVirtual().name("orrery-kv-sender").start(() -> send(pages, prefilled));
      Rooms.after(
          waiting,
          () ->
              fail(
                  "the decode side did not take all pages within "
                      + Rooms.seconds(waiting)
                      + " (disaggregation-waiting-timeout of the prefill side)"));
    } else {
      ticket.thenAccept(request -> request.failed(failure));
    }
  }

  private void send(KvPages pages, Prefilled prefilled) {
    String broken = null;
    try {
      sendAll(pages, prefilled);
    } catch (IOException e) {
      broken = "the decode side: " + Rooms.why(e);
    } finally {
      synchronized (this) {
        sending = false;
        broken = failure != null ? failure : broken;
      }
    }
    if (broken != null) {
      fail(broken);
    }
  }

  private void sendAll(KvPages pages, Prefilled prefilled) throws IOException {
    int sent = 0;
    int[] ranges = wanted;
    if (ranges[0] != pages.pools()) {
      throw new TransferException(
          "RESERVED: expected " + pages.pools() + " pools, found " + ranges[0]);
    }
    for (int pool = 0; pool < pages.pools(); pool++) {
      int from = Math.max(pages.first(pool), ranges[1 + 2 * pool]);
      int end = ranges[2 + 2 * pool];
      if (end != pages.end(pool)) {
        throw new TransferException(
            "RESERVED: expected pages of pool %d up to %d, found %d"
                .formatted(pool, pages.end(pool), end));
      }
      for (int index = from; index < end; index++, sent++) {
        call.send(page(pages, pool, index));
      }
    }
    ByteBuffer first = PrefilledCodec.encode(new PrefilledCodec.First(sent, prefilled));
    call.send(new Frame(Type.FIRST, room, first));
  }

  private Frame page(KvPages pages, int pool, int index) {
    ByteBuffer bytes =
        ByteBuffer.allocate(PAGE_HEADER + pages.bytes(pool)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(0, pool).putInt(4, index);
    pages.copyOut(pool, index, MemorySegment.ofArray(bytes.array()), PAGE_HEADER);
    return new Frame(Type.PAGE, room, bytes);
  }

  /** The engine ends the request: the decode side learns why, unless pages are being sent. */
  @Override
  public void ended(String why) {
    boolean quiet;
    synchronized (this) {
      quiet = !sending;
    }
    Thread.ofVirtual().start(quiet ? () -> abort(why) : () -> fail(why));
  }

  /** Tells the decode side why the room is over; nothing else is being sent. */
  private void abort(String why) {
    Transfer mine;
    synchronized (this) {
      mine = call;
    }
    if (mine != null) {
      try {
        mine.send(Frame.text(Type.ABORT, room, why));
      } catch (IOException e) {
        // it has gone, and learns as much from that
      }
    }
    fail(why);
  }

  /** Nothing more can happen here: the decode side finds its connection closed. */
  void fail(String why) {
    Transfer mine;
    boolean tell;
    synchronized (this) {
      if (done) {
        return;
      }
      failure = failure == null ? why : failure;
      mine = call;
      tell = !sending; // else the thread that sends says it, when it has stopped
    }
    if (mine != null) {
      mine.close();
      leave.accept(room);
    } else {
      Rooms.after(bootstrap, () -> leave.accept(room)); // until then a decode side learns why
    }
    if (tell) {
      ticket.thenAccept(request -> request.failed(why));
    }
  }
}
