package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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

/** The engine's state and its step: plan, launch, judge, commit. Single-threaded. */
final class StepLoop {
  private final LoadedModel loaded;
  private final EngineOptions options;
  private final EventSink sink;
  private final LongSupplier clock;
  private final int contextLength;
  private final KvCache kv;
  private final PrefixCache prefix;
  private final Queues queues = new Queues();
  private final Scheduler scheduler;
  private final Team team;
  private final KernelSwitch kernels;
  private final ModelRunner runner;
  private final Step step;
  private final PageTable padding; // all dummy pages
  private final Sampler sampler;
  private final Map<Integer, Choice> choices = new HashMap<>(); // by sequence id
  private final Map<Integer, Active> requests = new HashMap<>(); // by request id
  private int nextSequence;
  private long arrivals;
  private long steps;

  StepLoop(LoadedModel loaded, EngineOptions options, EventSink sink, LongSupplier clock) {
    this.loaded = loaded;
    this.options = options;
    this.sink = sink;
    this.clock = clock;
    Model model = loaded.model();
    this.contextLength = Sizes.contextLength(model, options);
    KvGeometry geometry = Sizes.geometry(model, options, contextLength);
    this.kv =
        new KvCache(
            model.kvLayout(),
            geometry,
            contextLength,
            Sizes.pages(options, geometry, contextLength));
    this.prefix = options.newPrefixCache(kv);
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

  void enqueue(Request request, Completion completion, long submitted) {
    long seed = request.params().seed().orElse(completion.id());
    Active active = new Active(request, completion, seed, submitted);
    requests.put(completion.id(), active);
    sink.accept(
        new Event.Submitted(
            submitted,
            completion.id(),
            request.prompt().length,
            request.params().maxTokens(),
            request.params().n()));
    queues.enqueue(newChoice(active, 0, arrivals++).sequence);
  }

  private Choice newChoice(Active active, int choice, long arrival) {
    int[] prompt = active.request.prompt();
    long longest = (long) prompt.length + active.request.params().maxTokens();
    Sequence s =
        new Sequence(
            nextSequence++,
            active.completion.id(),
            choice,
            prompt,
            (int) Math.min(longest, contextLength),
            active.request.priority(),
            arrival,
            TimeUnit.NANOSECONDS.toMillis(active.submitted),
            active.request.salt());
    Choice c = new Choice(active, s, loaded);
    choices.put(s.id, c);
    active.running.add(c);
    return c;
  }

  void cancel(int request, String why) {
    Active active = requests.get(request);
    if (active != null) {
      active.forked = true; // choices that were not begun never will be
      for (Choice c : List.copyOf(active.running)) {
        c.abort(why);
        finish(c);
      }
    }
  }

  /** One step; false if the policy has nothing to compute now. */
  boolean step() {
    long begin = clock.getAsLong();
    cutOffLate(begin);
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
    long launched = clock.getAsLong();
    step.kernels(kernels.next(step.rows()));
    Forward forward = runner.run(step);
    long judged = clock.getAsLong();
    int[] rows = commit(plan, forward);
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
      sink.accept(new Event.PageMap(end, 0, holders(0)));
    }
    assert Invariants.hold(kv, prefix, queues);
    return true;
  }

  /** Who holds each page of a pool, as {@link Event.PageMap} says it. */
  private int[] holders(int pool) {
    int[] holder = new int[kv.pool(pool).total()];
    for (int page = 1; page < holder.length; page++) {
      holder[page] = kv.pool(pool).isCached(page) ? Event.PageMap.IDLE : Event.PageMap.FREE;
    }
    for (Sequence s : queues.running()) {
      for (int i = s.table().first(pool); i < s.table().end(pool); i++) {
        int page = s.table().pages(pool)[i];
        boolean shared = kv.pool(pool).references(page) > 1;
        holder[page] = shared ? Event.PageMap.SHARED : s.request;
      }
    }
    return Arrays.copyOfRange(holder, 1, holder.length); // without the dummy
  }

  private void cutOffLate(long now) {
    for (Active active : List.copyOf(requests.values())) {
      if (active.deadline <= now) {
        cancel(active.completion.id(), "deadline");
      }
    }
  }

  private void apply(StepPlan plan) {
    for (int id : plan.retract()) {
      Sequence s = choices.get(id).sequence;
      int lost = s.computed();
      leave(s);
      s.stop(true);
      queues.retract(s);
      sink.accept(new Event.Retracted(clock.getAsLong(), s.request, s.id, lost));
    }
    for (int id : plan.admit()) {
      Sequence s = choices.get(id).sequence;
      PageTable table = kv.newTable();
      int limit = Scheduler.hitLimit(s, kv.geometry().pageTokens());
      PrefixCache.Hit hit = prefix.acquire(s.tokens(), limit, s.salt, table);
      s.start(table, hit.lease(), hit.tokens());
      queues.admit(s);
      choices.get(id).started(Math.min(hit.tokens(), s.promptLength));
      sink.accept(
          new Event.Admitted(clock.getAsLong(), s.request, s.id, hit.tokens(), s.retractions()));
    }
  }

  /** Gives up a sequence's pages and its hold on the cache. */
  private void leave(Sequence s) {
    kv.release(s.table());
    prefix.release(s.lease());
  }

