package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;
import orrery.engine.StepTimes.Phase;
import orrery.graph.Step;
import orrery.kv.KvCache;
import orrery.kv.PageTable;

/**
 * The engine's loop if steps overlap: while one step is computed on a thread of its own, this
 * thread settles the step before and plans the step after.
 *
 * <pre>
 *   engine    plan 1 │ settle 0 │ plan 2 │   wait   │ settle 1 │ plan 3 │   wait   │ settle 2 │ …
 *   compute   ─── step 0 ───│─────────── step 1 ────────────│─────────── step 2 ───────────│ …
 * </pre>
 *
 * <p>When step 2 is planned, the tokens of step 1 are not known. Its rows hold placeholders, which
 * the computing thread replaces ({@link FutureTokens}). Lengths are known: a sequence that is not
 * ended by its text has one token more. Whether it is ended comes out one step late, when step 1 is
 * settled and step 2 is on its way. The sequence leaves then as always, its row of step 2 means
 * nothing, and no answer changes. A cancel and a deadline come late in the same way.
 *
 * <p>Who may touch what:
 *
 * <ul>
 *   <li>The computing thread: the cached rows, the model's buffers, the team, the histories of
 *       sequences that are on their way. It leaves {@link Decision}s, so no logits are kept.
 *   <li>This thread: everything else, so no book has a lock. Rows and decisions go over with {@link
 *       ComputeLane#launch} and come back with {@link Flight#land}.
 *   <li>A step on its way has page tables of its own, which no plan changes.
 *   <li>A page that is released while a step is on its way may be planned for the next one at once.
 *       The next step writes it after the steps before it are done, since one thread computes all
 *       in order. (With assertions on, the NaN of a released page is written in this order too.)
 *       The prefix cache gets only rows of settled steps.
 * </ul>
 *
 * <p>Sometimes a step can be planned only when the last one is settled: {@link SettledFirst}. Then
 * the loop waits for it, and works as {@link StepLoop} does.
 *
 * <p>Elsewhere: SGLang {@code srt/managers/scheduler.py}, event_loop_overlap.
 */
final class OverlapLoop implements Loop {
  private static final FutureTokens NONE = new FutureTokens(0);

  /**
   * Where the rows of a step lie.
   *
   * @param tables [sequences of the largest step so far] copies of their page tables
   */
  private record Room(Step step, List<PageTable> tables) {}

  private final Requests requests;
  private final Planner planner;
  private final Speculator speculator;
  private final Batch batch;
  private final PromptScorer scorer;
  private final Compute compute;
  private final ComputeLane lane;
  private final Settler settler;
  private final KvCache kv;
  private final LongSupplier clock;
  private Room room; // for the next step
  private Room other; // of the newest step, which may be on its way
  private Flight flight; // the step on its way; null if there is none
  private SettledFirst why = SettledFirst.IDLE; // there is none

  OverlapLoop(
      Requests requests,
      Planner planner,
      Speculator speculator,
      Batch batch,
      PromptScorer scorer,
      Step step,
      Step other,
      Compute compute,
      Settler settler,
      KvCache kv,
      LongSupplier clock) {
    this.requests = requests;
    this.planner = planner;
    this.speculator = speculator;
    this.batch = batch;
    this.scorer = scorer;
    this.room = new Room(step, new ArrayList<>());
    this.other = new Room(other, new ArrayList<>());
    this.compute = compute;
    this.lane = new ComputeLane(compute);
    this.settler = settler;
    this.kv = kv;
    this.clock = clock;
  }

  /** Plans and launches one step, and settles the step before; or settles the last one. */
  @Override
  public boolean step() {
    requests.cutOffLate(clock.getAsLong());
    if (planner.idle()) {
      settle();
      return true;
    }
    if (flight != null && flight.forks()) {
      settle(SettledFirst.FORK);
      return true; // its sequences may all have ended
    }
    Ahead planned = plan();
    if (planned.planned().isEmpty()) {
      return settleToPlan(planned.first());
    }
    Flight last = flight;
    flight = fill(planned.planned().get());
    boolean alone = speculator.drafts() || scorer.wants(flight.segments);
    if (!alone) {
      lane.launch(flight);
    }
    if (last != null) {
      settle(last);
    }
    if (alone) {
      computeHere(flight);
      settle(speculator.drafts() ? SettledFirst.SPECULATION : SettledFirst.PROMPT_SCORES);
    }
    return true;
  }

  private Ahead plan() {
    StepTimes times = new StepTimes(clock);
    if (flight != null) {
      return planner.planAhead(times);
    }
    Planned planned = planner.plan(times);
    return new Ahead(Optional.of(planned).filter(p -> !p.isEmpty()), SettledFirst.PAGES);
  }

  /** Settles the step on its way, so that a step can be planned; returns false if there is none. */
  private boolean settleToPlan(SettledFirst why) {
    boolean waited = flight != null;
    settle(why);
    return waited;
  }

  /** Puts a step's rows together; they may wait for tokens of the step on its way. */
  private Flight fill(Planned planned) {
    speculator.draft(planned.plan());
    List<Segment> segments = batch.fill(planned.plan(), room.step);
    room.step.arrival(planned.arrival());
    List<Decision> decisions = settler.decisions(segments);
    FutureTokens before = flight == null ? NONE : flight.tokens;
    SettledFirst reason = flight == null ? why : SettledFirst.NO;
    Flight next =
        new Flight(planned, segments, decisions, room.step, before, kv.latePoison(), reason);
    kv.poisonLater(true);
    for (int place = 0; place < segments.size(); place++) {
      Segment s = segments.get(place);
      s.choice().launch(s.pending(), s.logitRow() >= 0);
      s.choice().place(place);
      room.step.tables[place] = copy(place);
    }
    Room filled = room;
    room = other;
    other = filled;
    planned.times().mark(Phase.DRAFT);
    return next;
  }

  /** A copy of a page table: the sequence may be ended, or given pages, while the step reads it. */
  private PageTable copy(int place) {
    if (place == room.tables.size()) {
      room.tables.add(kv.newTable());
    }
    PageTable copy = room.tables.get(place);
    copy.copy(room.step.tables[place]);
    return copy;
  }

  /** Computes a step on this thread, while no other step is on its way. */
  private void computeHere(Flight alone) {
    var forward = compute.run(alone);
    scorer.score(alone.segments, alone.step, forward);
    alone.computed(forward, clock.getAsLong()); // prompts are scored in the phase of the pass
    compute.decide(alone, forward);
  }

  /** Settles the step on its way; the next one then finds the engine at rest. */
  @Override
  public void settle() {
    settle(SettledFirst.IDLE);
  }

  private void settle(SettledFirst reason) {
    if (flight != null) {
      Flight last = flight;
      flight = null;
      last.land();
      kv.latePoison().run(); // nothing is on its way: what settling copies must find clean pages
      kv.poisonLater(false);
      settle(last);
      why = reason;
    }
  }

  /** Hands out the tokens of a step, once they are decided, and keeps its rows. */
  private void settle(Flight landed) {
    landed.land();
    landed.planned.times().resume(landed.settledFirst, landed);
    for (Segment s : landed.segments) {
      if (s.alive()) {
        s.choice().land(s.pending(), s.logitRow() >= 0);
      }
    }
    settler.settle(landed.launched(), landed.decisions);
  }

  @Override
  public boolean settled() {
    return flight == null;
  }

  @Override
  public void abandon() {
    flight = null; // it may not have been launched: then it would never land
    lane.close();
  }

  @Override
  public void close() {
    lane.close();
  }
}
