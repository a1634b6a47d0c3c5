package orrery.engine;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import orrery.events.EventSink;
import orrery.options.Options;

/**
 * Many requests, one model, one memory. Requests join and leave at every step, and no request's
 * answer depends on other requests (except under a rule that keeps only its distribution: {@link
 * orrery.speculation.SpeculationOptions.Acceptance}).
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

  private final EngineOptions options;
  private final EngineCore core;
  private final EngineThread thread;
  private final Arrivals arrivals;
  private final Lifecycle lifecycle;
  private final long start = System.nanoTime();

  private Engine(
      LoadedModel loaded, EngineOptions options, EventSink sink, Drafters drafters, int keyframes) {
    this.options = options;
    AtomicInteger queued = new AtomicInteger(); // requests that never ran yet
    this.core =
        new EngineCore(
            loaded, options, sink, this::nanos, queued, drafters, keyframes, this::wakeForDisk);
    this.thread = new EngineThread(core);
    this.arrivals = new Arrivals(core, thread, queued, options, sink, this::nanos);
    this.lifecycle = new Lifecycle(core, thread);
  }

  /** Called by the disk's thread: lets the engine look at what came, and give it more to do. */
  private void wakeForDisk() {
    if (core.waitsForDisk()) {
      thread.post(() -> {});
    }
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
    StartCheck.requireSome(loaded, options);
    Drafters drafters = Drafters.of(options.speculation(), loaded.model().vocab());
    return start(loaded, options, sink, drafters, KEYFRAMES, warming);
  }

  /**
   * Checks whether an engine could be started, without starting one; throws if not.
   *
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
   */
  public static void check(LoadedModel loaded, EngineOptions options) {
    StartCheck.requireFit(loaded, options);
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
    StartCheck.requireReady(loaded, options, sink);
    Engine engine = new Engine(loaded, options, sink, drafters, keyframes);
    if (sink.wantsBooks()) {
      engine.thread.post(engine.core::begin); // before any request
    }
    if (options.compute().warmup()) {
      try {
        engine.warmUpNow(warming); // the first request finds an engine that is ready
      } catch (RuntimeException e) {
        engine.close();
        throw e;
      }
    }
    return engine;
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
    return arrivals.submit(requests);
  }

  /**
   * Takes a request that this engine begins: it computes the prompt and decides the first token of
   * each answer. Then it hands over to {@code sender}, and the pages stay until they are sent. The
   * completion has the first tokens as its answers.
   *
   * <p>Nothing is computed before {@link PrefillTicket#bootstrapped}. The request should name a
   * seed, since the other engine must draw with the same one.
   *
   * @throws RequestException as {@link #submit(Request)}
   */
  public PrefillTicket prefill(Request request, KvSender sender) {
    Objects.requireNonNull(sender, "sender: expected one, found null");
    PrefillTicket ticket = new PrefillTicket(sender);
    arrivals.submit(request, ticket);
    return ticket;
  }

  /**
   * Takes a request whose prompt another engine computes. When there is room, {@code receiver} gets
   * pages to be filled; when they are filled, the request goes on here.
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
    arrivals.submit(request, ticket);
    return ticket;
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
    return thread.ask(core::flushCache);
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
    return thread
        .<Boolean>ask(core::flushWhenIdle)
        .completeOnTimeout(false, NANOSECONDS.convert(patience), NANOSECONDS);
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
    return thread.ask(done -> done.complete(core.warmUp(began)));
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
    return lifecycle.pause(mode);
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
    return thread.ask(done -> core.step(steps, done));
  }

  /**
   * Goes on after a {@link #pause} and refuses any later one: a server that is about to end still
   * takes requests of the calls that it has, and what is paused could never finish. Does nothing if
   * the engine has ended.
   */
  public void endPauses() {
    lifecycle.endPauses();
  }

  /**
   * Goes on after a {@link #pause}; without one, nothing changes.
   *
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Void> resume() {
    return thread.ask(core::resume);
  }

  /**
   * Cancels every request, as {@link Completion#cancel} does for one.
   *
   * @throws RequestException if the engine is closed
   */
  public CompletableFuture<Void> cancelAll() {
    return thread.ask(() -> core.requests().cancelAll("cancelled"));
  }

  /**
   * A future of the engine's end: complete once the engine is closed and its last request has
   * ended, failed if a bug stopped it. Work chained to it may run on the engine's own thread.
   */
  public CompletableFuture<Void> ended() {
    return thread.ended();
  }

  /**
   * Takes no more requests, finishes those that it has, and ends. If the waiting thread is
   * interrupted, these requests fail instead. If a sink closes its engine, on the engine's own
   * thread, this method does not wait.
   */
  @Override
  public void close() {
    lifecycle.finish();
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
    return lifecycle.finish(patience);
  }

  /**
   * Takes no more requests, and cuts off those that it has as soon as possible. Their tokens so far
   * are their answers, and their finish reason is abort. This method does not wait; {@link #close}
   * waits.
   */
  public void shutdownNow() {
    lifecycle.cutOff();
  }

  /** The engine's options. */
  public EngineOptions options() {
    return options;
  }

  /** Requests that were taken and never ran yet. */
  public int waiting() {
    return arrivals.waiting();
  }

  /** The longest sequence, in tokens of prompt and answer together. */
  public int contextLength() {
    return core.limits().contextLength();
  }

  /** The context length, or less if the whole KV cache has no room for so long a sequence. */
  public int longest() {
    return core.limits().longest();
  }

  /**
   * Tokens of a page: the page size of the options, rounded up to whole rows of all that the model
   * caches, or the context length, rounded likewise.
   */
  public int pageTokens() {
    return core.facts().pageTokens();
  }

  /** Bytes of a page, in the pool that has the largest ones. */
  public long pageBytes() {
    return core.facts().pageBytes();
  }

  /**
   * What two engines must have in common beside the model, so that one can go on with the rows of
   * the other: by name, as a user reads it.
   */
  public Map<String, String> kvFormat() {
    return core.facts().kvFormat();
  }

  /** Tokens that the KV cache has room for, in the pool whose rows live longest. */
  public long cacheTokens() {
    return core.facts().cacheTokens();
  }

  /** Whether products multiply rounded rows: activations are FP8, and weights are quantised. */
  public boolean roundsActivations() {
    return core.facts().roundsActivations();
  }

  /** Whether the model caches rows that only a window of later tokens reads. */
  public boolean hasWindows() {
    return core.facts().hasWindows();
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
