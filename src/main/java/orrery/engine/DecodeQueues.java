package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.engine.Prefilled.FirstToken;
import orrery.events.Event.Origin;
import orrery.events.Event.Queue;
import orrery.events.EventSink;

/**
 * The queues of the engine that goes on behind prompts.
 *
 * <pre>
 *   PREALLOC ──> TRANSFER ──> WAITING ──> RUNNING ──> answered
 * </pre>
 *
 * <p>A sequence that this engine retracts is computed again here, prompt and all, as any sequence.
 * SGLang keeps its rows in host memory instead.
 */
final class DecodeQueues {
  private final Tickets all;
  private final Queues queues;
  private final Requests requests;
  private final KvMemory memory;
  private final Scheduler scheduler;
  private final Speculator speculator;
  private final Settler settler;
  private final TokenTexts texts;
  private final int maxRunning;
  private final EventSink sink;
  private final LongSupplier clock;
  private final TreeSet<DecodeTicket> prealloc = new TreeSet<>(Ticket.ORDER);

  DecodeQueues(
      Tickets all,
      EngineState state,
      Scheduler scheduler,
      Speculator speculator,
      Settler settler,
      int maxRunning) {
    this.all = all;
    this.queues = state.queues;
    this.requests = state.requests;
    this.memory = state.memory;
    this.scheduler = scheduler;
    this.speculator = speculator;
    this.settler = settler;
    this.texts = state.texts;
    this.maxRunning = maxRunning;
    this.sink = state.sink;
    this.clock = state.clock;
  }

  void enqueue(DecodeTicket d) {
    prealloc.add(d);
  }

  void left(DecodeTicket d) {
    prealloc.remove(d);
  }

  /** Gives pages to those that wait for them, and a place to those whose rows are here. */
  void advance(Loop loop) {
    preallocate(loop);
    promote(loop);
  }

  /**
   * Gives pages to the requests that wait for them, in their order ({@link Queues#ORDER}): the
   * first that does not fit stops those behind it, and none gets pages while a retracted sequence
   * waits for its own.
   */
  private void preallocate(Loop loop) {
    while (!prealloc.isEmpty()
        && queues.waitingCount() == 0
        && scheduler.mayReceive(queues, prealloc.first().choice, prealloc.first().reserve)) {
      if (loop.settled()) {
        reserve(prealloc.pollFirst());
      } else {
        loop.settle(); // a step on its way may still write to pages that are free
      }
    }
  }

  private void reserve(DecodeTicket d) {
    Choice c = d.choice;
    int ahead = speculator.ahead();
    int least = Math.max(0, c.promptLength - (speculator.margin() - ahead)); // complete tokens
    int[] wanted = memory.startForRows(c, least, c.promptLength + ahead);
    queues.hold(c);
    requests.started(c.active);
    all.move(d, Queue.TRANSFER);
    d.receiver.reserved(memory.lend(c, wanted));
  }

  /** The rows of a prompt are here, with the first token of each answer. */
  void arrived(DecodeTicket d, Prefilled prefilled) {
    if (d.queue != Queue.TRANSFER || d.cancelled != null) {
      all.failed(d, "cancelled");
      return;
    }
    Choice first = d.choice;
    try {
      requireFit(d, prefilled);
      all.move(d, Queue.WAITING);
      first.arrived(prefilled.cachedTokens());
      memory.arrived(first, prefilled.first().stream().mapToInt(Integer::intValue).toArray());
      d.drafter = prefilled.drafter();
      first.active.scores.arrived(prefilled.promptLogprobs());
      first.active.completion.promptLogprobs(prefilled.promptLogprobs());
      requests.newSiblings(first.active);
      long now = clock.getAsLong();
      for (Choice c : List.copyOf(first.active.running)) {
        take(c, prefilled.tokens().get(c.choice), now);
      }
    } catch (RuntimeException e) { // this request alone: its text, or what the other engine said
      requests.fail(first.active, e);
    }
  }

  private void take(Choice c, FirstToken first, long now) {
    Token token = c.take(first, now);
    c.active.completion.token(token);
    sink.accept(texts.out(now, c, token, Origin.PLAIN));
  }

  private static void requireFit(DecodeTicket d, Prefilled p) {
    int choices = d.choice.active.request.params().n();
    int scores = d.choice.active.scores.count();
    if (p.tokens().size() != choices || p.promptLogprobs().size() != scores) {
      throw new IllegalArgumentException(
          String.format(
              "expected first tokens of %d answers and %d log-probabilities of the prompt, found"
                  + " %d and %d",
              choices, scores, p.tokens().size(), p.promptLogprobs().size()));
    }
  }

  /** Lets requests run whose rows are here, as far as there are places. */
  private void promote(Loop loop) {
    for (DecodeTicket d : all.here()) {
      Choice first = d.choice;
      boolean over = first.active.running.stream().allMatch(Choice::finished);
      if (!over && queues.running().size() >= maxRunning) {
        return;
      }
      loop.settle(); // what a fork copies may have been written by a step on its way
      run(d);
    }
  }

  private void run(DecodeTicket d) {
    Choice first = d.choice;
    List<Choice> siblings = new ArrayList<>(first.active.running);
    siblings.remove(first);
    try {
      first.resumed(speculator.drafter(), d.drafter);
      memory.requireRows(first);
    } catch (RuntimeException e) { // this request alone: what the other engine said
      requests.fail(first.active, e);
      return;
    }
    all.leave(d);
    all.move(d, Queue.RUNNING);
    queues.admitHeld(first);
    d.drafter = null;
    settler.commit(first, siblings);
  }
}
