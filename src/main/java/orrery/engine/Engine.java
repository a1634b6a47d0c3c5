package orrery.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.kernels.VectorModule;

/**
 * Many requests, one model, one memory. Requests join and leave at every step, and nobody's answer
 * depends on anybody else.
 *
 * <pre>
 *   submit ──> inbox ──> queue ──> plan ──> launch ──> judge ──> commit ──> tokens
 *                          ^                                        |
 *                          └───────── retracted ────────────────────┘
 * </pre>
 *
 * <pre>
 *   try (Engine engine = Engine.start(model, EngineOptions.defaults())) {
 *     for (Token t : engine.submit(Request.of(prompt, params))) System.out.print(t.text());
 *   }
 * </pre>
 *
 * <p>Submitting, cancelling and closing may be done by any thread; everything else happens on the
 * engine's own, and so does every event. That thread is there while there is something to do: a
 * program that forgets {@link #close} ends when its answers are there.
 */
public final class Engine implements AutoCloseable {
  private static final long FILLING_MILLIS = 1; // between looks at a static batch that waits
  private static final long LINGER_MILLIS = 200; // a thread is started in a thousandth of that

  private final EngineOptions options;
  private final EventSink sink;
  private final StepLoop loop;
  private final long start = System.nanoTime();
  private final AtomicInteger queued = new AtomicInteger(); // requests that never ran yet
  private final AtomicInteger ids = new AtomicInteger();
  private final CountDownLatch ended = new CountDownLatch(1);

  private final Object lock = new Object(); // guards what follows
  private List<Runnable> inbox = new ArrayList<>();
  private Thread thread; // null while nothing is to be done; never two at once
  private boolean draining; // takes no more requests
  private boolean stopped; // takes no more messages

  private Engine(LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters) {
    this.options = options;
    this.sink = sink;
    this.loop =
        new StepLoop(loaded, options, sink, () -> System.nanoTime() - start, queued, drafters);
  }

  /** Starts an engine that nothing watches. */
  public static Engine start(LoadedModel loaded, EngineOptions options) {
    return start(loaded, options, EventSink.NONE);
  }

  /**
   * Starts an engine; the model stays the caller's to close, after the engine.
   *
   * @throws IllegalArgumentException if an option does not go with the model
   * @throws IllegalStateException if the model is closed, or the JVM runs without the module that
   *     vector kernels need
   */
  public static Engine start(LoadedModel loaded, EngineOptions options, EventSink sink) {
    Objects.requireNonNull(loaded, "model: expected a loaded model, found null");
    Objects.requireNonNull(options, "options: expected engine options, found null");
    return start(loaded, options, sink, Drafters.of(options.speculation(), loaded.model().vocab()));
  }

  /**
   * Says whether an engine could be started, without making anything: nothing is thrown if so.
   *
   * @throws IllegalArgumentException if an option does not go with the model, or would take more
   *     memory than there is
   */
  public static void check(LoadedModel loaded, EngineOptions options) {
    HeapPlan.of(loaded.model(), options).require();
  }

  /** Starts an engine with another drafter than its options name. */
  static Engine start(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters) {
    Objects.requireNonNull(sink, "sink: expected an event sink, found null; EventSink.NONE is one");
    loaded.requireOpen();
    if (options.kernels() != EngineOptions.KernelChoice.SCALAR) {
      VectorModule.require();
    }
    return new Engine(loaded, options, sink, drafters);
  }

  /**
   * Takes a request.
   *
   * @throws RequestException if it can never be answered, too many wait, or the engine is closed;
   *     nothing of it stays
   */
  public Completion submit(Request request) {
    Objects.requireNonNull(request, "request: expected a request, found null");
    return submit(List.of(request)).getFirst();
  }

  /** Takes several requests that then arrive together, between two steps; all or none. */
  public List<Completion> submit(List<Request> requests) {
    Objects.requireNonNull(requests, "requests: expected a list, found null");
    for (Request request : requests) {
      Objects.requireNonNull(request, "requests: expected requests, found null among them");
    }
    List<Request> all = List.copyOf(requests);
    int n = all.size();
    try {
      all.forEach(loop::requirePossible);
      enter(n);
    } catch (RequestException e) {
      post(() -> sink.accept(new Event.Rejected(nanos(), e.getMessage())));
      throw e;
    }
    List<Completion> completions =
        all.stream().map(r -> new Completion(ids.getAndIncrement(), this::cancel)).toList();
    long now = nanos();
    boolean posted =
        post(
            () -> {
              for (int i = 0; i < n; i++) {
                loop.requests().enqueue(all.get(i), completions.get(i), now);
              }
            });
    if (!posted) { // it stopped between the two looks
      queued.addAndGet(-n);
      throw closed();
    }
    return completions;
  }

  /** Takes a place in the queue for so many requests, if there is room. */
  private void enter(int n) {
    synchronized (lock) {
      if (draining) {
        throw closed();
      }
    }
    int waiting = queued.addAndGet(n);
    if (waiting > options.maxQueued()) {
      queued.addAndGet(-n);
      throw new RequestException(
          RequestException.Kind.QUEUE_FULL,
          "the queue is full: "
              + (waiting - n)
              + " requests wait, at most "
              + options.maxQueued()
              + " may; try again later");
    }
  }

