package orrery.engine;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.batching.View.Limits;
import orrery.engine.StepTimes.Phase;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.prefix.PrefixCache;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingException;
import orrery.speculation.DraftLength;
import orrery.speculation.Drafter;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;
import orrery.speculation.rules.AcceptanceRules;

/** The engine's step: plan, draft, launch, judge, commit. Single-threaded. */
final class StepLoop {
  private final LoadedModel loaded;
  private final EngineOptions options;
  private final EventSink sink;
  private final LongSupplier clock;
  private final int contextLength;
  private final KvCache kv;
  private final PrefixCache prefix;
  private final KvMemory memory;
  private final Queues queues = new Queues();
  private final Requests requests;
  private final Scheduler scheduler;
  private final Team team;
  private final KernelSwitch kernels;
  private final ModelRunner runner;
  private final Step step;
  private final Batch batch;
  private final Speculator speculator;
  private final Judge judge;
  private final int ahead; // slots after the computed tokens that the drafter writes
  private final StepTimes times;
  private long steps;

  /**
   * @param queued number of waiting requests; lowered when a request first runs, or ends before
   *     that
   */
  StepLoop(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      LongSupplier clock,
      AtomicInteger queued,
      Drafters drafters) {
    this.loaded = loaded;
    this.options = options;
    this.sink = sink;
    this.clock = clock;
    Model model = loaded.model();
    this.contextLength = Sizes.contextLength(model, options);
    KvGeometry geometry = Sizes.geometry(model, options, contextLength);
    HeapPlan.of(model, options).require();
    int[] pages =
        Arrays.stream(Sizes.pages(options, geometry, contextLength))
            .mapToInt(Math::toIntExact) // a larger number did not fit the heap
            .toArray();
    KvLayout layout = Sizes.layout(model, options);
    this.kv =
        Heap.making("the KV cache", () -> new KvCache(layout, geometry, contextLength, pages));
    int chunk = Sizes.chunk(options, contextLength);
    int logitRows = Sizes.logitRows(options);
    int maxRows = Math.addExact(chunk, logitRows);
    SpeculationOptions speculation = options.speculation();
    DraftLength length = DraftLengths.of(speculation);
    this.prefix = options.newPrefixCache(kv);
    this.memory = new KvMemory(kv, prefix, sink, clock);
    this.times = new StepTimes(clock);
    this.requests = new Requests(loaded, contextLength, queues, memory, sink, clock, queued);
    this.team = new Team(options.threads());
    this.kernels = new KernelSwitch(options.kernels());
    this.runner = new ModelRunner(model, kv, team, maxRows, logitRows, options.graph());
    this.step = new Step(maxRows, options.maxRunning() + 1, options.threads(), new ScalarKernels());
    this.batch = new Batch(step, kv.newTable());
    Sampler sampler = new Sampler(model.vocab(), loaded.eos());
    Drafter drafter = drafters.make(runner, step, kv, sampler);
    this.speculator = new Speculator(drafter, length);
    this.judge = new Judge(AcceptanceRules.of(speculation, sampler), length.most(), sink, clock);
    this.ahead = drafter.ahead();
    Limits limits = new Limits(options.maxRunning(), chunk, maxRows);
    this.scheduler = new Scheduler(options.newPolicy(), kv, prefix, limits, ahead);
  }

  int contextLength() {
    return contextLength;
  }

  int pages() {
    return kv.pool(0).total() - 1;
  }

  String kernelName() {
    return step.kernels().name();
  }

  Requests requests() {
    return requests;
  }

  boolean idle() {
    return queues.isEmpty();
  }

  /** Refuses a request that can never be answered; any thread may call this. */
  void requirePossible(Request r) {
    try {
      Sizes.requirePossible(r, loaded.model(), kv, contextLength);
    } catch (IllegalArgumentException e) {
      throw new RequestException(RequestException.Kind.INVALID, e.getMessage(), e);
    }
  }

  /** Computes one step; returns false if the policy has nothing to compute now. */
  boolean step() {
    long begin = times.begin();
    requests.cutOffLate(begin);
    if (idle()) {
      return true;
    }
    speculator.offer(queues, requests);
    StepPlan plan = scheduler.plan(queues, TimeUnit.NANOSECONDS.toMillis(begin));
    apply(plan);
    if (plan.rows().isEmpty()) {
      if (!queues.running().isEmpty()) {
        throw new IllegalStateException("the policy planned nothing while sequences run");
      }
      return false;
    }
    reserve(plan);
    times.mark(Phase.PLAN);
    speculator.draft(plan, requests);
    List<Segment> segments = batch.fill(plan, requests);
    step.kernels(kernels.next(step.rows()));
    times.mark(Phase.DRAFT);
    Forward forward = run();
    times.mark(Phase.LAUNCH);
    judge(segments, forward);
    times.mark(Phase.JUDGE);
    speculator.follow(segments, forward.hidden(), queues, requests);
    times.mark(Phase.FOLLOW);
    commit(segments, forward);
    long end = times.mark(Phase.COMMIT);
    speculator.observe(segments, judge, end - begin);
    sink.accept(times.report(steps++, plan, segments, queues, kv.pool(0)));
    if (sink.wantsPageMap()) {
      sink.accept(new Event.PageMap(end, 0, memory.holders(0, queues.running())));
    }
    assert balanced();
    return true;
  }

