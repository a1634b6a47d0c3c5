package orrery.xray;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The newest events, for pages that read them each at its own speed.
 *
 * <pre>
 *   K · · · · · · K · · · · · · K · · ·      K: a keyframe; what follows it is understood with it
 *   └─ dropped ─┘ ^             ^     ^
 *      together   │             │     └ pages that keep up wait here
 *                 │             └ a page that was too slow goes on here, and is told what it lost
 *                 └ a page that has just come begins here
 * </pre>
 *
 * <p>The thread that adds events waits for no page.
 */
final class Ring implements AutoCloseable {
  private final String feed = UUID.randomUUID().toString(); // no other server has the same
  private final int most; // events
  private final long mostBytes;
  private final TreeMap<Long, Batch> batches = new TreeMap<>(); // by first number; guarded by this
  private final Deque<Long> keyframes = new ArrayDeque<>(); // numbers of batches that begin so
  private final Map<Integer, Batch> vocabularies = new TreeMap<>(); // by run
  private long count; // events in the batches
  private long bytes; // of the batches, about
  private boolean closed;

  /**
   * Events are kept until they are more, or larger, than this; those that follow the newest
   * keyframe are always kept.
   *
   * @param most events
   * @param mostBytes of their JSON, about
   */
  Ring(int most, long mostBytes) {
    this.most = most;
    this.mostBytes = mostBytes;
  }

  /** Where a page stands. One thread reads with it. */
  final class Place {
    private long next = -1; // number of the event that it reads next; -1 before the first
    private int run; // of the newest event that it has
    private int vocabulary = -1; // run whose vocabulary it has
    private boolean left;

    /** Ends the page's waiting, now and later. */
    void leave() {
      synchronized (Ring.this) {
        left = true;
        Ring.this.notifyAll();
      }
    }
  }

  /**
   * What a page is sent at once.
   *
   * @param feed names the ring: event numbers of another ring are others
   * @param from number of the first event
   * @param run of all the events
   * @param lost events before the first that the page will never get
   */
  record Message(String feed, long from, int run, long lost, List<Batch> batches) {}

  /** Adds events behind the others; their numbers are higher. */
  synchronized void add(Batch batch) {
    batches.put(batch.from(), batch);
    count += batch.count();
    bytes += batch.bytes();
    switch (batch.kind()) {
      case KEYFRAME -> keyframes.add(batch.from());
      case VOCABULARY -> vocabularies.put(batch.run(), batch);
      case OTHER -> {}
    }
    while ((count > most || bytes > mostBytes) && keyframes.size() > 1) {
      dropOldest();
    }
    notifyAll();
  }

  /** Drops what comes before the second keyframe, and vocabularies that no page needs then. */
  private void dropOldest() {
    keyframes.remove();
    while (batches.firstKey() < keyframes.getFirst()) {
      Batch gone = batches.pollFirstEntry().getValue();
      count -= gone.count();
      bytes -= gone.bytes();
    }
    vocabularies.keySet().removeIf(run -> run < batches.firstEntry().getValue().run());
  }

  /** Drops all that comes before the newest keyframe. */
  synchronized void forget() {
    while (keyframes.size() > 1) {
      dropOldest();
    }
  }

  /** The number of the newest event; -1 if there was none. */
  synchronized long newest() {
    return batches.isEmpty() ? -1 : batches.lastEntry().getValue().end() - 1;
  }

  /**
   * The next events for a page; waits until there are some.
   *
   * @param patienceMillis how long to wait; a message without events comes then
   * @return empty if the page has left, or no event will ever come
   */
  synchronized Optional<Message> next(Place place, long patienceMillis)
      throws InterruptedException {
    long end = System.nanoTime() + patienceMillis * 1_000_000;
    while (!closed && !place.left && batches.ceilingEntry(place.next) == null) {
      long millis = (end - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        return Optional.of(new Message(feed, Math.max(0, place.next), place.run, 0, List.of()));
      }
      wait(millis);
    }
    boolean over = place.left || batches.ceilingEntry(place.next) == null;
    return over ? Optional.empty() : Optional.of(ready(place));
  }

  private Message ready(Place place) {
    boolean fell = place.next >= 0 && place.next < batches.firstKey();
    long start = fell ? keyframes.getLast() : batches.ceilingKey(place.next);
    Batch first = batches.get(start);
    Batch words = vocabularies.get(first.run());
    if (words != null && words != first && place.vocabulary != first.run()) {
      place.vocabulary = first.run(); // the place stays: the message stands beside the others
      return new Message(feed, words.from(), words.run(), 0, List.of(words));
    }
    if (first.kind() == Batch.Kind.VOCABULARY) {
      place.vocabulary = first.run();
    }
    List<Batch> together = new ArrayList<>();
    int size = 0;
    for (Batch batch : batches.tailMap(start).values()) {
      boolean follows = batch.run() == first.run() && batch.from() == start + size;
      if (!follows || size > 0 && size + batch.count() > Batch.MOST) {
        break;
      }
      together.add(batch);
      size += batch.count();
    }
    long lost = place.next < 0 ? 0 : start - place.next;
    place.next = together.getLast().end();
    place.run = first.run();
    return new Message(feed, start, first.run(), lost, together);
  }

  /** Says that no event will come any more; pages read what is there. */
  @Override
  public synchronized void close() {
    closed = true;
    notifyAll();
  }
}