  private static RequestException closed() {
    return new RequestException(RequestException.Kind.CLOSED, "the engine is closed");
  }

  private void cancel(Completion completion) {
    post(() -> loop.requests().cancel(completion.id(), "cancelled"));
  }

  /** Leaves a message for the engine's thread; false if it has stopped for good. */
  private boolean post(Runnable message) {
    synchronized (lock) {
      if (!stopped) {
        wake();
        inbox.add(message);
      }
      return !stopped;
    }
  }

  /** Sees to it that the engine's thread looks round; the lock is held. */
  private void wake() {
    if (thread == null) {
      Thread t =
          Thread.ofPlatform()
              .name("orrery-engine")
              .daemon(false) // or the JVM could end before the answers are there
              .inheritInheritableThreadLocals(false)
              .unstarted(this::run);
      t.start();
      thread = t;
    }
    lock.notifyAll();
  }

  /** Works until there has been nothing to do for a while; the next message starts another. */
  private void run() {
    try {
      boolean goesOn = true;
      while (goesOn) {
        taken().forEach(Runnable::run);
        if (loop.idle()) {
          assert loop.balanced(); // no sequence is there, so none may hold a page
          goesOn = rest();
        } else if (!loop.step()) {
          synchronized (lock) {
            pause(FILLING_MILLIS); // a static batch waits to fill
          }
        }
      }
    } catch (Throwable t) {
      crash(t); // a bug of ours: say so to all that wait, and stop
    }
  }

  private List<Runnable> taken() {
    synchronized (lock) {
      List<Runnable> messages = inbox;
      inbox = messages.isEmpty() ? messages : new ArrayList<>();
      return messages.isEmpty() ? List.of() : messages;
    }
  }

  /** Nothing is to be done: waits for a message; false if the thread's work is over. */
  private boolean rest() {
    boolean over;
    synchronized (lock) {
      if (!draining) {
        pause(LINGER_MILLIS);
      }
      if (!inbox.isEmpty()) {
        return true;
      }
      thread = null;
      over = draining;
      stopped = over;
    }
    if (over) {
      end();
    }
    return false;
  }

  /** Waits for a message; the lock is held. */
  private void pause(long millis) {
    if (inbox.isEmpty()) {
      try {
        lock.wait(millis);
      } catch (InterruptedException e) {
        // Only a sink could do that to its own thread; looking round too early does no harm.
        Thread.interrupted();
      }
    }
  }

  private void crash(Throwable why) {
    synchronized (lock) {
      draining = true;
      stopped = true;
    }
    try {
      for (Runnable message : taken()) {
        try {
          message.run(); // requests that had just come must be told, too
        } catch (Throwable again) {
          why.addSuppressed(again);
        }
      }
      loop.requests().failAll(why);
    } finally {
      end();
    }
  }

  private void end() {
    loop.close();
    ended.countDown();
  }

  /**
   * Takes no more requests, finishes those it has, and ends. If the waiting thread is interrupted,
   * they fail instead. A sink that closes its engine, on the engine's own thread, does not wait.
   */
  @Override
  public void close() {
    boolean interrupted = false;
    boolean waits = drain();
    while (waits) {
      try {
        ended.await();
        waits = false;
      } catch (InterruptedException e) {
        interrupted = true;
        post(
            () -> loop.requests().failAll(new IllegalStateException("the engine was interrupted")));
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Takes no more requests, finishes those it can in this time, cuts the others off as {@link
   * #shutdownNow} does, and ends.
   *
   * @return whether all were finished
   */
  public boolean close(Duration patience) {
    Objects.requireNonNull(patience, "patience: expected a duration, found null");
    boolean finished = false;
    boolean interrupted = false;
    if (drain()) {
      try {
        finished = ended.await(TimeUnit.NANOSECONDS.convert(patience), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true; // not another moment, then
      }
    }
    if (!finished) {
      shutdownNow();
    }
    close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return finished;
  }

  /**
   * Takes no more requests and cuts off those it has, as soon as possible: what they have by then
   * is their answer, and their finish reason is abort. Waits for nothing; {@link #close} does.
   */
  public void shutdownNow() {
    drain();
    post(() -> loop.requests().cancelAll("shutdown"));
  }

  /** Takes no more requests; whether the caller may wait for the end of those that are there. */
  private boolean drain() {
    synchronized (lock) {
      draining = true;
      boolean own = Thread.currentThread() == thread;
      if (!stopped) {
        wake();
      }
      return !own;
    }
  }

  /** What the engine runs with. */
  public EngineOptions options() {
    return options;
  }

  /** Longest sequence, prompt and answer together. */
  public int contextLength() {
    return loop.contextLength();
  }

  /** Pages of the first pool beside the dummy, for those who draw it. */
  public int pages() {
    return loop.pages();
  }

  /** The kernels that would compute the next step. */
  public String kernelName() {
    return loop.kernelName();
  }

  /** Nanoseconds since the engine's start, the clock of its events. */
  public long nanos() {
    return System.nanoTime() - start;
  }
}
