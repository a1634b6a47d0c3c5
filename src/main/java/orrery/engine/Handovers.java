package orrery.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Scheduler;
import orrery.engine.Prefilled.FirstToken;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.Event.Queue;
import orrery.events.EventSink;

/**
 * The queues of requests that begin in one engine and go on in another (SGLang {@code
 * disaggregation/prefill.py} and {@code decode.py}). Only the engine's thread uses them.
 *
 * <pre>
 *   prefill   BOOTSTRAP ──> WAITING ──(runs)──> INFLIGHT ──> its pages come back
 *                ▲ the other has pages             │ pages, first tokens, the drafter's state
 *                │                                 ▼
 *   decode    PREALLOC ──────────────────> TRANSFER ──> WAITING ──> RUNNING ──> answered
 * </pre>
 *
 * <p>A prompt is computed only when the other engine has pages for it. So a prefill engine never
 * waits for room in a decode engine with its own pages full of finished prompts.
 *
 * <p>While pages are lent to the thread that copies them (INFLIGHT, TRANSFER), no step touches
 * them, and a cancel waits until they are given back.
 *
 * <p>A sequence that the decode engine retracts is computed again there, prompt and all, as any
 * sequence. SGLang keeps its rows in host memory instead.
 */
final class Handovers {
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
  private final Set<Handover> open = new LinkedHashSet<>(); // not in the engine's other queues
  private final Deque<DecodeTicket> prealloc = new ArrayDeque<>();
  private long moves; // from one queue to another, or away

  Handovers(
      Queues queues,
      Requests requests,
      KvMemory memory,
      Scheduler scheduler,
      Speculator speculator,
      Settler settler,
      TokenTexts texts,
      int maxRunning,
      EventSink sink,
      LongSupplier clock) {
    this.queues = queues;
    this.requests = requests;
    this.memory = memory;
    this.scheduler = scheduler;
    this.speculator = speculator;
    this.settler = settler;
    this.texts = texts;
    this.maxRunning = maxRunning;
    this.sink = sink;
    this.clock = clock;
  }

  /** Whether none is in a queue of these, beside those that wait or run as other requests do. */
  boolean isEmpty() {
    return open.isEmpty();
  }

  /** Takes a request whose first choice neither waits nor runs. */
  void enqueue(Handover h, Choice first) {
    h.home = this;
    h.choice = first;
    open.add(h);
    switch (h) {
      case PrefillTicket p -> move(p, Queue.BOOTSTRAP);
      case DecodeTicket d -> {
        prealloc.add(d);
        move(d, Queue.PREALLOC);
      }
    }
  }

  private void move(Handover h, Queue queue) {
    moves++;
    h.queue = queue;
    sink.accept(new Event.Queued(clock.getAsLong(), h.choice.request, h.choice.id, queue));
  }

  /** Takes note that a request has ended, in whatever way. */
  void left(Handover h, String why) {
    moves++;
    open.remove(h);
    if (h instanceof DecodeTicket) {
      prealloc.remove(h);
    }
    if (h.queue != null) {
      h.queue = null;
      h.end(why);
    }
  }

  /**
   * A caller ends a request.
   *
   * @return whether it must wait until its pages are given back
   */
  boolean holdsOut(Handover h, String why) {
    if (h.lent() && h.cancelled == null) {
      h.cancelled = why;
      h.end(why);
    }
    return h.lent();
  }

  /** The other engine has pages for a request. */
  void bootstrapped(PrefillTicket p) {
    if (p.queue == Queue.BOOTSTRAP) {
      open.remove(p);
      move(p, Queue.WAITING);
      requests.queue(p.choice);
    }
  }

  /** A prompt is computed: its pages stay until they are sent. */
  void handOver(Choice first, List<Choice> siblings) {
    PrefillTicket p = (PrefillTicket) first.active.handover;
    queues.hold(first);
    open.add(p);
    move(p, Queue.INFLIGHT);
    List<FirstToken> tokens = new ArrayList<>(List.of(first.firstToken()));
    siblings.forEach(sibling -> tokens.add(sibling.firstToken()));
    KvPages pages = memory.lend(first, new int[memory.poolCount()]);
    List<Integer> from = new ArrayList<>();
    for (int pool = 0; pool < pages.pools(); pool++) {
      from.add(pages.first(pool));
    }
    p.sender.ready(
        pages,
        new Prefilled(
            from,
            tokens,
            first.active.scores.all(),
            first.active.completion.cachedTokens(),
            speculator.drafter().state(first.drafts())));
  }

  /** Everything was sent. */
  void sent(PrefillTicket p) {
    if (p.queue == Queue.INFLIGHT) {
      p.queue = null; // no caller is left to be told
      requests.finish(p.choice);
    }
  }

  /** The other engine has failed, or has stopped because this one ended the request. */
  void failed(Handover h, String why) {
    if (h.queue == null || h.queue == Queue.RUNNING || arrived(h)) {
      return; // it has ended, or needs the other engine no more
    }
    if (h.cancelled != null) {
      h.queue = null;
      requests.cancel(h.choice.request, h.cancelled);
    } else {
      requests.fail(
          h.choice.active, new RequestException(RequestException.Kind.FAILED, "transfer: " + why));
    }
  }

  private static boolean arrived(Handover h) {
    return h instanceof DecodeTicket && h.queue == Queue.WAITING;
  }

  /** Lets requests go on as far as they can: one that ends at once makes room for another. */
  void advance(Loop loop) {
    long before;
    do {
      before = moves;
      preallocate(loop);
      promote(loop);
    } while (moves != before);
  }

  /**
   * Gives pages to the requests that wait for them, in their order: the first that does not fit
   * stops those behind it, and none gets pages while a retracted sequence waits for its own.
   */
  private void preallocate(Loop loop) {
    while (!prealloc.isEmpty()
        && queues.waitingCount() == 0
        && scheduler.mayReceive(queues, prealloc.peek().choice, prealloc.peek().reserve)) {
      if (loop.settled()) {
        reserve(prealloc.poll());
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
    sink.accept(new Event.Admitted(clock.getAsLong(), c.request, c.id, c.computed(), 0));
    move(d, Queue.TRANSFER);
    d.receiver.reserved(memory.lend(c, wanted));
  }

  /** The rows of a prompt are here, with the first token of each answer. */
  void arrived(DecodeTicket d, Prefilled prefilled) {
    if (d.queue != Queue.TRANSFER || d.cancelled != null) {
      failed(d, "cancelled");
      return;
    }
    Choice first = d.choice;
    try {
      requireFit(d, prefilled);
      move(d, Queue.WAITING);
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
    List<Handover> here = open.stream().filter(Handovers::arrived).toList();
    for (Handover h : here) {
      Choice first = h.choice;
      boolean over = first.active.running.stream().allMatch(Choice::finished);
      if (!over && queues.running().size() >= maxRunning) {
        return;
      }
      loop.settle(); // what a fork copies may have been written by a step on its way
      run((DecodeTicket) h);
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
    open.remove(d);
    move(d, Queue.RUNNING);
    queues.admitHeld(first);
    d.drafter = null;
    settler.commit(first, siblings);
  }
}
