package orrery.engine;

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
    StepPlan plan = scheduler.plan(queues, TimeUnit.NANOSECONDS.toMillis(times.begin()));
    plan.retract().forEach(this::retract);
    plan.admit().forEach(this::admit);
    if (plan.rows().isEmpty() && !queues.running().isEmpty()) {
      throw new IllegalStateException("the policy planned nothing while sequences run");
    }
    for (StepPlan.Rows rows : plan.rows()) {
      Sequence s = rows.sequence();
      memory.reserve(s, s.computed() + rows.count() + speculator.ahead());
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
