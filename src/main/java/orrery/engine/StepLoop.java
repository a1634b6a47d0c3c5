package orrery.engine;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.batching.View.Limits;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvGeometry;
import orrery.kv.PageTable;
import orrery.model.Forward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.prefix.PrefixCache;
import orrery.sampling.Sampler;
import orrery.sampling.SamplingException;

/** The engine's step: plan, launch, judge, commit. Single-threaded. */
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
  private final PageTable padding; // all dummy pages
  private final Sampler sampler;
  private long steps;

  /**
   * @param queued is lowered when a request first runs, or ends before
   */
  StepLoop(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      LongSupplier clock,
      AtomicInteger queued) {
    this.loaded = loaded;
    this.options = options;
    this.sink = sink;
    this.clock = clock;
    Model model = loaded.model();
    this.contextLength = Sizes.contextLength(model, options);
    KvGeometry geometry = Sizes.geometry(model, options, contextLength);
    int[] pages = Sizes.pages(options, geometry, contextLength);
    this.kv = new KvCache(model.kvLayout(), geometry, contextLength, pages);
    this.prefix = options.newPrefixCache(kv);
    this.memory = new KvMemory(kv, prefix, sink, clock);
    this.requests = new Requests(loaded, contextLength, queues, memory, sink, clock, queued);
    int chunk = Sizes.chunk(options, contextLength);
    int maxRows = chunk + options.maxRunning();
    this.scheduler =
        new Scheduler(
            options.newPolicy(), kv, prefix, new Limits(options.maxRunning(), chunk, maxRows));
    this.team = new Team(options.threads());
    this.kernels = new KernelSwitch(options.kernels());
    this.runner = new ModelRunner(model, kv, team, maxRows, options.graph());
    this.step = new Step(maxRows, options.maxRunning() + 1, options.threads(), new ScalarKernels());
    this.padding = kv.newTable();
    this.sampler = new Sampler(model.vocab(), loaded.eos());
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

  /** Refuses what can never be answered; safe to call from any thread. */
  void requirePossible(Request r) {
    try {
      Sizes.requirePossible(r, loaded.model(), kv, contextLength);
    } catch (IllegalArgumentException e) {
      throw new RequestException(RequestException.Kind.INVALID, e.getMessage(), e);
    }
  }

  /** One step; false if the policy has nothing to compute now. */
  boolean step() {
    long begin = clock.getAsLong();
    requests.cutOffLate(begin);
    if (idle()) {
      return true;
    }
    StepPlan plan = scheduler.plan(queues, TimeUnit.NANOSECONDS.toMillis(begin));
    apply(plan);
    if (plan.rows().isEmpty()) {
      if (!queues.running().isEmpty()) {
        throw new IllegalStateException("the policy planned nothing while sequences run");
      }
      return false;
    }
    fill(plan);
    step.kernels(kernels.next(step.rows()));
    long launched = clock.getAsLong();
    Forward forward = runner.run(step);
    long judged = clock.getAsLong();
    int[] rows = commit(plan, forward);
    report(plan, rows, begin, launched, judged);
    assert balanced();
    return true;
  }

  /** Whether the books of pages balance; throws naming what does not. */
  boolean balanced() {
    return Invariants.hold(kv, prefix, queues);
  }

  /** Retracts and admits. */
  private void apply(StepPlan plan) {
    for (int id : plan.retract()) {
      Sequence s = requests.choice(id).sequence;
      int lost = s.computed();
      memory.leave(s, true);
      queues.retract(s);
      sink.accept(new Event.Retracted(clock.getAsLong(), s.request, s.id, lost));
    }
    for (int id : plan.admit()) {
      Choice c = requests.choice(id);
      Sequence s = c.sequence;
      int hit = memory.start(s);
      queues.admit(s);
      requests.started(c.request);
      c.started(Math.min(hit, s.promptLength));
      sink.accept(new Event.Admitted(clock.getAsLong(), s.request, s.id, hit, s.retractions()));
    }
  }

  /** Reserves pages for the plan's rows and puts them into the step. */
  private void fill(StepPlan plan) {
    step.clear();
    int index = 0;
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = requests.choice(rows.id()).sequence;
      memory.reserve(s, s.computed() + rows.count());
      step.tables[index] = s.table();
      for (int p = s.computed(); p < s.computed() + rows.count(); p++) {
        step.add(s.tokens()[p], p, index, p == s.known() - 1);
        furthest = Math.max(furthest, p);
      }
      index++;
    }
    step.tables[index] = padding;
    for (int i = 0; i < plan.padding(); i++) {
      step.add(0, furthest, index, false); // as long as the batch, like a padded row
    }
  }

  /** Samples, then makes the step's rows count; returns prefill and decode rows. */
  private int[] commit(StepPlan plan, Forward forward) {
    int[] counts = new int[2];
    int row = 0;
    int logitRow = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      int lastRow = row + rows.count() - 1;
      boolean last = logitRow < step.logitRows() && step.logitRow[logitRow] == lastRow;
      Choice c = requests.choice(rows.id());
      if (c != null) { // else another choice of its request failed in this very step
        Sequence s = c.sequence;
        boolean decode = rows.count() == 1 && last && s.output() > 0;
        counts[decode ? 1 : 0] += rows.count();
        commit(c, rows.count(), forward, lastRow, last ? logitRow : -1);
      }
      row += rows.count();
      logitRow += last ? 1 : 0;
    }
    return counts;
  }

  /** Commits the rows of one sequence; {@code logitRow} is -1 if its prompt goes on. */
  private void commit(Choice c, int rows, Forward forward, int lastRow, int logitRow) {
    Sequence s = c.sequence;
    try {
      requireFinite(forward.hidden(), lastRow, s, rows);
      s.advance(rows);
      Buffer logits = forward.logits();
      if (logitRow >= 0) {
        emit(c, logits.data, logits.row(logitRow));
      }
      memory.keep(s); // after the judge found nothing wrong, before others share the pages
      if (logitRow >= 0) {
        forkOthers(c, logits.data, logits.row(logitRow));
      }
      if (c.finished()) {
        requests.finish(c);
      }
    } catch (SamplingException e) {
      requests.fail(c.request, e);
    }
  }

  /** A row that attends to NaN is NaN itself: nothing of such a request may enter the cache. */
  private static void requireFinite(Buffer hidden, int row, Sequence s, int rows) {
    for (int i = 0; i < hidden.cols; i++) {
      if (Float.isNaN(hidden.data[hidden.row(row) + i])) {
        throw new SamplingException(
            s.choice, s.computed() + rows - 1, "the model's hidden state is NaN");
      }
    }
  }

  private void emit(Choice c, float[] logits, int offset) {
    long now = clock.getAsLong();
    Token token = judge(c, logits, offset, now);
    c.request.completion.token(token);
    sink.accept(
        new Event.TokenOut(
            now, c.sequence.request, c.sequence.id, token.index(), token.id(), token.text()));
  }

  /** Whatever goes wrong with one answer is that answer's failure, were it a bug of ours. */
  private Token judge(Choice c, float[] logits, int offset, long now) {
    try {
      return c.judge(logits, offset, sampler, now);
    } catch (SamplingException e) {
      throw e;
    } catch (RuntimeException e) {
      SamplingException failure =
          new SamplingException(c.sequence.choice, c.sequence.known(), e.toString());
      failure.initCause(e);
      throw failure;
    }
  }

  /** The prompt is computed: the other choices share its pages, or wait if there is no room. */
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
      emit(c, logits, offset);
      if (c.finished()) {
        requests.finish(c);
        continue;
      }
      queues.enqueue(s);
      if (queues.running().size() < options.maxRunning()
          && scheduler.mayFork(queues, from, TimeUnit.NANOSECONDS.toMillis(clock.getAsLong()))
          && memory.fork(from, s)) {
        queues.admit(s);
        c.started(from.computed());
        sink.accept(new Event.Forked(clock.getAsLong(), s.request, s.id, from.id, from.computed()));
      }
    }
  }

  private void report(StepPlan plan, int[] rows, long begin, long launched, long judged) {
    long end = clock.getAsLong();
    sink.accept(
        new Event.StepDone(
            end,
            steps++,
            rows[0],
            rows[1],
            plan.padding(),
            queues.running().size(),
            queues.waitingCount(),
            kv.pool(0).available(),
            kv.pool(0).referenced(),
            kv.pool(0).idle(),
            plan.stop().name(),
            launched - begin,
            judged - launched,
            end - judged));
    if (sink.wantsPageMap()) {
      sink.accept(new Event.PageMap(end, 0, memory.holders(0, queues.running())));
    }
  }

  void close() {
    team.close();
  }
}
