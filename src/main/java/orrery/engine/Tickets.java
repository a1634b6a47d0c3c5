package orrery.engine;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongSupplier;
import orrery.batching.Scheduler;
import orrery.events.Event;
import orrery.events.Event.Queue;
import orrery.events.EventSink;

/**
 * The requests that begin in one engine and go on in another (SGLang {@code
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
 * waits for a decode engine with its own pages full of finished prompts.
 *
 * <p>While pages are lent to the thread that copies them (INFLIGHT, TRANSFER), no step touches
 * them, and a cancel waits until they are given back.
 */
final class Tickets {
  final PrefillQueues prefill;
  final DecodeQueues decode;
  private final Requests requests;
  private final EventSink sink;
  private final LongSupplier clock;
  private final Set<Ticket> open = new LinkedHashSet<>(); // not in the engine's other queues
  private long moves; // from one queue to another, or away

  /**
   * @param maxRunning sequences that may run at once
   */
  Tickets(
      EngineState state,
      Scheduler scheduler,
      Speculator speculator,
      Settler settler,
      int maxRunning) {
    this.requests = state.requests;
    this.sink = state.sink;
    this.clock = state.clock;
    this.prefill = new PrefillQueues(this, state, speculator);
    this.decode = new DecodeQueues(this, state, scheduler, speculator, settler, maxRunning);
  }

  /** Whether none is in a queue of these, beside those that wait or run as other requests do. */
  boolean isEmpty() {
    return open.isEmpty();
  }

  /** Takes a request whose first choice neither waits nor runs. */
  void enqueue(Ticket t, Choice first) {
    t.home = this;
    t.choice = first;
    open.add(t);
    switch (t) {
      case PrefillTicket p -> move(p, Queue.BOOTSTRAP);
      case DecodeTicket d -> {
        decode.enqueue(d);
        move(d, Queue.PREALLOC);
      }
    }
  }

  /** Takes note that a request stands in another queue. */
  void move(Ticket t, Queue queue) {
    moves++;
    t.queue = queue;
    sink.accept(new Event.Queued(clock.getAsLong(), t.choice.request, t.choice.id, queue));
  }

  /** It stands in a queue of these. */
  void enter(Ticket t) {
    open.add(t);
  }

  /** It waits or runs as other requests do. */
  void leave(Ticket t) {
    open.remove(t);
  }

  /** Decode requests whose rows are here, in the order in which they get places. */
  List<DecodeTicket> here() {
    return open.stream()
        .filter(Tickets::arrived)
        .map(DecodeTicket.class::cast)
        .sorted(Ticket.ORDER)
        .toList();
  }

  /** Takes note that a request has ended, in whatever way. */
  void left(Ticket t, String why) {
    moves++;
    open.remove(t);
    if (t instanceof DecodeTicket d) {
      decode.left(d);
    }
    if (t.queue != null) {
      t.queue = null;
      t.end(why);
    }
  }

  /**
   * A caller ends a request.
   *
   * @return whether it must wait until its pages are given back
   */
  boolean holdsOut(Ticket t, String why) {
    if (t.lent() && t.cancelled == null) {
      t.cancelled = why;
      t.end(why);
    }
    return t.lent();
  }

  /** The other engine has failed, or has stopped because this one ended the request. */
  void failed(Ticket t, String why) {
    if (t.queue == null || t.queue == Queue.RUNNING || arrived(t)) {
      return; // it has ended, or needs the other engine no more
    }
    if (t.cancelled != null) {
      t.queue = null;
      requests.cancel(t.choice.request, t.cancelled);
    } else {
      requests.fail(
          t.choice.active, new RequestException(RequestException.Kind.FAILED, "transfer: " + why));
    }
  }

  private static boolean arrived(Ticket t) {
    return t instanceof DecodeTicket && t.queue == Queue.WAITING;
  }

  /** Lets requests go on as far as they can: one that ends at once gives its place to another. */
  void advance(Loop loop) {
    long before;
    do {
      before = moves;
      decode.advance(loop);
    } while (moves != before);
  }
}