  private Forward run() {
    try {
      return runner.run(step);
    } catch (OutOfMemoryError e) { // a bucket's buffers are made when they are first needed
      throw Heap.during("computing a step of " + step.rows() + " rows", e);
    }
  }

  /**
   * Checks the accounts of pages with {@link Invariants}; true if they balance, else an exception.
   */
  boolean balanced() {
    return Invariants.hold(kv, prefix, queues);
  }

  /** Retracts and admits sequences as the plan says. */
  private void apply(StepPlan plan) {
    for (int id : plan.retract()) {
      Choice c = requests.choice(id);
      Sequence s = c.sequence;
      int lost = s.computed();
      memory.leave(s, true);
      queues.retract(s);
      c.retracted();
      sink.accept(new Event.Retracted(clock.getAsLong(), s.request, s.id, lost));
    }
    for (int id : plan.admit()) {
      Choice c = requests.choice(id);
      Sequence s = c.sequence;
      int hit = memory.start(s);
      queues.admit(s);
      requests.started(c.request);
      c.started(speculator.drafter(), Math.min(hit, s.promptLength));
      sink.accept(new Event.Admitted(clock.getAsLong(), s.request, s.id, hit, s.retractions()));
    }
  }

  /** Reserves pages for the plan's rows, with those of drafts. */
  private void reserve(StepPlan plan) {
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = requests.choice(rows.id()).sequence;
      memory.reserve(s, s.computed() + rows.count() + ahead);
    }
  }

  /** Decides the tokens of all segments. */
  private void judge(List<Segment> segments, Forward forward) {
    judge.clear();
    for (Segment segment : segments) {
      if (alive(segment)) {
        attempt(segment, () -> judge.judge(segment, forward));
      }
    }
  }

  /** Whether the segment's request goes on: another choice of it may have failed in this step. */
  private boolean alive(Segment segment) {
    return requests.choice(segment.choice().sequence.id) != null;
  }

  /** Runs {@code what}; a {@link SamplingException} fails the segment's request and no other. */
  private void attempt(Segment segment, Runnable what) {
    try {
      what.run();
    } catch (SamplingException e) {
      requests.fail(segment.choice().request, e);
    }
  }

  /** Keeps the step's rows: from now on other requests may share the pages of sound segments. */
  private void commit(List<Segment> segments, Forward forward) {
    for (Segment segment : segments) {
      if (alive(segment)) {
        attempt(segment, () -> commit(segment, forward.logits()));
      }
    }
  }

  private void commit(Segment segment, Buffer logits) {
    Choice c = segment.choice();
    memory.trim(c.sequence, c.sequence.computed() + ahead);
    memory.keep(c.sequence, speculator.complete(c));
    if (segment.logitRow() >= 0) {
      forkOthers(c, logits.data, logits.row(segment.logitRow()));
    }
    if (c.finished()) {
      requests.finish(c);
    }
  }

  /**
   * After a prompt is computed, makes the other choices: they share its pages, or wait if there is
   * no room.
   */
  private void forkOthers(Choice first, float[] logits, int offset) {
    Active a = first.request;
    if (a.forked) {
      return;
    }
    a.forked = true;
    Sequence from = first.sequence;
    for (int n = 1; n < a.request.params().n(); n++) {
      Choice c = requests.newChoice(a, n, from.arrival);
      Sequence s = c.sequence;
      judge.emit(c, logits, offset, 0);
      if (c.finished()) {
        requests.finish(c);
        continue;
      }
      queues.enqueue(s);
      if (queues.running().size() < options.maxRunning()
          && scheduler.mayFork(queues, from, TimeUnit.NANOSECONDS.toMillis(clock.getAsLong()))
          && memory.fork(from, s)) {
        queues.admit(s);
        c.forked(speculator.drafter(), first);
        sink.accept(new Event.Forked(clock.getAsLong(), s.request, s.id, from.id, from.computed()));
      }
    }
  }

  void close() {
    team.close();
  }
}
