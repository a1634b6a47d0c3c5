package orrery.xray;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.Keyframe;
import orrery.events.Vocabulary;

/**
 * Hands the engine's events to the pages that are open, and keeps the newest for pages that open
 * later.
 *
 * <pre>
 *   engine's thread ── queue ── every 50 ms: one thread ── {@link Ring} ── each page's own thread
 * </pre>
 *
 * <p>An event costs the engine's thread one node of a queue: no lock, no signal, no JSON. If the
 * queue is not emptied for long, events are dropped until the next keyframe, and the pages are told
 * how many.
 *
 * <p>Events have numbers, from 0 for the feed's first. When an engine takes another one's place,
 * the numbers go on, and a new <em>run</em> begins: requests and sequences are counted from 0
 * again.
 */
public final class Feed implements EventSink, AutoCloseable {
  private static final int KEPT = 20_000; // events: thousands of steps of one sequence
  private static final long KEPT_BYTES = 32 << 20; // keyframes of a large cache are megabytes
  private static final int QUEUED = 200_000; // events: seconds of the busiest engine
  private static final long TICK_NANOS = 50_000_000; // a page draws at most 20 pictures a second

  /** Stands in the queue where another engine's events begin. */
  private static final Object NEXT_RUN = new Object();

  /** Stands in the queue where events were dropped. */
  private record Dropped(long events) {}

  private final int queued;
  private final Ring ring;
  private final ConcurrentLinkedQueue<Object> queue = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private final Pauses pauses = new Pauses();
  private volatile boolean closed;

  private long put; // things that were put into the queue; one engine's thread at a time counts
  private long dropped; // events since the queue was full; 0 while none is dropped
  private volatile long taken; // things that were taken from the queue

  private final List<Event> some = new ArrayList<>(); // of the next batch; guarded by this
  private long number; // of the next event; guarded by this, as what follows
  private int run;
  private boolean begun; // whether the run's first keyframe has come

  /** A feed that runs until it is closed. */
  public Feed() {
    this(KEPT, KEPT_BYTES, QUEUED);
    thread.start();
  }

  /** A feed that does nothing by itself: {@link #drain} does. */
  Feed(int kept, long bytes, int queued) {
    this.queued = queued;
    this.ring = new Ring(kept, bytes);
    this.thread = Thread.ofPlatform().daemon().name("orrery-xray").unstarted(this::run);
  }

  /** The newest events. */
  Ring ring() {
    return ring;
  }

  /** Whether the engine is paused. */
  Pauses pauses() {
    return pauses;
  }

  @Override
  public boolean wantsBooks() {
    return true;
  }

  @Override
  public void accept(Event event) {
    pauses.see(event);
    boolean full = put - taken >= (dropped > 0 ? queued / 2 : queued);
    boolean understood = dropped == 0 || event instanceof Keyframe; // without what was dropped
    if (!(event instanceof Vocabulary) && (full || !understood)) {
      dropped++;
      return;
    }
    if (event instanceof Keyframe) {
      putDropped();
    }
    put(event);
  }

  private void putDropped() {
    if (dropped > 0) {
      put(new Dropped(dropped));
      dropped = 0;
    }
  }

  private void put(Object thing) {
    put++;
    queue.add(thing);
  }

  /**
   * Begins a run: what comes from now on is another engine's. The one before has ended, and the
   * next has not begun.
   */
  public void nextRun() {
    pauses.end();
    putDropped(); // the next run begins with a keyframe
    put(NEXT_RUN);
  }

  /**
   * Drops what has come before the newest keyframe: pages that open later begin with that. So the
   * requests that warm an engine up are nothing that a page tells.
   */
  public void forget() {
    drain();
    ring.forget();
  }

  private void run() {
    while (!closed) {
      LockSupport.parkNanos(TICK_NANOS);
      drain();
    }
  }

  /** Moves what is in the queue into the ring. After a bug it goes on at the next keyframe. */
  synchronized void drain() {
    try {
      takeAll();
    } catch (RuntimeException | Error bug) {
      number += Math.max(1, some.size()); // a page is told that these are lost
      some.clear();
      begun = false;
      Thread t = Thread.currentThread();
      t.getUncaughtExceptionHandler().uncaughtException(t, bug); // says so, and pages live on
    }
  }

  private void takeAll() {
    for (Object thing = queue.poll(); thing != null; thing = queue.poll()) {
      taken = taken + 1; // only here, and so one after the other
      switch (thing) {
        case Dropped d -> {
          flush();
          number += d.events();
        }
        case Event e -> take(e);
        default -> { // NEXT_RUN
          flush();
          run++;
          begun = false;
        }
      }
    }
    flush();
  }

  private void take(Event event) {
    Batch.Kind kind = Batch.Kind.of(event);
    begun |= kind == Batch.Kind.KEYFRAME;
    if (kind != Batch.Kind.OTHER || some.size() == Batch.MOST) {
      flush();
    }
    if (begun || kind == Batch.Kind.VOCABULARY) { // else nothing could be made of it
      some.add(event);
    }
    if (kind == Batch.Kind.VOCABULARY) {
      flush();
    }
  }

  private void flush() {
    if (!some.isEmpty()) {
      ring.add(new Batch(number, run, some));
      number += some.size();
      some.clear();
    }
  }

  /** Hands over what has come, and ends all pages' streams. */
  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
    drain();
    ring.close();
  }
}
