package orrery.engine;

import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.model.Model;

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
 * engine's own.
 */
public final class Engine implements AutoCloseable {
  private static final long IDLE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  private final Model model;
  private final EngineOptions options;
  private final EventSink sink;
  private final StepLoop loop;
  private final Thread thread;
  private final long start = System.nanoTime();
  private final ConcurrentLinkedQueue<Runnable> inbox = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger(); // requests that never ran yet
  private final AtomicInteger ids = new AtomicInteger();
  private volatile boolean draining;
  private volatile boolean stopped;

  private Engine(LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters) {
    this.model = loaded.model();
    this.options = options;
    this.sink = sink;
    this.loop =
        new StepLoop(loaded, options, sink, () -> System.nanoTime() - start, queued, drafters);
    this.thread = Thread.ofPlatform().name("orrery-engine").unstarted(this::run);
  }

  /** Starts an engine that nobody watches. */
  public static Engine start(LoadedModel loaded, EngineOptions options) {
    return start(loaded, options, EventSink.NONE);
  }

  /**
   * Starts an engine; the model stays the caller's to close, after the engine.
   *
   * @throws IllegalArgumentException if an option does not go with the model
   */
  public static Engine start(LoadedModel loaded, EngineOptions options, EventSink sink) {
    return start(loaded, options, sink, Drafters.of(options.speculation(), loaded.model().vocab()));
  }

  /** Starts an engine with another drafter than its options name. */
  static Engine start(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters) {
    Engine engine = new Engine(loaded, options, sink, drafters);
    engine.thread.start();
    return engine;
  }

  /**
   * Takes a request.
   *
   * @throws RequestException if it can never be answered, too many wait, or the engine is closed;
   *     nothing of it stays
   */
  public Completion submit(Request request) {
    return submit(List.of(request)).getFirst();
  }

  /** Takes several requests that then arrive together, between two steps; all or none. */
  public List<Completion> submit(List<Request> requests) {
    int n = requests.size();
    try {
      requests.forEach(loop::requirePossible);
      enter(n);
    } catch (RequestException e) {
      post(() -> sink.accept(new Event.Rejected(nanos(), e.getMessage())));
      throw e;
    }
    List<Completion> completions =
        requests.stream().map(r -> new Completion(ids.getAndIncrement(), this::cancel)).toList();
    long now = System.nanoTime() - start;
    post(
        () -> {
          for (int i = 0; i < n; i++) {
            loop.requests().enqueue(requests.get(i), completions.get(i), now);
          }
        });
    if (stopped) { // it ended between the look and the post: nobody will take what lies there
      abandon();
    }
    return completions;
  }

  /** Takes a place in the queue for so many requests, if there is room. */
  private void enter(int n) {
    if (draining) {
      throw new RequestException(RequestException.Kind.CLOSED, "the engine is closed");
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

  private void cancel(Completion completion) {
    post(() -> loop.requests().cancel(completion.id(), "cancelled"));
  }

  private void post(Runnable message) {
    inbox.add(message);
    LockSupport.unpark(thread);
  }

  private void run() {
    try {
      while (true) {
        for (Runnable message = inbox.poll(); message != null; message = inbox.poll()) {
          message.run();
        }
        if (loop.idle()) {
          assert loop.balanced(); // nobody is there, so nobody may hold a page
          if (draining && inbox.isEmpty()) {
            break;
          }
          LockSupport.park(this);
        } else if (!loop.step()) {
          LockSupport.parkNanos(this, IDLE_NANOS); // a static batch waits to fill
        }
      }
    } catch (Throwable t) {
      loop.requests().failAll(t); // a bug of ours: say so to everybody who waits, and stop
    } finally {
      draining = true;
      stopped = true;
      loop.close();
      abandon();
    }
  }

  /** Tells whoever is still in the inbox that the engine is gone; late submitters call it too. */
  private synchronized void abandon() {
    for (Runnable message = inbox.poll(); message != null; message = inbox.poll()) {
      message.run();
    }
    loop.requests().failAll(new IllegalStateException("the engine is closed"));
  }

  /** Takes no more requests, finishes those it has, and ends. */
  @Override
  public void close() {
    draining = true;
    boolean interrupted = false;
    while (thread.isAlive()) {
      LockSupport.unpark(thread);
      try {
        thread.join(10);
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
