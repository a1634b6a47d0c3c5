package orrery.xray;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import orrery.server.Call;
import orrery.server.EventStream;
import orrery.server.HttpException;

/**
 * The pages that are open: each reads the ring at its own speed, on its own virtual thread.
 *
 * <p>A message is {@code {"feed":F,"from":N,"run":R,"lost":K,"events":[…]}}. F is another text in
 * each server, so that a page notices that it is connected to a new one. N is the number of its
 * first event. R counts the engines: in a message with another run, requests and sequences are
 * counted from 0 again. K events before the first were dropped, and the first is then a keyframe. A
 * vocabulary that comes to a page that opens late has its own number, before those of the others. A
 * message without events comes when nothing has happened for a while.
 */
final class Pages {
  private static final int MOST = 32; // pages at once
  private static final byte[] COMMA = ",".getBytes(StandardCharsets.UTF_8);
  private static final byte[] TAIL = "]}".getBytes(StandardCharsets.UTF_8);
  private static final long QUIET_MILLIS = 10_000; // until a word that the server is there

  private final Ring ring;
  private final CountDownLatch first = new CountDownLatch(1);
  private final Executor later;
  private final Runnable deserted;
  private int open; // guarded by this, as what follows
  private int changes; // pages that came or left: what was to be done before the last is stale
  private volatile boolean closed;

  /**
   * @param later runs what it is given after the time that a page may take to come back
   * @param deserted is run when no page has been open for so long
   */
  Pages(Ring ring, Executor later, Runnable deserted) {
    this.ring = ring;
    this.later = later;
    this.deserted = deserted;
  }

  /** Pages that are open. */
  synchronized int open() {
    return open;
  }

  /**
   * Waits for the first page.
   *
   * @return whether one has come
   */
  boolean await(Duration patience) throws InterruptedException {
    return first.await(patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Sends events to a page until it leaves, or none can come any more.
   *
   * @throws HttpException 503 if too many pages are open: each may hold a message in memory
   */
  void answer(Call call) throws IOException {
    Ring.Place place = ring.new Place();
    come();
    try {
      call.body(); // from here on the server notices that the page closes
      call.onClose(place::leave);
      EventStream events = call.events();
      Optional<Ring.Message> next = ring.next(place, 0); // headers come at once
      while (next.isPresent()) {
        events.send(pieces(next.get()));
        next = ring.next(place, QUIET_MILLIS);
      }
      events.done();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw HttpException.unavailable("interrupted while events were sent");
    } finally {
      leave();
    }
  }

  private static List<byte[]> pieces(Ring.Message message) {
    StringBuilder head = new StringBuilder("{\"feed\":\"").append(message.feed());
    head.append("\",\"from\":").append(message.from());
    head.append(",\"run\":").append(message.run()).append(",\"lost\":").append(message.lost());
    head.append(",\"events\":[");
    List<byte[]> pieces = new ArrayList<>(); // the batches' own arrays, which all pages share
    pieces.add(head.toString().getBytes(StandardCharsets.UTF_8));
    for (Batch batch : message.batches()) {
      if (pieces.size() > 1) {
        pieces.add(COMMA);
      }
      pieces.add(batch.json());
    }
    pieces.add(TAIL);
    return pieces;
  }

  /** A page comes. */
  synchronized void come() {
    if (open >= MOST) {
      throw HttpException.unavailable("pages: expected at most " + MOST + " open, found more");
    }
    open++;
    changes++;
    first.countDown();
  }

  /** A page leaves. */
  synchronized void leave() {
    open--;
    changes++;
    lookLater();
  }

  /** If no page is open, and none comes for a while, {@code deserted} is run then. */
  synchronized void lookLater() {
    if (open == 0) {
      int now = changes;
      later.execute(() -> lookAgain(now));
    }
  }

  private void lookAgain(int seen) {
    boolean stale;
    synchronized (this) {
      stale = changes != seen;
    }
    if (!stale && !closed) {
      deserted.run();
    }
  }

  /** The server ends, and with it the engine: no engine has to be let go on. */
  void close() {
    closed = true;
  }
}
