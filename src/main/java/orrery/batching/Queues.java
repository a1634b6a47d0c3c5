package orrery.batching;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;

/**
 * The sequences that wait and those that run. The queue is ordered by priority, then arrival. A
 * retracted sequence keeps its arrival, so it returns to its old place.
 */
public final class Queues {
  private final TreeSet<Sequence> waiting =
      new TreeSet<>(
          Comparator.comparingInt((Sequence s) -> -s.priority)
              .thenComparingLong(s -> s.arrival)
              .thenComparingInt(s -> s.id));

  private final List<Sequence> running = new ArrayList<>(); // in order of admission

  /** Puts a new sequence into the queue. */
  public void enqueue(Sequence s) {
    waiting.add(s);
  }

  /** Moves a sequence from the queue to those that run. */
  public void admit(Sequence s) {
    waiting.remove(s);
    running.add(s);
  }

  /** Moves a running sequence back into the queue. */
  public void retract(Sequence s) {
    running.remove(s);
    waiting.add(s);
  }

  /** Forgets a sequence, waiting or running. */
  public void remove(Sequence s) {
    if (!running.remove(s)) {
      waiting.remove(s);
    }
  }

  /** The running sequences, in order of admission. */
  public List<Sequence> running() {
    return running;
  }

  /** The waiting sequences, in queue order. */
  public List<Sequence> waiting() {
    return List.copyOf(waiting);
  }

  /** Those of the waiting sequences that the scheduler may run, in queue order. */
  public List<Sequence> ready() {
    return waiting.stream().filter(s -> !s.fetching()).toList();
  }

  public int waitingCount() {
    return waiting.size();
  }

  public boolean isEmpty() {
    return waiting.isEmpty() && running.isEmpty();
  }
}
