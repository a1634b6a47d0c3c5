package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.batching.View.Limits;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.Keyframe;
import orrery.graph.ActivationDtype;
import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.kernels.KernelSwitch;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.kv.Stream;
import orrery.model.Fp8Activations;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.offload.RowOrigin;
import orrery.prefix.PrefixCache;
import orrery.sampling.Sampler;
import orrery.speculation.DraftLength;
import orrery.speculation.Drafter;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;
import orrery.speculation.rules.AcceptanceRules;

/**
 * What stands behind the engine's inbox: makes every part of an engine from the options, and joins
 * them to the loop. The name is vLLM's ({@code v1/engine/core.py}).
 */
final class EngineCore {
  private static final long LONGEST_WAIT = 60_000; // milliseconds

  private final LoadedModel loaded;
  private final Model model; // with the activations that the options ask for
  private final int contextLength;
  private final int maxRunning;
  private final long room; // bytes of the heap for requests
  private final KvCache kv;
  private final PrefixCache prefix;
  private final Queues queues = new Queues();
  private final KvMemory memory;
  private final Fetches fetches;
  private final Requests requests;
  private final Team team;
  private final Workspace workspace;
  private final EventSink sink;
  private final LongSupplier clock;
  private final TokenTexts texts;
  private final BookKeeper books;
  private final Loop loop;
  private final List<CompletableFuture<Boolean>> flushes = new ArrayList<>(); // asked for, waiting
  private final SingleSteps steps = new SingleSteps(); // asked for, during a pause
  private Planner planner; // the loop's
  private WarmUp warmUp; // the loop's
  private Handovers handovers; // the loop's
  private boolean paused;

