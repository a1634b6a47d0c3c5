package orrery.engine;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.kernels.KernelSet;
import orrery.kernels.VectorModule;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.options.Options;

/**
 * Many requests, one model, one memory. Requests join and leave at every step, and no request's
 * answer depends on other requests.
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
 * <p>Any thread may submit, cancel and close. Everything else happens on the engine's own thread,
 * every event too; steps alone are computed on a second thread if they overlap. The engine's thread
 * exists only while there is work: a program that forgets {@link #close} ends when it has its
 * answers.
 */
public final class Engine implements AutoCloseable {
  static final int KEYFRAMES = 128; // steps from one to the next
  private static final long FILLING_MILLIS = 1; // between checks of a waiting static batch
  private static final long LINGER_MILLIS = 200; // long beside starting a thread: about 0.2 ms

  private final EngineOptions options;
  private final EventSink sink;
  private final EngineCore core;
  private final long start = System.nanoTime();
  private final AtomicInteger queued = new AtomicInteger(); // requests that never ran yet
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CompletableFuture<Void> end = new CompletableFuture<>(); // for others, as `ended`

  private final Object lock = new Object(); // guards what follows
  private final List<Runnable> inbox = new ArrayList<>();
  private Thread thread; // null while there is no work; never two at once
  private int arrivals; // requests taken so far; the number of the next one
  private boolean pausable = true;
  private boolean draining; // takes no more requests
  private boolean stopped; // takes no more messages

  // What the engine's thread has read and not yet done; only this thread touches it.
  private final Deque<Runnable> taken = new ArrayDeque<>();
  private boolean cutOff; // whether a shutdown ended requests; written by the engine's thread

  private Engine(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters, int keyframes) {
    this.options = options;
    this.sink = sink;
    LongSupplier clock = () -> System.nanoTime() - start;
    this.core =
        new EngineCore(
            loaded, options, sink, clock, queued, drafters, keyframes, this::wakeForFetches);
  }

  /** Starts an engine without an event sink. */
  public static Engine start(LoadedModel loaded, EngineOptions options) {
    return start(loaded, options, EventSink.NONE);
  }

  /**
   * Starts an engine. The caller closes the model, after the engine.
   *
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
   * @throws IllegalStateException if the model is closed, or the JVM runs without the module that
   *     vector kernels need
   */
  public static Engine start(LoadedModel loaded, EngineOptions options, EventSink sink) {
    return start(loaded, options, sink, rows -> {});
  }

  /**
   * The same, and tells how a warm-up gets on if the options want one.
   *
   * @param warming takes the rows of each bucket before its first step, as in {@link #warmUp}
   */
  public static Engine start(
      LoadedModel loaded, EngineOptions options, EventSink sink, IntConsumer warming) {
    requireSome(loaded, options);
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    return start(loaded, options, sink, drafters, KEYFRAMES, warming);
  }

  private static void requireSome(LoadedModel loaded, EngineOptions options) {
    Objects.requireNonNull(loaded, "model: expected a loaded model, found null");
    Objects.requireNonNull(options, "options: expected engine options, found null");
  }

  /**
   * Checks whether an engine could be started, without starting one; throws if not.
   *
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
   */
  public static void check(LoadedModel loaded, EngineOptions options) {
    requireSome(loaded, options);
    Model model = Fp8Activations.of(loaded.model(), options.compute().activationDtype());
    HeapPlan.of(model, options).require();
  }

  /** Starts an engine with a given drafter in place of the one that the options name. */
  static Engine start(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters) {
    return start(loaded, options, sink, drafters, KEYFRAMES);
  }

  /** Starts an engine that tells a keyframe every so many steps. */
  static Engine start(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters, int keyframes) {
    return start(loaded, options, sink, drafters, keyframes, rows -> {});
  }

  private static Engine start(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      Drafters drafters,
      int keyframes,
      IntConsumer warming) {
    Objects.requireNonNull(sink, "sink: expected an event sink, found null; EventSink.NONE is one");
    loaded.requireOpen();
    if (options.compute().kernels() != KernelSet.SCALAR) {
      VectorModule.require();
    }
    Engine engine = new Engine(loaded, options, sink, drafters, keyframes);
    if (sink.wantsBooks()) {
      engine.post(engine.core::begin); // before any request
    }
    if (options.compute().warmup()) {
      engine.warmUpFirst(warming);
    }
    return engine;
  }

