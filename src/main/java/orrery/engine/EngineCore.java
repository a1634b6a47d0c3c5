package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.Keyframe;

/**
 * What stands behind the engine's inbox: makes the parts of an engine, and computes one step after
 * the other with them, unless it is paused. The name is vLLM's ({@code v1/engine/core.py}).
 */
final class EngineCore {
  private static final long FILLING_MILLIS = 1; // between checks of a waiting static batch
  private static final long LONGEST_WAIT = 60_000; // milliseconds

  private final EngineState state;
  private final ComputeParts compute;
  private final LoopParts parts;
  private final Loop loop;
  private final Queues queues;
  private final Requests requests;
  private final RequestLimits limits;
  private final CacheFacts facts;
  private final Pause pause = new Pause();
  private final List<CompletableFuture<Boolean>> flushes = new ArrayList<>(); // asked for, waiting
  private final List<CompletableFuture<Boolean>> flushed = new ArrayList<>(); // done, not yet told

  /**
   * @param queued number of waiting requests; lowered when a request first runs, or ends before
   *     that
   * @param keyframes how many steps lie between two {@link Keyframe}s, for sinks that want them
   * @param wake tells the engine's thread that something has come from files, or gone there
   * @throws IllegalArgumentException if an option does not fit the model, or would take more memory
   *     than there is
   */
  EngineCore(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      LongSupplier clock,
      AtomicInteger queued,
      Drafters drafters,
      int keyframes,
      Runnable wake) {
    this.state = new EngineState(loaded, options, sink, clock, queued, keyframes, pause::on, wake);
    try {
      this.compute = new ComputeParts(state, options, drafters);
    } catch (Throwable e) {
      state.close(); // else threads would stay, and host memory
      throw e;
    }
    try {
      this.parts = new LoopParts(state, compute, options);
    } catch (Throwable e) {
      compute.close();
      state.close();
      throw e;
    }
    this.loop = parts.loop;
    this.queues = state.queues;
    this.requests = state.requests;
    int running = options.batching().maxRunningRequests();
    int vocab = state.model.vocab();
    this.limits =
        new RequestLimits(
            state.kv, vocab, state.contextLength, running, compute.speculator.margin(), state.room);
    this.facts = new CacheFacts(state, compute.speculator.ahead());
  }

  /** Begins the books, before anything happens. */
  void begin() {
    state.books.begin(state.texts);
  }

  RequestLimits limits() {
    return limits;
  }

  CacheFacts facts() {
    return facts;
  }

  String kernelName() {
    return compute.kernelName();
  }

  Requests requests() {
    return requests;
  }

  /** Takes a request that begins in one engine and goes on in another. */
  void enqueue(Request request, Completion completion, long submitted, Ticket ticket) {
    Choice first = requests.arrive(request, completion, submitted, ticket);
    parts.tickets.enqueue(ticket, first);
  }

  /** Whether no request is in the engine, and no step is on its way. */
  boolean idle() {
    return queues.isEmpty() && parts.tickets.isEmpty() && loop.settled();
  }

  /** Computes one step; returns false if there is nothing to compute now. */
  boolean step() {
    if (pause.holds()) {
      if (requests.cutOffLate(now())) {
        rest(); // else nothing would say that their pages are free
      }
      return false;
    }
    parts.tickets.advance(loop);
    if (queues.isEmpty() && loop.settled()) { // all that is here waits for another engine
      requests.cutOffLate(now());
      pause.endSteps();
      assert balanced();
      return false;
    }
    long before = state.books.steps();
    boolean progress = loop.step();
    answerFlushed();
    if (pause.on()) {
      loop.settle(); // a single step is a whole one
    }
    assert balanced();
    if (pause.on() && state.books.steps() > before) {
      pause.computed();
    } else if (pause.on()) {
      pause.endSteps();
    }
    return progress;
  }

  /** Says how things stand while there is no step to say it, and does what had to wait for that. */
  void rest() {
    assert balanced();
    boolean idle = idle();
    if (idle) {
      flushes.stream().filter(f -> !f.isDone()).forEach(this::flushCache); // others have given up
      flushes.clear();
    }
    tellRest();
    if (idle) {
      pause.endSteps();
    }
    answerFlushed();
  }

  /** A caller has its answer when the events have told what it asked for. */
  private void answerFlushed() {
    flushed.forEach(f -> f.complete(true));
    flushed.clear();
  }

