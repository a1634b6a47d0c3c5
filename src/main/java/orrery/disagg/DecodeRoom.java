package orrery.disagg;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import orrery.disagg.Frame.Type;
import orrery.disagg.PrefilledCodec.First;
import orrery.engine.DecodeTicket;
import orrery.engine.KvPages;
import orrery.engine.KvReceiver;
import orrery.engine.Prefilled;

/**
 * One request of a decode side, with its connection to the prefill side. One thread reads all that
 * comes, from the first frame on, so it notices at once when the other side dies. It alone writes
 * pages. What it tells the engine last ends their loan; where they were not asked for, a cancel
 * does.
 */
final class DecodeRoom implements KvReceiver {
  private static final Duration GREETING =
      Duration.ofSeconds(10); // a prefill side welcomes at once

  private final Fit fit;
  private final Network network;
  private final String host;
  private final int port;
  private final long room;
  private final Duration waiting;

  private final Alarm alarm = new Alarm(); // off while the engine alone decides how long it takes
  private volatile Transfer open; // null before the call

  // Guarded by this.
  private DecodeTicket ticket; // null before the call
  private boolean greeted;
  private KvPages pages; // null before the engine has some
  private boolean asked; // for pages: RESERVED is on its way
  private String ended; // why the request has ended; null before

  DecodeRoom(Fit fit, Network network, String host, int port, long room, Duration waiting) {
    this.fit = fit;
    this.network = network;
    this.host = host;
    this.port = port;
    this.room = room;
    this.waiting = waiting;
  }

  @Override
  public void reserved(KvPages pages) {
    synchronized (this) {
      this.pages = pages;
    }
    Thread.ofVirtual().name("orrery-decode-asks").start(this::askOrEnd);
  }

  @Override
  public void ended(String why) {
    Thread.ofVirtual().name("orrery-decode-ends").start(() -> end(why));
  }

  /** Ends the connection; the thread that reads it then tells the engine. */
  private void end(String why) {
    boolean early;
    boolean quiet;
    synchronized (this) {
      early = !greeted;
      quiet = !asked && ended == null; // so nothing else is being sent
      ended = ended == null ? why : ended;
    }
    if (early) {
      giveBack();
      return; // who greets finds it, and tells the other side
    }
    if (quiet) {
      Rooms.tell(open, room, why);
    }
    open.close();
  }

  /** Pages that the other side was not asked to fill come back, though it may say nothing. */
  private synchronized void giveBack() {
    if (ended != null && ticket != null) {
      ticket.failed(ended);
    }
  }

  /** Ends the connection whatever it does, because it takes too long. */
  private void late(String why) {
    synchronized (this) {
      ended = ended == null ? why : ended;
    }
    open.close();
  }

  private synchronized String ended() {
    return ended;
  }

  private void within(Duration time, String what, String option) {
    String why = what + " did not come within " + Rooms.seconds(time) + option;
    alarm.in(time, () -> late(why));
  }

  /** Brings the rows into the engine. */
  void run(DecodeTicket mine) {
    synchronized (this) {
      ticket = mine;
    }
    giveBack(); // if it has ended before
    try (Transfer with = network.connect(host, port)) {
      open = with;
      greet(with);
      Prefilled prefilled = receive(with);
      alarm.off();
      done(with);
      mine.arrived(prefilled); // last: an answer that ends at once closes the connection
    } catch (IOException e) {
      mine.failed("the prefill side: " + (ended() == null ? Rooms.why(e) : ended()));
    } catch (RuntimeException | Error e) { // a bug: it is reported, and the pages come back
      mine.failed("the decode side: " + e);
      throw e;
    } finally {
      alarm.off();
    }
  }

  private void greet(Transfer mine) throws IOException {
    within(Rooms.shorter(waiting, GREETING), "a welcome", "");
    mine.send(Frame.text(Type.HELLO, room, fit.lines()));
    int[] welcome = mine.receive(Type.WELCOME).of(room).ints(2);
    int size = welcome[0];
    if (size < 1 || welcome[1] != PrefillSide.dpRank(room, size)) {
      throw new TransferException(
          "expected room %d at dp rank %d of %d, found it at dp rank %d"
              .formatted(room, size < 1 ? 0 : PrefillSide.dpRank(room, size), size, welcome[1]));
    }
    String gone;
    synchronized (this) {
      alarm.off();
      greeted = true;
      gone = ended;
    }
    if (gone != null) {
      Rooms.tell(mine, room, gone);
      throw new TransferException(gone);
    }
    ask();
  }

  private void askOrEnd() {
    try {
      ask();
    } catch (IOException e) {
      end(Rooms.why(e));
    }
  }

  /** Asks for pages as soon as both are there, the other side and the pages. */
  private void ask() throws IOException {
    KvPages wanted;
    synchronized (this) {
      if (asked || !greeted || pages == null || ended != null) {
        return;
      }
      asked = true;
      wanted = pages;
      within(waiting, "the rows", " (disaggregation-waiting-timeout of the decode side)");
    }
    open.send(PageRanges.of(wanted).frame(room));
  }

  private Prefilled receive(Transfer mine) throws IOException {
    Frame frame = mine.receive(Type.PAGE, Type.FIRST).of(room);
    PageFrame into = new PageFrame(requireAsked(frame));
    while (frame.type() == Type.PAGE) {
      into.decode(frame);
      frame = mine.receive(Type.PAGE, Type.FIRST).of(room);
    }
    First first = PrefilledCodec.decode(frame.payload());
    into.requireAll(first);
    return first.prefilled();
  }

  private synchronized KvPages requireAsked(Frame frame) throws IOException {
    if (!asked) {
      throw new TransferException("found " + frame.type() + " before pages were asked for");
    }
    return pages;
  }

  /** Everything is here: if the other side has gone meanwhile, nothing is missing. */
  private void done(Transfer with) {
    try {
      with.send(new Frame(Type.DONE, room, ByteBuffer.allocate(0)));
    } catch (IOException e) {
      // its own request fails there, and this one goes on
    }
  }
}