  /** Warms up and waits for it: then the first request finds an engine that is ready. */
  private void warmUpFirst(IntConsumer warming) {
    try {
      warmUpNow(warming);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /**
   * Takes a request.
   *
   * @throws RequestException if the request can never be answered, if the queue is full, or if the
   *     engine is closed; the engine then keeps nothing of the request
   */
  public Completion submit(Request request) {
    Objects.requireNonNull(request, "request: expected a request, found null");
    return submit(List.of(request)).getFirst();
  }

  /**
   * Takes several requests, all or none; they arrive together, between two steps.
   *
   * @throws RequestException as {@link #submit(Request)}, for the first request that is refused
   */
  public List<Completion> submit(List<Request> requests) {
    Objects.requireNonNull(requests, "requests: expected a list, found null");
    for (Request request : requests) {
      Objects.requireNonNull(request, "requests: expected requests, found null among them");
    }
    return submit(
        List.copyOf(requests),
        IntUnaryOperator.identity(),
        (request, completion, now) -> () -> core.requests().enqueue(request, completion, now));
  }

  /** Makes the message with which a request comes to the engine's thread. */
  private interface Arrival {
    Runnable message(Request request, Completion completion, long now);
  }

  /**
   * @param maxTokens of the most tokens of an answer, how many are computed here
   */
  private List<Completion> submit(List<Request> all, IntUnaryOperator maxTokens, Arrival arrival) {
    int n = all.size();
    try {
      core.requirePossible(all, maxTokens);
      enter(n);
    } catch (RequestException e) {
      post(() -> sink.accept(new Event.Rejected(nanos(), e.getMessage())));
      throw e;
    }
    long now = nanos();
    List<Completion> completions;
    boolean posted = true;
    synchronized (lock) { // numbers are in the order of arrival, and the messages are read together
      completions = all.stream().map(r -> new Completion(arrivals++, this::cancel)).toList();
      for (int i = 0; i < n; i++) { // one each: if one fails, a crash still reads the others
        Request request = all.get(i);
        Completion completion = completions.get(i);
        posted &= post(arrival.message(request, completion, now));
      }
    }
    if (!posted) { // the engine stopped since the check above
      queued.addAndGet(-n);
      throw closed();
    }
    return completions;
  }

  /**
   * Takes a request that this engine begins: it computes the prompt and decides the first token of
   * each answer. Then {@code sender} gets its pages, which stay until they are sent. The completion
   * has the first tokens as its answers.
   *
   * <p>Nothing is computed before {@link PrefillTicket#bootstrapped}. The request should name a
   * seed, since the other engine must draw with the same one.
   *
   * @throws RequestException as {@link #submit(Request)}
   */
  public PrefillTicket prefill(Request request, KvSender sender) {
    Objects.requireNonNull(sender, "sender: expected one, found null");
    PrefillTicket ticket = new PrefillTicket(sender);
    submit(request, ticket);
    return ticket;
  }

  /**
   * Takes a request whose prompt another engine computes. When there are pages, {@code receiver}
   * gets pages to be filled; when they are filled, the request goes on here.
   *
   * @param reserve tokens that a request is expected to need soon, at most: the next one gets no
   *     pages before these are sure ({@code --num-reserved-decode-tokens})
   * @throws RequestException as {@link #submit(Request)}
   * @throws IllegalArgumentException if {@code reserve} is negative
   */
  public DecodeTicket decode(Request request, KvReceiver receiver, int reserve) {
    Objects.requireNonNull(receiver, "receiver: expected one, found null");
    Options.check(reserve >= 0, "num-reserved-decode-tokens", "at least 0", reserve);
    DecodeTicket ticket = new DecodeTicket(receiver, reserve);
    submit(request, ticket);
    return ticket;
  }

  private void submit(Request request, Ticket ticket) {
    Objects.requireNonNull(request, "request: expected a request, found null");
    submit(
        List.of(request),
        ticket::maxTokens,
        (r, completion, now) -> {
          ticket.taken(completion, this::post);
          return () -> core.enqueue(r, completion, now, ticket);
        });
  }

  /** Takes places in the queue for {@code n} requests, if there is room. */
  private void enter(int n) {
    synchronized (lock) {
      if (draining) {
        throw closed();
      }
    }
    int most = options.batching().maxQueuedRequests();
    if (n > most) { // trying again would not help
      throw new RequestException(
          RequestException.Kind.INVALID,
          "requests: expected at most max-queued-requests " + most + " together, found " + n);
    }
    int waiting = queued.addAndGet(n);
    if (waiting > most) {
      queued.addAndGet(-n);
      throw new RequestException(
          RequestException.Kind.QUEUE_FULL,
          "the queue is full: "
              + (waiting - n)
              + " requests wait, at most "
              + most
              + " may; try again later");
    }
  }

  /**
   * Empties the prefix cache, for example before a measurement. The next request finds nothing that
   * earlier ones computed, and its answer is the same. As SGLang's {@code flush_cache}, it is
   * refused while a request waits or runs.
   *
   * @return whether the cache was emptied, once the engine has taken note. Do not wait for it
   *     inside an event, which comes on the engine's own thread
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Boolean> flushCache() {
    return ask(done -> done.complete(core.flushCache()));
  }

  /**
   * Empties the prefix cache as {@link #flushCache()} does, but waits for a moment in which no
   * request waits or runs. To give up earlier, complete the future with false.
   *
   * @param patience how long to wait for that moment; the future then becomes false
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Boolean> flushCache(Duration patience) {
    Objects.requireNonNull(patience, "patience: expected a duration, found null");
    long nanos = TimeUnit.NANOSECONDS.convert(patience);
    return this.<Boolean>ask(core::flushWhenIdle)
        .completeOnTimeout(false, nanos, TimeUnit.NANOSECONDS);
  }

  /**
   * Runs a step of every bucket, as the option {@code warmup} does before the first request. It
   * changes no cached row and no answer, and tells no event of a request.
   *
   * @param began takes the rows of each bucket before its first step, on the engine's thread
   * @return whether it did: not while a request waits or runs. Do not wait for it inside an event
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Boolean> warmUp(IntConsumer began) {
    Objects.requireNonNull(began, "began: expected a consumer, found null");
    return ask(done -> done.complete(core.warmUp(began)));
  }

  /**
   * Warms up as {@link #warmUp} does, and waits for it.
   *
   * @return whether it did
   * @throws RequestException if the engine is closed, or stops because memory runs out
   */
  public boolean warmUpNow(IntConsumer began) {
    try {
      return warmUp(began).join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    }
  }

  /**
   * Stops between two steps: from then on nothing is computed until {@link #resume}. Requests may
   * come, be cancelled and reach their deadlines. A pause changes no answer. Closing the engine
   * ends the pause.
   *
   * @param mode what becomes of the requests that are there
   * @return complete once the engine has stopped; do not wait for it inside an event
   * @throws RequestException if the engine is closed, or after {@link #endPauses}
   */
  public CompletableFuture<Void> pause(PauseMode mode) {
    Objects.requireNonNull(mode, "mode: expected a mode of pausing, found null");
    synchronized (lock) {
      if (!pausable) {
        String why = "the engine finishes what it has, and pauses no more";
        throw new RequestException(RequestException.Kind.CLOSED, why);
      }
      return ask(() -> core.pause(mode));
    }
  }

  /**
   * Computes at most so many steps of a paused engine, which stays paused. Between two of them
   * messages are read as always.
   *
   * @return how many steps were computed: fewer if there is nothing left to compute, if a static
   *     batch still fills, or if the pause ends. It fails with a {@link RequestException} if the
   *     engine is not paused. Do not wait for it inside an event
   * @throws IllegalArgumentException if the number is less than 1
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Integer> step(int steps) {
    Options.check(steps >= 1, "steps", "at least 1", steps);
    return ask(done -> core.step(steps, done));
  }

  /**
   * Goes on after a {@link #pause} and refuses any later one: a server that is about to end still
   * takes requests of the calls that it has, and what is paused could never finish. Does nothing if
   * the engine has ended.
   */
  public void endPauses() {
    synchronized (lock) {
      pausable = false;
      post(core::resume);
    }
  }

  /**
   * Goes on after a {@link #pause}; without one, nothing changes.
   *
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Void> resume() {
    return ask(core::resume);
  }

  /**
   * Cancels every request, as {@link Completion#cancel} does for one.
   *
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Void> cancelAll() {
    return ask(() -> core.requests().cancelAll("cancelled"));
  }

  private CompletableFuture<Void> ask(Runnable what) {
    return this.<Void>ask(
        done -> {
          what.run();
          done.complete(null);
        });
  }

  /** Asks the engine's thread for something, which completes the future. */
  private <T> CompletableFuture<T> ask(Consumer<CompletableFuture<T>> what) {
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

  private static RequestException closed() {
    return new RequestException(RequestException.Kind.CLOSED, "the engine is closed");
  }

  private void cancel(Completion completion) {
    post(() -> core.requests().cancel(completion.id(), "cancelled"));
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

  /**
   * Makes the engine's thread read its messages, and starts one if there is none; the caller holds
   * the lock.
   */
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

  /**
   * Works until there has been no work for a while; the next message then starts another thread.
   */
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
            await(pauseMillis());
          }
        }
      }
    } catch (Throwable t) {
      crash(t); // a bug of the engine: fail all requests with it, and stop
    }
  }

  /** How long to wait for a message while no step can be computed. */
  private long pauseMillis() {
    if (core.paused()) {
      return core.pauseMillis();
    }
    if (core.ticketsOnly()) {
      return core.deadlineMillis();
    }
    return core.fetchesOnly() ? core.fetchMillis() : FILLING_MILLIS;
  }

  /** Called by the disk's thread: lets the engine look at what came, if a request waits for it. */
  private void wakeForFetches() {
    if (core.fetching()) {
      post(() -> {});
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
    synchronized (lock) {
      draining = true;
      stopped = true;
    }
    try {
      core.abandon(); // else what comes below could wait for a step that no thread computes
      take();
      while (!taken.isEmpty()) {
        try {
          taken.poll().run(); // requests that have just come must fail too
        } catch (Throwable again) {
          if (again != why) { // the same bug may strike again
            why.addSuppressed(again);
          }
        }
      }
      core.failAll(why);
    } finally {
      end(why);
    }
  }

  /**
   * Says that the engine has ended.
   *
   * @param bug that stopped it; null if it was closed
   */
  private void end(Throwable bug) {
    core.close();
    if (bug == null) {
      end.complete(null);
    } else {
      end.completeExceptionally(bug);
    }
    ended.countDown(); // last: after close() the future is complete
  }

  /**
   * A future of the engine's end: complete once the engine is closed and its last request has
   * ended, failed if a bug stopped it. Work chained to it may run on the engine's own thread.
   */
  public CompletableFuture<Void> ended() {
    return end.copy();
  }

  /**
   * Takes no more requests, finishes those that it has, and ends. If the waiting thread is
   * interrupted, these requests fail instead. If a sink closes its engine, on the engine's own
   * thread, this method does not wait.
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
            () -> core.requests().failAll(new IllegalStateException("the engine was interrupted")));
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Takes no more requests and finishes those that it can in the given time. It cuts the others off
   * as {@link #shutdownNow} does, and ends.
   *
   * @param patience how long requests may go on; zero or less cuts them off at once
   * @return whether no request was cut off; false on the engine's own thread, which cannot wait
   */
  public boolean close(Duration patience) {
    Objects.requireNonNull(patience, "patience: expected a duration, found null");
    boolean finished = false;
    boolean interrupted = false;
    boolean waits = drain();
    if (waits) {
      try {
        finished = ended.await(TimeUnit.NANOSECONDS.convert(patience), TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        interrupted = true; // cut the requests off now
      }
    }
    if (!finished) {
      shutdownNow();
    }
    close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return waits && !cutOff;
  }

  /**
   * Takes no more requests, and cuts off those that it has as soon as possible. Their tokens so far
   * are their answers, and their finish reason is abort. This method does not wait; {@link #close}
   * waits.
   */
  public void shutdownNow() {
    drain();
    post(() -> cutOff |= core.requests().cancelAll("shutdown"));
  }

  /** Takes no more requests; returns whether the calling thread may wait until the engine ends. */
  private boolean drain() {
    synchronized (lock) {
      draining = true;
      boolean own = Thread.currentThread() == thread;
      post(core::resume); // what is paused could never finish
      return !own;
    }
  }

  /** The engine's options. */
  public EngineOptions options() {
    return options;
  }

  /** Requests that were taken and never ran yet. */
  public int waiting() {
    return queued.get();
  }

  /** The longest sequence, in tokens of prompt and answer together. */
  public int contextLength() {
    return core.contextLength();
  }

  /** The context length, or less if the whole KV cache has no room for so long a sequence. */
  public int longest() {
    return core.longest();
  }

  /**
   * Tokens of a page: the page size of the options, rounded up to whole rows of all that the model
   * caches, or the context length, rounded likewise.
   */
  public int pageTokens() {
    return core.pageTokens();
  }

  /**
   * What two engines must have in common beside the model, so that one can go on with the rows of
   * the other: by name, as a user reads it.
   */
  public Map<String, String> kvFormat() {
    return core.kvFormat();
  }

  /** Tokens that the KV cache has room for, in the pool whose rows live longest. */
  public long cacheTokens() {
    return core.cacheTokens();
  }

  /** Whether products multiply rounded rows: activations are FP8, and weights are quantised. */
  public boolean roundsActivations() {
    return core.roundsActivations();
  }

  /** Whether the model caches rows that only a window of later tokens reads. */
  public boolean hasWindows() {
    return core.hasWindows();
  }

  /** The name of the kernels that will compute the next step. */
  public String kernelName() {
    return core.kernelName();
  }

  /** Nanoseconds since the engine's start, by the clock of its events. */
  public long nanos() {
    return System.nanoTime() - start;
  }
}
