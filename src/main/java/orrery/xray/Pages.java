package orrery.xray;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
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
  private static final long QUIET_MILLIS = 10_000; // until a word that the server is there

  private final Ring ring;
  private final CountDownLatch first = new CountDownLatch(1);
  private final Duration grace;
  private final Runnable deserted;
  private int open; // guarded by this
  private volatile boolean closed;

  /**
   * @param grace how long a page may take to come back
   * @param deserted is run when no page has been open for so long
   */
  Pages(Ring ring, Duration grace, Runnable deserted) {
    this.ring = ring;
    this.grace = grace;
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

  /** Sends events to a page until it leaves, or none can come any more. */
  void answer(Call call) throws IOException {
    Ring.Place place = ring.new Place();
    come();
    try {
      call.body(); // from here on the server notices that the page closes
      call.onClose(place::leave);
      EventStream events = call.events();
      Optional<Ring.Message> next = ring.next(place, 0); // headers come at once
      while (next.isPresent()) {
        events.send(bytes(next.get()));
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

  private static byte[] bytes(Ring.Message message) {
    StringBuilder head = new StringBuilder("{\"feed\":\"").append(message.feed());
    head.append("\",\"from\":").append(message.from());
    head.append(",\"run\":").append(message.run()).append(",\"lost\":").append(message.lost());
    head.append(",\"events\":[");
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.toString().getBytes(StandardCharsets.UTF_8));
    boolean more = false;
    for (Batch batch : message.batches()) {
      if (more) {
        all.write(',');
      }
      all.writeBytes(batch.json());
      more = true;
    }
    all.writeBytes("]}".getBytes(StandardCharsets.UTF_8));
    return all.toByteArray();
  }

  private synchronized void come() {
    open++;
    first.countDown();
  }

  private synchronized void leave() {
    open--;
    if (open == 0) {
      Executor later = CompletableFuture.delayedExecutor(grace.toMillis(), TimeUnit.MILLISECONDS);
      later.execute(this::lookAgain);
    }
  }

  private void lookAgain() {
    if (open() == 0 && !closed) {
      deserted.run();
    }
  }

  /** The server ends, and with it the engine: nobody has to be let go on. */
  void close() {
    closed = true;
  }
}
