package orrery.engine;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import orrery.graph.Step;
import orrery.model.GreedyForward;

/**
 * A step on its way: it is planned, it is or will be computed, and it is not settled. The engine's
 * thread makes it, the computing thread fills in the rest, and the engine's thread reads that when
 * it is {@link #land}ed.
 */
final class Flight {
  final Planned planned;
  final List<Segment> segments;
  final List<Decision> decisions;
  final Step step;
  final FutureTokens tokens; // those that this step decides
  final FutureTokens before; // those of the step before, which rows of this step may wait for
  final Runnable poison; // for pages that were released before the step
  final SettledFirst settledFirst; // why the step before was; NO if it was not
  private final CompletableFuture<Void> decided = new CompletableFuture<>();

  private GreedyForward forward; // what follows is written by the computing thread
  private long beganAt;
  private long computedAt;
  private long decidedAt;

  Flight(
      Planned planned,
      List<Segment> segments,
      List<Decision> decisions,
      Step step,
      FutureTokens before,
      Runnable poison,
      SettledFirst settledFirst) {
    this.planned = planned;
    this.segments = segments;
    this.decisions = decisions;
    this.step = step;
    this.tokens = new FutureTokens(segments.size());
    this.before = before;
    this.poison = poison;
    this.settledFirst = settledFirst;
  }

  /** Whether the step computes the end of a prompt to which there are several answers. */
  boolean forks() {
    return decisions.stream().anyMatch(d -> d.sibling);
  }

  void began(long nanos) {
    beganAt = nanos;
  }

  void computed(GreedyForward forward, long nanos) {
    this.forward = forward;
    computedAt = nanos;
  }

  void decided(long nanos) {
    decidedAt = nanos;
    decided.complete(null);
  }

  /** Takes note that a bug stopped the computing thread. */
  void failed(Throwable bug) {
    decided.completeExceptionally(bug);
  }

  /** Waits until the tokens are decided; if a bug prevented that, throws it. */
  void land() {
    try {
      decided.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException bug -> throw bug;
        case Error bug -> throw bug;
        default -> throw e;
      }
    }
  }

  Launched launched() {
    return new Launched(planned, segments, forward, step.hostReads());
  }

  /** When the forward pass began. */
  long began() {
    return beganAt;
  }

  /** When the forward pass ended. */
  long computed() {
    return computedAt;
  }

  /** When all tokens were decided. */
  long decided() {
    return decidedAt;
  }
}
