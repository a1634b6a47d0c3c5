package orrery.engine;

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

/** The first phase of a step: lets the policy plan it, and makes room for what the plan says. */
final class Planner {
  private final Scheduler scheduler;
  private final Queues queues;
  private final Requests requests;
  private final KvMemory memory;
  private final Speculator speculator;
  private final EventSink sink;
  private final LongSupplier clock;

  Planner(
      Scheduler scheduler,
      Queues queues,
      Requests requests,
      KvMemory memory,
      Speculator speculator,
      EventSink sink,
      LongSupplier clock) {
    this.scheduler = scheduler;
    this.queues = queues;
    this.requests = requests;
    this.memory = memory;
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
   *   <li>it would evict pages from the prefix cache, while a sequence ends and gives back its own.
   * </ul>
   */
  Optional<Planned> planAhead(StepTimes times) {
    if (queues.running().stream().allMatch(Sequence::ending)) {
      return Optional.empty(); // the policy would take the machine for idle
    }
    int drafts = speculator.offer(queues);
    StepPlan plan = propose(times);
    boolean early = memory.mayEvict(plan) && queues.running().stream().anyMatch(Sequence::ending);
    return early || plan.rows().isEmpty() || !plan.retract().isEmpty() || !memory.hasRoom(plan)
        ? Optional.empty()
        : Optional.of(carryOut(plan, drafts, times));
  }

  private StepPlan propose(StepTimes times) {
    return scheduler.propose(queues, TimeUnit.NANOSECONDS.toMillis(times.begin()));
  }

  private Planned carryOut(StepPlan plan, int drafts, StepTimes times) {
    scheduler.accept(plan);
    plan.retract().forEach(this::retract);
    plan.admit().forEach(this::admit);
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
    return new Planned(times, plan, drafts);
  }

  void retract(Sequence s) {
    int lost = s.computed();
    memory.leave(s, true);
    queues.retract(s);
    sink.accept(new Event.Retracted(clock.getAsLong(), s.request, s.id, lost));
  }

  private void admit(Sequence s) {
    int hit = memory.start(s);
    queues.admit(s);
    Choice c = Choice.of(s);
    requests.started(c.active);
    c.started(speculator.drafter(), Math.min(hit, s.promptLength));
    sink.accept(new Event.Admitted(clock.getAsLong(), s.request, s.id, hit, s.retractions()));
  }
}