  /** Reserves pages for the plan's rows and puts them into the step. */
  private void fill(StepPlan plan) {
    step.clear();
    int index = 0;
    int furthest = 0;
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = choices.get(rows.id()).sequence;
      makeRoom(s, s.computed() + rows.count());
      kv.reserve(s.table(), s.computed() + rows.count());
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

  private void makeRoom(Sequence s, int slots) {
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int wanted = kv.geometry().pages(pool, slots) - s.table().end(pool);
      makeRoom(pool, wanted);
    }
  }

  private void makeRoom(int pool, int wanted) {
    int missing = wanted - kv.pool(pool).available();
    if (missing > 0) {
      int evicted = prefix.evict(pool, missing);
      sink.accept(new Event.Evicted(clock.getAsLong(), pool, evicted));
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
      int logits = logitRow;
      row += rows.count();
      logitRow += last ? 1 : 0;
      Choice c = choices.get(rows.id());
      if (c == null) {
        continue; // another choice of its request failed in this very step
      }
      Sequence s = c.sequence;
      boolean decode = rows.count() == 1 && s.computed() == s.known() - 1 && s.output() > 0;
      counts[decode ? 1 : 0] += rows.count();
      try {
        requireFinite(forward.hidden(), lastRow, s.computed() + rows.count() - 1);
        s.advance(rows.count());
        Buffer b = forward.logits();
        if (last) {
          emit(c, b.data, b.row(logits));
        }
        keep(s); // after the judge found nothing wrong, before others share the pages
        if (last) {
          forkOthers(c, b.data, b.row(logits));
        }
        if (c.finished()) {
          finish(c);
        }
      } catch (SamplingException e) {
        fail(c.request, e);
      }
    }
    return counts;
  }

  /** A row that attends to NaN is NaN itself: nothing of such a request may enter the cache. */
  private static void requireFinite(Buffer hidden, int row, int position) {
    for (int i = 0; i < hidden.cols; i++) {
      if (Float.isNaN(hidden.data[hidden.row(row) + i])) {
        throw new SamplingException(0, position, "the model's hidden state is NaN");
      }
    }
  }

  private void emit(Choice c, float[] logits, int offset) {
    long now = clock.getAsLong();
    Token token = c.judge(logits, offset, sampler, now);
    c.request.completion.token(token);
    sink.accept(
        new Event.TokenOut(
            now, c.sequence.request, c.sequence.id, token.index(), token.id(), token.text()));
  }

  /** Complete blocks enter the prefix cache; pages out of every window are released. */
  private void keep(Sequence s) {
    int added = prefix.insert(s.lease(), s.tokens(), s.computed(), s.table());
    if (added > 0) {
      int tokens = added * kv.geometry().pageTokens();
      sink.accept(new Event.PrefixInserted(clock.getAsLong(), s.id, tokens));
    }
    kv.pass(s.table(), s.computed());
  }

  /** The prompt is computed: the other choices share its pages, or wait if there is no room. */
  private void forkOthers(Choice first, float[] logits, int offset) {
    Active active = first.request;
    if (active.forked) {
      return;
    }
    active.forked = true;
    Sequence from = first.sequence;
    for (int n = 1; n < active.request.params().n(); n++) {
      Choice c = newChoice(active, n, from.arrival);
      emit(c, logits, offset);
      if (c.finished()) {
        finish(c);
        continue;
      }
      queues.enqueue(c.sequence);
      if (queues.running().size() < options.maxRunning() && roomToFork(from)) {
        c.sequence.start(
            kv.fork(from.table(), from.computed()), prefix.fork(from.lease()), from.computed());
        queues.admit(c.sequence);
        c.started(from.computed());
        sink.accept(
            new Event.Forked(
                clock.getAsLong(), c.sequence.request, c.sequence.id, from.id, from.computed()));
      }
    }
  }

  private boolean roomToFork(Sequence from) {
    boolean room = true;
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int wanted = kv.forkPages(pool, from.computed());
      makeRoom(pool, wanted);
      room &= kv.pool(pool).available() >= wanted;
    }
    return room;
  }

  private void finish(Choice c) {
    Sequence s = c.sequence;
    queues.remove(s);
    if (s.running()) {
      leave(s);
      s.stop(false);
    }
    choices.remove(s.id);
    long now = clock.getAsLong();
    c.end(now);
    sink.accept(
        new Event.Finished(now, s.request, s.id, c.finish().type(), s.promptLength, s.output()));
    if (c.request.done(c)) {
      requests.remove(s.request);
    }
  }

  /** One request failed; its choices end, and nobody else notices. */
  private void fail(Active active, RuntimeException why) {
    String message = "request " + active.completion.id() + ": " + why.getMessage();
    for (Choice c : List.copyOf(active.running)) {
      Sequence s = c.sequence;
      queues.remove(s);
      if (s.running()) {
        leave(s);
        s.stop(false);
      }
      choices.remove(s.id);
      sink.accept(
          new Event.Finished(
              clock.getAsLong(), s.request, s.id, "error", s.promptLength, s.output()));
    }
    requests.remove(active.completion.id());
    active.completion.fail(new RequestException(RequestException.Kind.FAILED, message, why));
  }

  /** The engine cannot go on. */
  void failAll(Throwable why) {
    for (Active active : new ArrayList<>(requests.values())) {
      for (Choice c : active.running) {
        queues.remove(c.sequence);
        choices.remove(c.sequence.id);
      }
      active.completion.fail(
          new RequestException(
              RequestException.Kind.CLOSED, "the engine stopped: " + why.getMessage(), why));
    }
    requests.clear();
  }

  void close() {
    team.close();
  }
}
