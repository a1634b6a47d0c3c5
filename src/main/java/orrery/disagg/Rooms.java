package orrery.disagg;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import orrery.engine.Request;

/** What both sides of a room do in the same way. */
final class Rooms {
  private Rooms() {}

  /** A request whose draws are the same on both sides. */
  static Request seeded(Request request, long room) {
    return request.params().seed().isPresent() ? request : request.withSeed(room);
  }

  /**
   * Looks at something later, on a thread of its own.
   *
   * @return cancel it when there is nothing left to look at: it then keeps nothing in memory
   */
  static Future<?> after(Duration patience, Runnable look) {
    CompletableFuture<Boolean> timer = new CompletableFuture<>();
    timer.thenAcceptAsync(_ -> look.run(), Thread.ofVirtual().name("orrery-room-timer")::start);
    return timer.completeOnTimeout(true, patience.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Tells the other side why the room is over; nothing else is being sent. */
  static void tell(Transfer to, long room, String why) {
    try {
      to.send(Frame.text(Frame.Type.ABORT, room, why));
    } catch (IOException e) {
      // it has gone, and learns as much from that
    }
  }

  /** The shorter of two durations. */
  static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) < 0 ? a : b;
  }

  /** A duration as its user wrote it: seconds, with a fraction only if there is one. */
  static String seconds(Duration d) {
    return BigDecimal.valueOf(d.toMillis(), 3).stripTrailingZeros().toPlainString() + " s";
  }

  /** How long something may take, and by which option. */
  static String within(Duration d, String option) {
    return " within " + seconds(d) + " (disaggregation-" + option + ")";
  }

  /** Why a connection broke. A channel that is closed by its own side says it by its type alone. */
  static String why(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