  /**
   * @param queued number of waiting requests; lowered when a request first runs, or ends before
   *     that
   * @param wake tells the engine's thread that something has come from files, or gone there
   * @param keyframes how many steps lie between two {@link Keyframe}s, for sinks that want them
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
    LongAdder events = new LongAdder();
    this.loaded = loaded;
    this.sink = sink.wantsBooks() ? sink.and(event -> events.increment()) : sink;
    this.clock = clock;
    this.model = Fp8Activations.of(loaded.model(), options.compute().activationDtype());
    this.contextLength = Sizes.contextLength(model, options);
    this.maxRunning = options.batching().maxRunningRequests();
    HostMemory host = Sizes.hostMemory(model, options);
    host.require(); // before the heap: it is checked against what is left of it
    this.room = HeapPlan.of(model, options).room(model);
    CompletableFuture<String> fingerprint = PrefixCaches.fingerprint(loaded, options, host);
    this.kv = cache(model, options, contextLength);
    PrefixCaches caches = new PrefixCaches(kv, options, host, clock, wake);
    this.prefix = Heap.making(host.words(), () -> caches.make(fingerprint));
    try {
      this.memory = new KvMemory(kv, prefix, this.sink, clock);
      this.texts = new TokenTexts(loaded.tokenizer(), model.vocab(), sink.wantsBooks());
      int pageTokens = kv.geometry().pageTokens();
      this.fetches = new Fetches(prefix, pageTokens, options.offload(), this.sink, clock);
      this.requests =
          new Requests(loaded, contextLength, queues, memory, fetches, this.sink, clock, queued);
      this.books = books(options, keyframes, events);
      this.team = new Team(options.compute().threads());
    } catch (Throwable e) {
      prefix.close(); // else its threads would stay, and host memory
      throw e;
    }
    try {
      this.workspace = new Workspace(options.compute().threads(), new ScalarKernels());
      this.loop = loop(options, drafters);
    } catch (Throwable e) {
      team.close(); // else its threads would stay
      prefix.close();
      throw e;
    }
  }

  private BookKeeper books(EngineOptions options, int every, LongAdder events) {
    PoolReport pools = memory.pools();
    KeyframeReader reader =
        new KeyframeReader(loaded.directory(), options, kv, prefix, queues, pools, () -> paused);
    return new BookKeeper(kv, prefix, queues, pools, reader, every, events, sink, clock);
  }

  private static KvCache cache(Model model, EngineOptions options, int contextLength) {
    KvGeometry geometry = Sizes.geometry(model, options, contextLength);
    HeapPlan.of(model, options).require();
    int[] pages =
        Arrays.stream(Sizes.pages(options, geometry, contextLength))
            .mapToInt(Math::toIntExact) // a larger number did not fit the heap
            .toArray();
    KvLayout layout = Sizes.layout(model, options);
    return Heap.making("the KV cache", () -> new KvCache(layout, geometry, contextLength, pages));
  }

  private Loop loop(EngineOptions options, Drafters drafters) {
    int chunk = Sizes.chunk(options, contextLength);
    int logitRows = Sizes.logitRows(options);
    int maxRows = Math.addExact(chunk, logitRows);
    SpeculationOptions speculation = options.speculation();
    DraftLength length = DraftLengths.of(speculation);
    Sampler sampler = new Sampler(model.vocab(), loaded.eos());

    ModelRunner runner =
        new ModelRunner(
            model,
            kv,
            team,
            maxRows,
            logitRows,
            options.compute().graph(),
            options.compute().fusion());
    Step step = new Step(maxRows, maxRunning + 1, workspace); // one more for the padding
    KernelSwitch kernels =
        new KernelSwitch(
            options.compute().kernels(), model.info().activeParameters(), loaded.rehearsal());
    boolean mtp = speculation.algorithm() == SpeculationOptions.Algorithm.MTP;
    Drafter drafter =
        drafters.make(runner, () -> new Step(maxRows, maxRunning, workspace), kv, sampler);
    warmUp =
        new WarmUp(
            runner,
            step,
            kernels,
            workspace,
            kv.newTable(),
            contextLength,
            logitRows,
            mtp,
            drafter,
            length.most(),
            maxRunning);
    Speculator speculator = new Speculator(drafter, length);
    Decider decider =
        new Decider(
            team, () -> AcceptanceRules.of(speculation, new Sampler(model.vocab(), loaded.eos())));
    Judge judge = new Judge(decider.synthetic(), length.most(), texts, sink, clock);
    Limits limits = new Limits(maxRunning, chunk);
    Scheduler scheduler =
        new Scheduler(
            options.batching().newPolicy(),
            kv,
            prefix,
            limits,
            speculator.ahead(),
            speculator.margin());

    planner = new Planner(scheduler, queues, requests, memory, fetches, speculator, sink, clock);
    Batch batch = new Batch(kv);
    PromptScorer scorer = new PromptScorer(runner, requests);
    Settler settler =
        new Settler(
            decider,
            judge,
            speculator,
            scheduler,
            queues,
            requests,
            memory,
            books,
            maxRunning,
            sink,
            clock);
    handovers =
        new Handovers(
            queues,
            requests,
            memory,
            scheduler,
            speculator,
            settler,
            texts,
            maxRunning,
            sink,
            clock);
    if (options.compute().overlap()) {
      Step other = new Step(maxRows, maxRunning + 1, workspace);
      Compute compute = new Compute(kernels, workspace, runner, decider, clock);
      return new OverlapLoop(
          requests, planner, speculator, batch, scorer, step, other, compute, settler, kv, clock);
    }
    return new StepLoop(
        requests,
        planner,
        speculator,
        batch,
        kernels,
        workspace,
        runner,
        scorer,
        step,
        settler,
        clock);
  }

  /** Begins the books, before anything happens. */
  void begin() {
    books.begin(texts);
  }

  int contextLength() {
    return contextLength;
  }

  /** The most tokens of a sequence for which the empty cache has room. */
  int longest() {
    return Sizes.longest(kv, contextLength, loop.margin());
  }

  /** P. */
  int pageTokens() {
    return kv.geometry().pageTokens();
  }

