package orrery.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The engine's thread: reads the messages that other threads leave, and between them computes steps
 * with the {@link EngineCore}, which it alone touches. It exists only while there is work.
 */
final class EngineThread {
  private static final long LINGER_MILLIS = 200; // long beside starting a thread: about 0.2 ms

  private final EngineCore core;
  private final Crash crash = new Crash();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CompletableFuture<Void> end = new CompletableFuture<>(); // for others, as `ended`

  private final Object lock = new Object(); // guards what follows
  private final List<Runnable> inbox = new ArrayList<>();
  private Thread thread; // null while there is no work; never two at once
  private boolean draining; // takes no more requests
  private boolean stopped; // takes no more messages

  // What the engine's thread has read and not yet done; only this thread touches it.
  private final Deque<Runnable> taken = new ArrayDeque<>();

  EngineThread(EngineCore core) {
    this.core = core;
  }

  /** Leaves a message; false if the thread has stopped for good. */
  boolean post(Runnable message) {
    return post(List.of(message));
  }

  /**
   * Leaves messages that are read together, between two steps; false if the thread has stopped for
   * good.
   */
  boolean post(List<Runnable> messages) {
    synchronized (lock) {
      if (!stopped) {
        wake();
        inbox.addAll(messages);
      }
      return !stopped;
    }
  }

  /**
   * Asks for something, which completes the future.
   *
   * @throws RequestException if the engine is closed
   */
  <T> CompletableFuture<T> ask(Consumer<CompletableFuture<T>> what) {
    CompletableFuture<T> done = new CompletableFuture<>();
    Runnable message =
        () -> {
          try {
            what.accept(done);
          } catch (Throwable bug) { // the engine stops, and no caller may wait for it
            done.completeExceptionally(Requests.stopped(bug));
            throw bug;
          }
        };
    synchronized (lock) {
      if (draining || !post(message)) {
        throw closed();
      }
    }
    return done;
  }

  /**
   * Asks for something to be done.
   *
   * @throws RequestException if the engine is closed
   */
  CompletableFuture<Void> ask(Runnable what) {
    return this.<Void>ask(
        done -> {
          what.run();
          done.complete(null);
        });
  }

  /** What a caller of a closed engine gets. */
  static RequestException closed() {
    return new RequestException(RequestException.Kind.CLOSED, "the engine is closed");
  }

  /**
   * Requires that requests may still come.
   *
   * @throws RequestException if the engine is closed
   */
  void requireOpen() {
    synchronized (lock) {
      if (draining) {
        throw closed();
      }
    }
  }

  /**
   * Takes no more requests, and ends when those that are there have ended.
   *
   * @return whether the calling thread may wait for that: it is not the engine's thread
   */
  boolean drain() {
    return drain(() -> {});
  }

  /** The same, and does something first: no step comes between, even if the engine was paused. */
  boolean drain(Runnable first) {
    synchronized (lock) {
      draining = true;
      boolean own = Thread.currentThread() == thread;
      post(List.of(core::resume, first)); // what is paused could never finish
      return !own;
    }
  }

  /** Waits for the end. */
  void awaitEnd() throws InterruptedException {
    ended.await();
  }

  /** Waits so long for the end; returns whether it came. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return ended.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** A future of the end; failed if a bug caused it. */
  CompletableFuture<Void> ended() {
    return end.copy();
  }

  /** Makes the thread read its messages, and starts it if need be; the caller holds the lock. */
  private void wake() {
    if (thread == null) {
      Thread t =
          Thread.ofPlatform()
              .name("orrery-engine")
              .daemon(false) // else the JVM could end before the answers are complete
              .inheritInheritableThreadLocals(false)
              .unstarted(this::run);
      t.start();
      thread = t;
    }
    lock.notifyAll();
  }

  /** Works until there has been no work for a while; the next message then starts a new thread. */
  private void run() {
    try {
      boolean goesOn = true;
      while (goesOn) {
        boolean read = take();
        while (!taken.isEmpty()) {
          taken.poll().run();
        }
        if (core.idle()) {
          core.rest();
          goesOn = rest();
        } else if (!core.step()) { // a static batch waits for more requests, or a pause goes on
          if (read) {
            core.rest();
          }
          synchronized (lock) {
            await(core.waitMillis());
          }
        }
      }
    } catch (Throwable t) {
      crash(t); // a bug of the engine: fail all requests with it, and stop
    }
  }

  /** Takes all messages; returns whether there was one. */
  private boolean take() {
    synchronized (lock) {
      taken.addAll(inbox);
      inbox.clear();
    }
    return !taken.isEmpty();
  }

  /** Waits for a message while there is no work; returns false if the thread is to end. */
  private boolean rest() {
    boolean over;
    synchronized (lock) {
      if (!draining) {
        await(LINGER_MILLIS);
      }
      if (!inbox.isEmpty()) {
        return true;
      }
    }
    core.save();
    synchronized (lock) {
      if (!inbox.isEmpty()) {
        return true;
      }
      thread = null;
      over = draining;
      stopped = over;
    }
    if (over) {
      core.drain();
      end(null);
    }
    return false;
  }

  /** Waits for a message; the caller holds the lock. */
  private void await(long millis) {
    if (inbox.isEmpty()) {
      try {
        lock.wait(millis);
      } catch (InterruptedException e) {
        // Only a sink could interrupt its own thread; waking up too early does no harm.
        Thread.interrupted();
      }
    }
  }

  private void crash(Throwable why) {
    crash.begin();
    synchronized (lock) {
      draining = true;
      stopped = true;
    }
    Crash.attempt(why, core::abandon); // else others could wait for a step that no thread computes
    Crash.attempt(why, () -> core.failAll(why));
    Crash.attempt(why, this::take);
    while (!taken.isEmpty()) {
      Crash.attempt(why, taken.poll()); // requests that have just come must fail too
      Crash.attempt(why, () -> core.failAll(why)); // at once: all together may be large
    }
    end(why);
  }

  /**
   * Says that the engine has ended.
   *
   * @param bug that stopped it; null if it was closed
   */
  private void end(Throwable bug) {
    Throwable why = bug;
    try {
      core.close();
    } catch (Throwable again) { // no caller may wait for the end of an engine that has ended
      why = bug == null ? again : bug;
      if (why != again) {
        why.addSuppressed(again);
      }
    }
    if (why == null) {
      end.complete(null);
    } else {
      end.completeExceptionally(why);
    }
    ended.countDown(); // last: after close() the future is complete
  }
}
