package orrery.batching;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * The sequences that wait and those that run. The queue is ordered by priority, then arrival. A
 * retracted sequence keeps its arrival, so it returns to its old place.
 *
 * <p>A sequence that is <em>held</em> does neither: it has pages, but no step computes rows of it,
 * because its rows are on their way to another engine or from there.
 */
public final class Queues {
  /** Which sequence goes first: by priority, then arrival. No two sequences are equal. */
  public static final Comparator<Sequence> ORDER =
      Comparator.comparingInt((Sequence s) -> s.priority)
          .reversed()
          .thenComparingLong(s -> s.arrival)
          .thenComparingInt(s -> s.id);

  private final TreeSet<Sequence> waiting = new TreeSet<>(ORDER);
  private final List<Sequence> running = new ArrayList<>(); // in order of admission
  private final List<Sequence> held = new ArrayList<>(); // in the order in which they came

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

  /** Holds a sequence that has pages; it may have been running. */
  public void hold(Sequence s) {
    running.remove(s);
    held.add(s);
  }

  /** Moves a held sequence to those that run. */
  public void admitHeld(Sequence s) {
    held.remove(s);
    running.add(s);
  }

  /** Forgets a sequence, waiting, running or held. */
  public void remove(Sequence s) {
    if (!running.remove(s) && !held.remove(s)) {
      waiting.remove(s);
    }
  }

  /** The held sequences, in the order in which they came. */
  public List<Sequence> held() {
    return held;
  }

  /** All sequences that have pages: the running ones, then the held ones. */
  public List<Sequence> withPages() {
    List<Sequence> all = new ArrayList<>(running);
    all.addAll(held);
    return all;
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

  /** The first of these. */
  public Optional<Sequence> firstReady() {
    return waiting.stream().filter(s -> !s.fetching()).findFirst();
  }

  public int waitingCount() {
    return waiting.size();
  }

  /** Whether no sequence waits or runs, so that there is nothing to compute. */
  public boolean isEmpty() {
    return waiting.isEmpty() && running.isEmpty();
  }
}