  /** All that a cached row, or its place in a page, depends on beside the model and the tokens. */
  Map<String, String> kvFormat() {
    ActivationDtype activations = roundsActivations() ? ActivationDtype.FP8 : ActivationDtype.F32;
    Map<String, String> format =
        new LinkedHashMap<>(RowOrigin.properties(activations, kv.layout(), pageTokens()));
    format.put("vocabulary", Integer.toString(model.vocab()));
    format.put("slots ahead", Integer.toString(handovers.ahead()));
    return format;
  }

  /** Tokens that the pool whose rows live longest has room for; one page is the dummy. */
  long cacheTokens() {
    return (kv.pool(0).total() - 1L) * kv.geometry().span(0);
  }

  /** Whether products multiply rounded rows. */
  boolean roundsActivations() {
    return model instanceof Fp8Activations && Fp8Activations.matter(loaded.model());
  }

  /** Whether a pool keeps only a window. */
  boolean hasWindows() {
    return Arrays.stream(kv.layout().pools()).anyMatch(keeps -> keeps != Stream.ALL);
  }

  String kernelName() {
    return workspace.kernels().name();
  }

  Requests requests() {
    return requests;
  }

  /** Takes a request that begins in one engine and goes on in another. */
  void enqueue(Request request, Completion completion, long submitted, Handover handover) {
    handovers.enqueue(handover, requests.arrive(request, completion, submitted, handover));
  }

  /** Whether no request is in the engine, and no step is on its way. */
  boolean idle() {
    return queues.isEmpty() && handovers.isEmpty() && loop.settled();
  }

  /** Empties the prefix cache; returns false, and does nothing, if a sequence runs or waits. */
  boolean flushCache() {
    settleIfEmpty();
    boolean idle = idle();
    if (idle) {
      memory.flush();
      books.flushed();
    }
    return idle;
  }

  /** Settles a step on its way whose sequences have all ended. */
  private void settleIfEmpty() {
    if (queues.isEmpty()) {
      loop.settle();
    }
  }

  /** Empties the prefix cache as soon as no sequence runs or waits, and says so. */
  void flushWhenIdle(CompletableFuture<Boolean> flushed) {
    flushes.removeIf(CompletableFuture::isDone); // no caller waits for these any more
    flushes.add(flushed);
  }

  /**
   * Runs a step of every bucket, unless a sequence runs or waits.
   *
   * @param began takes the rows of each bucket, before its first step
   * @return whether it did
   */
  boolean warmUp(IntConsumer began) {
    settleIfEmpty();
    boolean idle = idle();
    if (idle) {
      warmUp.run(began);
    }
    return idle;
  }

  /** Gives up a step on its way, since the engine cannot go on. */
  void abandon() {
    loop.abandon();
  }

  /** Fails everything that a caller waits for, since the engine cannot go on. */
  void failAll(Throwable why) {
    flushes.forEach(flushed -> flushed.completeExceptionally(Requests.stopped(why)));
    steps.fail(Requests.stopped(why));
    requests.failAll(why);
  }

  /**
   * Computes no step until {@link #resume}.
   *
   * @param mode what becomes of the requests that are there
   */
  void pause(PauseMode mode) {
    loop.settle();
    paused = true;
    sink.accept(new Event.Paused(clock.getAsLong()));
    switch (mode) {
      case IN_PLACE -> {}
      case RETRACT -> List.copyOf(queues.running()).forEach(planner::retract);
      case ABORT -> requests.cancelAll("paused");
    }
  }

  boolean paused() {
    return paused;
  }

  /** Whether rows come from files for a sequence that waits; any thread may ask. */
  boolean fetching() {
    return fetches.any();
  }

  /** Whether nothing can be computed until rows have come from files. */
  boolean fetchesOnly() {
    return fetches.any() && queues.running().isEmpty() && queues.ready().isEmpty();
  }

  /** Milliseconds until a sequence that waits for files is to be looked at without a message. */
  long fetchMillis() {
    long next = Math.min(fetches.nextEnd(), requests.nextDeadline());
    return Math.clamp((next - clock.getAsLong()) / 1_000_000 + 1, 1, LONGEST_WAIT);
  }

