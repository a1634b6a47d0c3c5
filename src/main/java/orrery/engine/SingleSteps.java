package orrery.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;

/** The steps that callers have asked a paused engine to compute. */
final class SingleSteps {
  /** What one caller asked for. */
  private static final class Asked {
    final int most;
    final CompletableFuture<Integer> done;
    int computed;

    Asked(int most, CompletableFuture<Integer> done) {
      this.most = most;
      this.done = done;
    }
  }

  private final Deque<Asked> asked = new ArrayDeque<>();

  /** Asks for at most {@code steps} steps; the future gets the number of those computed. */
  void ask(int steps, CompletableFuture<Integer> done) {
    asked.add(new Asked(steps, done));
  }

  /** Whether a step is still to be computed. */
  boolean wanted() {
    return !asked.isEmpty();
  }

  /** A step was computed. */
  void computed() {
    Asked first = asked.getFirst();
    if (++first.computed == first.most) {
      asked.removeFirst().done.complete(first.computed);
    }
  }

  /** There is nothing to compute, or the pause is over: all who asked have what they get. */
  void end() {
    asked.forEach(a -> a.done.complete(a.computed));
    asked.clear();
  }

  /** The engine stops because of a bug. */
  void fail(RequestException why) {
    asked.forEach(a -> a.done.completeExceptionally(why));
    asked.clear();
  }
}
