package orrery.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.engine.StepTimes.Phase;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.SamplingException;

/**
 * The last phase of a step: hands out its tokens, which it decides first if no other thread has
 * done that, and keeps its rows.
 */
final class Settler {
  private final Decider decider;
  private final Judge judge;
  private final Speculator speculator;
  private final Scheduler scheduler;
  private final Queues queues;
  private final Requests requests;
  private final KvMemory memory;
  private final BookKeeper books;
  private final int maxRunning;
  private final EventSink sink;
  private final LongSupplier clock;

  Settler(
      Decider decider,
      Judge judge,
      Speculator speculator,
      Scheduler scheduler,
      Queues queues,
      Requests requests,
      KvMemory memory,
      BookKeeper books,
      int maxRunning,
      EventSink sink,
      LongSupplier clock) {
    this.decider = decider;
    this.judge = judge;
    this.speculator = speculator;
    this.scheduler = scheduler;
    this.queues = queues;
    this.requests = requests;
    this.memory = memory;
    this.books = books;
    this.maxRunning = maxRunning;
    this.sink = sink;
    this.clock = clock;
  }

  /** Judges a step's rows, lets the drafter follow, commits the rows, and reports the step. */
  void settle(Launched step) {
    List<Decision> decisions = decisions(step.segments());
    decider.decide(decisions, step.forward());
    settle(step, decisions);
  }

  /** The same, for a step whose tokens are decided. */
  void settle(Launched step, List<Decision> decisions) {
    StepTimes times = step.planned().times();
    Map<Active, List<Choice>> siblings = judge(decisions);
    times.mark(Phase.JUDGE);
    speculator.follow(step, queues);
    times.mark(Phase.FOLLOW);
    for (Segment segment : step.segments()) {
      if (segment.alive()) {
        Choice c = segment.choice();
        commit(c, siblings.getOrDefault(c.active, List.of()));
      }
    }
    long end = times.mark(Phase.COMMIT);
    speculator.observe(step, judge, end - times.begin());
    books.report(end, step);
  }

  /**
   * What is to be decided in a step that was computed: for each of its sequences, and behind it for
   * the other choices of a request whose prompt is computed now. These exist from now on, and
   * neither run nor wait.
   */
  List<Decision> decisions(List<Segment> segments) {
    List<Decision> decisions = new ArrayList<>(segments.size());
    for (int place = 0; place < segments.size(); place++) {
      Segment segment = segments.get(place);
      if (segment.alive()) {
        decisions.add(Decision.of(segment, place));
        if (segment.logitRow() >= 0) {
          for (Choice sibling : requests.newSiblings(segment.choice().active)) {
            decisions.add(Decision.of(sibling, segment, place));
          }
        }
      }
    }
    return decisions;
  }

  /**
   * Hands out all tokens of a step. What cannot be decided or handed out fails its request and no
   * other.
   *
   * @return the other choices of each request whose prompt is computed now; they have their first
   *     token, and neither run nor wait
   */
  private Map<Active, List<Choice>> judge(List<Decision> decisions) {
    Map<Active, List<Choice>> siblings = new HashMap<>();
    judge.clear();
    for (Decision decision : decisions) {
      Active request = decision.choice.active;
      if (decision.segment.alive()) { // an earlier decision may have failed its request
        try {
          if (decision.sibling) {
            siblings.computeIfAbsent(request, _ -> new ArrayList<>()).add(decision.choice);
            judge.judgeSibling(decision);
          } else {
            judge.judge(decision);
          }
        } catch (SamplingException e) {
          requests.fail(request, e);
        }
      }
    }
    return siblings;
  }

  /** Keeps the rows of a choice: from now on other requests may share their pages. */
  void commit(Choice c, List<Choice> siblings) {
    memory.trim(c, c.computedSoon() + speculator.ahead()); // rows on their way keep their pages
    memory.keep(c, speculator.complete(c));
    for (Choice sibling : siblings) {
      if (sibling.finished()) {
        requests.finish(sibling); // with its first token
      } else {
        fork(c, sibling);
      }
    }
    Ticket ticket = c.active.ticket;
    if (c.finished() && ticket != null && ticket.sends()) {
      ticket.home.prefill.computed(c, siblings);
    } else if (c.finished()) {
      requests.finish(c);
    }
  }

  /** Lets a choice share the pages of the first one; it waits if there is no room for it. */
  private void fork(Choice first, Choice sibling) {
    queues.enqueue(sibling);
    if (queues.running().size() < maxRunning
        && scheduler.mayFork(queues, first, TimeUnit.NANOSECONDS.toMillis(clock.getAsLong()))
        && memory.fork(first, sibling)) {
      queues.admit(sibling);
      sibling.forked(speculator.drafter(), first);
      sink.accept(
          new Event.Forked(
              clock.getAsLong(), sibling.request, sibling.id, first.id, first.computed()));
    }
  }
}
