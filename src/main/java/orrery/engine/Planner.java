package orrery.engine;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.batching.Sequence;
import orrery.batching.StepPlan;
import orrery.engine.StepTimes.Phase;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.HostHit;
import orrery.kv.Arrival;
import orrery.prefix.PrefixCache;

/** The first phase of a step: lets the policy plan it, and makes room for what the plan says. */
final class Planner {
  private final Scheduler scheduler;
  private final Queues queues;
  private final Requests requests;
  private final KvMemory memory;
  private final Fetches fetches;
  private final Speculator speculator;
  private final EventSink sink;
  private final LongSupplier clock;

  Planner(
      Scheduler scheduler,
      Queues queues,
      Requests requests,
      KvMemory memory,
      Fetches fetches,
      Speculator speculator,
      EventSink sink,
      LongSupplier clock) {
    this.scheduler = scheduler;
    this.queues = queues;
    this.requests = requests;
    this.memory = memory;
    this.fetches = fetches;
    this.speculator = speculator;
    this.sink = sink;
    this.clock = clock;
  }

  /** Whether there is nothing to plan. */
  boolean idle() {
    return queues.isEmpty();
  }

  /** Plans a step: retracts and admits sequences, and reserves pages for the rows of the others. */
  Planned plan(StepTimes times) {
    int drafts = speculator.offer(queues);
    StepPlan plan = propose(times);
    return carryOut(plan, drafts, times);
  }

  /**
   * Plans a step while another one is not settled. Nothing is planned, and no sequence, queue or
   * page has changed, if the step before must be settled first, since it may free what is missing:
   *
   * <ul>
   *   <li>the plan has no rows, or would take pages away from a sequence;
   *   <li>it needs pages that windows have passed and not given back;
   *   <li>it would evict pages from the prefix cache, while a sequence ends and gives back its own;
   *   <li>it loads rows: they would be copied into pages that the step on its way may still use.
   * </ul>
   */
  Ahead planAhead(StepTimes times) {
    if (queues.running().stream().allMatch(Sequence::ending)) {
      return Ahead.not(SettledFirst.PAGES); // the policy would take the machine for idle
    }
    int drafts = speculator.offer(queues);
    StepPlan plan = propose(times);
    boolean early = memory.mayEvict(plan) && queues.running().stream().anyMatch(Sequence::ending);
    if (early || plan.rows().isEmpty() || !plan.retract().isEmpty() || !memory.hasRoom(plan)) {
      return Ahead.not(SettledFirst.PAGES);
    }
    return memory.loads(plan)
        ? Ahead.not(SettledFirst.LOADS)
        : new Ahead(Optional.of(carryOut(plan, drafts, times)), SettledFirst.NO);
  }

  private StepPlan propose(StepTimes times) {
    fetches.advance(times.begin(), queues);
    return scheduler.propose(queues, TimeUnit.NANOSECONDS.toMillis(times.begin()));
  }

  private Planned carryOut(StepPlan plan, int drafts, StepTimes times) {
    scheduler.accept(plan);
    plan.retract().forEach(this::retract);
    Arrival arrival = admit(plan.admit());
    // Sequences that are held may have all pages that the next row needs; they give them back, or
    // run and can be retracted then.
    if (plan.rows().isEmpty() && !queues.running().isEmpty() && queues.held().isEmpty()) {
      throw new IllegalStateException("the policy planned nothing while sequences run");
    }
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = rows.sequence();
      memory.reserve(s, s.computedSoon() + rows.count() + speculator.ahead());
    }
    times.mark(Phase.PLAN);
    return new Planned(times, plan, drafts, arrival);
  }

  void retract(Sequence s) {
    int lost = s.computed();
    memory.leave(s, true);
    queues.retract(s);
    fetches.back(s);
    sink.accept(new Event.Retracted(clock.getAsLong(), s.request, s.id, lost));
  }

  /** Starts sequences; first all of them take their hits, then rows are loaded. */
  private Arrival admit(List<Sequence> all) {
    all.forEach(fetches::started);
    List<PrefixCache.Hit> hits = all.stream().map(memory::start).toList();
    Arrival arrival = memory.load();
    for (int i = 0; i < hits.size(); i++) {
      admit(all.get(i), hits.get(i));
    }
    return arrival;
  }

  private void admit(Sequence s, PrefixCache.Hit hit) {
    queues.admit(s);
    Choice c = Choice.of(s);
    requests.started(c.active);
    c.started(speculator.drafter(), Math.min(hit.tokens(), s.promptLength));
    long now = clock.getAsLong();
    sink.accept(new Event.Admitted(now, s.request, s.id, hit.tokens(), s.retractions()));
    if (hit.loads() > 0) {
      sink.accept(new HostHit(now, s.request, s.id, hit.loadedTokens(), hit.loads()));
    }
  }
}