  private void tellRest() {
    long now = now();
    state.books.resting(now);
    tellTiers(now);
    List<Event.PoolPages> pools = state.memory.pools().step();
    tell(new Event.Idle(now, queues.running().size(), queues.waitingCount(), pools));
    state.books.rested(now);
  }

  /** Milliseconds to wait for a message while no step can be computed. */
  long waitMillis() {
    if (pause.on()) {
      return idle() ? 1 : millisUntil(requests.nextDeadline());
    }
    if (queues.isEmpty() && loop.settled() && !parts.tickets.isEmpty()) {
      return millisUntil(requests.nextDeadline()); // the other engine sends a message
    }
    boolean fetchesOnly =
        state.fetches.any() && queues.running().isEmpty() && queues.ready().isEmpty();
    return fetchesOnly
        ? millisUntil(Math.min(state.fetches.nextEnd(), requests.nextDeadline()))
        : FILLING_MILLIS;
  }

  private long millisUntil(long nanos) {
    return Math.clamp((nanos - now()) / 1_000_000 + 1, 1, LONGEST_WAIT);
  }

  /** Whether the disk's thread must wake the engine; any thread may ask. */
  boolean waitsForDisk() {
    return state.fetches.any() || state.prefix.owes();
  }

  /**
   * Empties the prefix cache; the answer is false, and nothing done, if a sequence runs or waits.
   */
  void flushCache(CompletableFuture<Boolean> done) {
    if (ifIdle(state::flush)) {
      flushed.add(done);
    } else {
      done.complete(false);
    }
  }

  /** Empties the prefix cache as soon as no sequence runs or waits, and says so. */
  void flushWhenIdle(CompletableFuture<Boolean> done) {
    flushes.removeIf(CompletableFuture::isDone); // no caller waits for these any more
    flushes.add(done);
  }

  /**
   * Runs a step of every bucket, unless a sequence runs or waits.
   *
   * @param began takes the rows of each bucket, before its first step
   * @return whether it did
   */
  boolean warmUp(IntConsumer began) {
    return ifIdle(() -> parts.warmUp.run(began));
  }

  /** Does something unless a sequence runs or waits; returns whether it did. */
  private boolean ifIdle(Runnable what) {
    if (queues.isEmpty()) {
      loop.settle(); // the sequences of a step on its way have all ended
    }
    boolean idle = idle();
    if (idle) {
      what.run();
    }
    return idle;
  }

  /**
   * Computes no step until {@link #resume}.
   *
   * @param mode what becomes of the requests that are there
   */
  void pause(PauseMode mode) {
    loop.settle();
    pause.begin();
    tell(new Event.Paused(now()));
    switch (mode) {
      case IN_PLACE -> {}
      case RETRACT -> List.copyOf(queues.running()).forEach(parts.planner::retract);
      case ABORT -> requests.cancelAll("paused");
    }
  }

  /** Computes some steps of a paused engine; the future gets the number of those computed. */
  void step(int most, CompletableFuture<Integer> done) {
    if (pause.on()) {
      pause.ask(most, done);
    } else {
      String why = "step: expected a paused engine, found one that is not; pause it first";
      done.completeExceptionally(new RequestException(RequestException.Kind.INVALID, why));
    }
  }

  /** Ends a pause, if there is one. */
  void resume() {
    if (pause.end()) {
      tell(new Event.Resumed(now()));
    }
  }

  /** Saves what should outlive the process, before the engine's thread ends. */
  void save() {
    state.prefix.rest();
  }

  /** Waits for what is being saved, and tells of it; the engine takes nothing any more. */
  void drain() {
    if (state.prefix.drain()) {
      tellTiers(now());
    }
  }

  private void tellTiers(long now) {
    state.prefix.tiers(now).forEach(state.sink::accept);
  }

  /** Gives up a step on its way, since the engine cannot go on. */
  void abandon() {
    loop.abandon();
  }

  /** Fails everything that a caller waits for, since the engine cannot go on. */
  void failAll(Throwable why) {
    flushes.forEach(f -> f.completeExceptionally(Requests.stopped(why)));
    flushed.forEach(f -> f.completeExceptionally(Requests.stopped(why)));
    pause.fail(Requests.stopped(why));
    requests.failAll(why);
  }

  void close() {
    loop.close(); // first: a step on its way works with the team
    compute.close();
    state.close(); // last: a step may have waited for rows
  }

  private boolean balanced() {
    return state.balanced(limits.margin());
  }

  private void tell(Event event) {
    state.sink.accept(event);
  }

  private long now() {
    return state.clock.getAsLong();
  }
}
