package orrery.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;

/**
 * A pause of an engine: whether there is one, and the single steps that callers ask for during it.
 */
final class Pause {
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
  private boolean on;

  /** Whether the engine is paused. */
  boolean on() {
    return on;
  }

  /** Begins, or goes on. */
  void begin() {
    on = true;
  }

  /** Ends, if there is a pause; returns whether there was one. */
  boolean end() {
    boolean was = on;
    on = false;
    endSteps();
    return was;
  }

  /** Whether no step is to be computed now. */
  boolean holds() {
    return on && asked.isEmpty();
  }

  /** Asks for at most {@code steps} steps; the future gets the number of those computed. */
  void ask(int steps, CompletableFuture<Integer> done) {
    asked.add(new Asked(steps, done));
  }

  /** A step was computed. */
  void computed() {
    Asked first = asked.getFirst();
    if (++first.computed == first.most) {
      asked.removeFirst().done.complete(first.computed);
    }
  }

  /** There is nothing to compute, or the pause is over: all who asked have what they get. */
  void endSteps() {
    asked.forEach(a -> a.done.complete(a.computed));
    asked.clear();
  }

  /** The engine stops because of a bug. */
  void fail(RequestException why) {
    asked.forEach(a -> a.done.completeExceptionally(why));
    asked.clear();
  }
}
