package orrery.disagg;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import orrery.disagg.Frame.Type;
import orrery.engine.KvPages;
import orrery.engine.KvSender;
import orrery.engine.PrefillTicket;
import orrery.engine.Prefilled;

/**
 * One request of a prefill side, with the connection to the decode side that wants it. The
 * connection's own thread receives, also while the request has not come yet; that of a {@link
 * RowSender} sends.
 */
final class PrefillRoom implements KvSender {
  private static final Duration REMEMBERED = Duration.ofSeconds(10); // a router sends both at once

  private final long room;
  private final Duration bootstrap;
  private final Duration waiting;
  private final Consumer<PrefillRoom> leave;
  private final CompletableFuture<PrefillTicket> ticket = new CompletableFuture<>();
  private final RowSender sender;
  private final Alarm alarm = new Alarm(); // off while the engine computes

  // Guarded by this.
  private boolean claimed; // a request has the room
  private Transfer call; // null before a decode side calls
  private PageRanges wanted; // null before the decode side has pages
  private boolean done; // the decode side has everything
  private String failure; // why nothing more can happen; null before
  private Duration remembered;

  /**
   * @param bootstrap how long one half waits for the other
   * @param waiting how long the decode side may take for what is sent
   * @param leave takes the room when it is over
   */
  PrefillRoom(long room, Duration bootstrap, Duration waiting, Consumer<PrefillRoom> leave) {
    this.room = room;
    this.bootstrap = bootstrap;
    this.waiting = waiting;
    this.leave = leave;
    this.sender = new RowSender(room, this::stopped);
    this.remembered = Rooms.shorter(bootstrap, REMEMBERED);
  }

  /** Takes the room for a request; false if another one has it. */
  synchronized boolean claim() {
    boolean first = !claimed;
    claimed = true;
    return first;
  }

  /** The request is in its engine. */
  PrefillTicket take(PrefillTicket mine) {
    synchronized (this) {
      remembered = bootstrap; // an engine takes so many at most
      if (wanted == null) {
        within(bootstrap, this::missing);
      } else {
        alarm.off();
      }
    }
    if (!ticket.complete(mine)) { // the room is over already
      mine.failed(failure());
      leave.accept(this);
    }
    return mine;
  }

  /** Fails the room unless it goes on in some time; in place of what it waited for before. */
  private synchronized void within(Duration time, Runnable late) {
    if (open()) {
      alarm.in(time, late);
    }
  }

  /** As SGLang's time to bootstrap, it ends when the decode side has pages. */
  private void missing() {
    String what;
    synchronized (this) {
      what =
          !claimed
              ? "no request came for"
              : call == null ? "no decode side called for" : "the decode side had no pages for";
    }
    failUnlessBootstrapped(
        what + " room " + room + Rooms.within(bootstrap, "bootstrap-timeout of the prefill side"));
  }

  /** Fails the room unless both halves are there and the decode side has pages. */
  void failUnlessBootstrapped(String why) {
    boolean both;
    synchronized (this) {
      both = claimed && wanted != null;
    }
    if (!both) {
      abort(why);
    }
  }

  /** The decode side that calls does not fit: if no other one has the room, none will. */
  void unfit(String why) {
    boolean uncalled;
    synchronized (this) {
      uncalled = call == null;
    }
    if (uncalled) {
      fail(why);
    }
  }

  /** Whether something is still to happen here. */
  synchronized boolean open() {
    return !done && failure == null;
  }

  /** Whether its request has come and it is over: another request may have the number. */
  synchronized boolean over() {
    return claimed && !open();
  }

  private synchronized String failure() {
    return failure;
  }

  /** Serves a decode side until the room is over; on the connection's thread. */
  void serve(Transfer mine) throws IOException {
    String refused = answer(mine);
    if (refused != null) {
      mine.send(Frame.text(Type.ABORT, room, refused));
      if (over()) {
        leave.accept(this);
      }
      return;
    }
    try {
      receive(mine);
    } catch (IOException e) {
      fail("the decode side: " + Rooms.why(e));
    } catch (RuntimeException | Error e) { // a bug: it is reported, and the pages come back
      fail("the prefill side: " + e);
      throw e;
    }
  }

  /**
   * A decode side calls.
   *
   * @return why it is not served; null if it is
   */
  private synchronized String answer(Transfer mine) {
    if (failure != null || call != null) {
      return failure != null ? failure : "another decode side has this room";
    }
    call = mine;
    if (!claimed) {
      within(bootstrap, this::missing);
    }
    return null;
  }

  private void receive(Transfer mine) throws IOException {
    PageRanges ranges = PageRanges.read(mine.receive(Type.RESERVED).of(room));
    synchronized (this) {
      wanted = ranges;
      if (claimed) {
        alarm.off();
      }
    }
    ticket.thenAccept(PrefillTicket::bootstrapped);
    mine.receive(Type.DONE).of(room);
    synchronized (this) {
      if (!sender.told()) { // its pages may not be computed, or are being read
        throw new TransferException("expected DONE after FIRST, found it before");
      }
      alarm.off();
      done = true;
    }
    ticket.thenAccept(PrefillTicket::sent);
    leave.accept(this);
  }

  @Override
  public synchronized void ready(KvPages pages, Prefilled prefilled) {
    if (failure == null) {
      sender.start(call, pages, wanted, prefilled);
      String limit = Rooms.within(waiting, "waiting-timeout of the prefill side");
      within(waiting, () -> fail("the decode side did not take all pages" + limit));
    } else {
      ticket.thenAccept(request -> request.failed(failure));
    }
  }

  /**
   * No page is read any more.
   *
   * @param broken why not all was sent; null if it was
   */
  private void stopped(String broken) {
    String why;
    synchronized (this) {
      why = failure != null ? failure : broken;
    }
    if (why != null) {
      fail(why);
    }
  }

  /** The engine ends the request: the decode side learns why, unless pages are being sent. */
  @Override
  public void ended(String why) {
    Thread.ofVirtual().start(() -> abort(why));
  }

  /** Ends the room, and tells the decode side why, unless pages are being sent. */
  private void abort(String why) {
    Transfer mine;
    boolean quiet;
    synchronized (this) {
      mine = call;
      quiet = open() && !sender.sending(); // nothing else is being sent
      failure = open() ? why : failure;
    }
    if (mine != null && quiet) {
      Rooms.tell(mine, room, why);
    }
    fail(why);
  }

  /** Nothing more can happen here: the decode side finds its connection closed. */
  void fail(String why) {
    Transfer mine;
    boolean tell;
    boolean both;
    synchronized (this) {
      if (done) {
        return;
      }
      alarm.off();
      failure = failure == null ? why : failure;
      mine = call;
      both = claimed && call != null;
      tell = !sender.sending(); // else it says when it has stopped
    }
    if (tell) { // first: whatever happens to the connection, the engine gets its pages back
      ticket.completeExceptionally(new TransferException(why)); // if none came, none waits for it
      ticket.thenAccept(request -> request.failed(why));
    }
    if (mine != null) {
      mine.close();
    }
    if (both) {
      leave.accept(this);
    } else { // the half that comes later fails at once, and learns why
      Rooms.after(remembered(), () -> leave.accept(this));
    }
  }

  /** How long a failure is kept for the half that comes later. */
  synchronized Duration remembered() {
    return remembered;
  }
}