  /** Whether all requests wait for another engine, from which a message will come. */
  boolean handoversOnly() {
    return !handovers.isEmpty() && queues.isEmpty() && loop.settled();
  }

  /** Milliseconds until a deadline is to be looked at without a message. */
  long deadlineMillis() {
    long nanos = requests.nextDeadline() - clock.getAsLong();
    return Math.clamp(nanos / 1_000_000 + 1, 1, LONGEST_WAIT);
  }

  /** Saves what should outlive the process, before the engine's thread ends. */
  void save() {
    prefix.rest();
  }

  /** Waits for what is being saved, and tells of it; the engine takes nothing any more. */
  void drain() {
    if (prefix.drain()) {
      prefix.tiers(clock.getAsLong()).forEach(sink::accept);
    }
  }

  /** Milliseconds until something is to be done without a message, though the engine is paused. */
  long pauseMillis() {
    return idle() ? 1 : deadlineMillis();
  }

  /** Computes some steps of a paused engine; the future gets the number of those computed. */
  void step(int most, CompletableFuture<Integer> done) {
    if (paused) {
      steps.ask(most, done);
    } else {
      String why = "step: expected a paused engine, found one that is not; pause it first";
      done.completeExceptionally(new RequestException(RequestException.Kind.INVALID, why));
    }
  }

  /** Ends a pause, if there is one. */
  void resume() {
    if (paused) {
      paused = false;
      steps.end();
      sink.accept(new Event.Resumed(clock.getAsLong()));
    }
  }

  /** Says how things stand while there is no step to say it, and does what had to wait for that. */
  void rest() {
    assert balanced();
    if (idle()) {
      steps.end();
      flushes.stream().filter(f -> !f.isDone()).forEach(f -> f.complete(flushCache()));
      flushes.clear();
    }
    long now = clock.getAsLong();
    books.resting(now);
    prefix.tiers(now).forEach(sink::accept);
    List<Event.PoolPages> pools = memory.pools().step();
    sink.accept(new Event.Idle(now, queues.running().size(), queues.waitingCount(), pools));
    books.rested(now);
  }

  /** Computes one step; returns false if there is nothing to compute now. */
  boolean step() {
    if (paused && !steps.wanted()) {
      if (requests.cutOffLate(clock.getAsLong())) {
        rest(); // else nothing would say that their pages are free
      }
      return false;
    }
    handovers.advance(loop);
    if (queues.isEmpty() && loop.settled()) { // all that is here waits for another engine
      requests.cutOffLate(clock.getAsLong());
      steps.end();
      assert balanced();
      return false;
    }
    long before = books.steps();
    boolean progress = loop.step();
    if (paused) {
      loop.settle(); // a single step is a whole one
    }
    assert balanced();
    if (paused && books.steps() > before) {
      steps.computed();
    } else if (paused) {
      steps.end();
    }
    return progress;
  }

  /**
   * Refuses requests that can never be answered; any thread may call this.
   *
   * @param maxTokens of the most tokens of an answer, how many are computed in this engine
   */
  void requirePossible(List<Request> together, IntUnaryOperator maxTokens) {
    try {
      for (Request r : together) {
        int here = maxTokens.applyAsInt(r.params().maxTokens());
        Sizes.requirePossible(r, here, model, kv, contextLength, loop.margin(), room);
        PromptScores.requirePossible(r, maxRunning, room);
      }
      Sizes.requireFewLogprobs(together, contextLength, room);
    } catch (IllegalArgumentException e) {
      throw new RequestException(RequestException.Kind.INVALID, e.getMessage(), e);
    }
  }

  /**
   * Checks the accounts of pages with {@link Invariants}; true if they balance, else an exception.
   */
  boolean balanced() {
    return Invariants.hold(kv, prefix, queues, loop.margin());
  }

  void close() {
    loop.close(); // first: a step on its way works with the team
    team.close();
    prefix.close(); // last: a step may have waited for rows
  }
}
