package orrery.disagg;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import orrery.engine.Request;

/** What both sides of a room do in the same way. */
final class Rooms {
  private Rooms() {}

  /** A request whose draws are the same on both sides. */
  static Request seeded(Request request, long room) {
    return request.params().seed().isPresent() ? request : request.withSeed(room);
  }

  /** Looks at something later, on a thread of its own. */
  static void after(Duration patience, Runnable look) {
    CompletableFuture.delayedExecutor(patience.toMillis(), TimeUnit.MILLISECONDS).execute(look);
  }

  /** A duration as its user wrote it: seconds, with a fraction only if there is one. */
  static String seconds(Duration d) {
    return BigDecimal.valueOf(d.toMillis(), 3).stripTrailingZeros().toPlainString() + " s";
  }

  /** Why a connection broke. A channel that is closed by its own side says it by its type alone. */
  static String why(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
