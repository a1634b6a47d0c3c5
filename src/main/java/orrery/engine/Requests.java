package orrery.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.FinishReason;

/** The requests inside the engine, from their arrival to their last token or failure. */
final class Requests {
  private final LoadedModel loaded;
  private final int contextLength;
  private final Queues queues;
  private final KvMemory memory;
  private final Fetches fetches;
  private final EventSink sink;
  private final LongSupplier clock;
  private final AtomicInteger queued; // requests that wait for their first step
  private final Map<Integer, Active> active = new HashMap<>(); // by request id
  private int nextSequence;
  private long arrivals;

  Requests(
      LoadedModel loaded,
      int contextLength,
      Queues queues,
      KvMemory memory,
      Fetches fetches,
      EventSink sink,
      LongSupplier clock,
      AtomicInteger queued) {
    this.queued = queued;
    this.loaded = loaded;
    this.contextLength = contextLength;
    this.queues = queues;
    this.memory = memory;
    this.fetches = fetches;
    this.sink = sink;
    this.clock = clock;
  }

  /** Takes a request that begins and ends in this engine. */
  void enqueue(Request request, Completion completion, long submitted) {
    queue(arrive(request, completion, submitted, null));
  }

  /** Puts the first choice of a request into the queue, and begins to fetch what files have. */
  void queue(Choice first) {
    queues.enqueue(first);
    fetches.begin(first);
  }

  /**
   * Takes a request; its first choice neither waits nor runs.
   *
   * @param ticket null if the request begins and ends in this engine
   */
  Choice arrive(Request request, Completion completion, long submitted, Ticket ticket) {
    long seed = request.params().seed().orElse(completion.id());
    Active a = new Active(request, completion, seed, submitted, ticket);
    active.put(completion.id(), a);
    sink.accept(
        new Event.Submitted(
            submitted,
            completion.id(),
            request.prompt().length,
            request.params().maxTokens(),
            request.params().n(),
            request.prompt()));
    return newChoice(a, 0, arrivals++);
  }

  /** Takes note that a request first runs, or ends before that: it no longer counts as queued. */
  void started(Active a) {
    if (a.queued) {
      a.queued = false;
      queued.decrementAndGet();
    }
  }

  /**
   * Makes the choices of a request that do not exist yet: all but the first one, or none. Their
   * sequences neither wait nor run.
   */
  List<Choice> newSiblings(Active a) {
    List<Choice> siblings = new ArrayList<>();
    if (!a.forked) {
      a.forked = true;
      long arrival = a.running.getFirst().arrival;
      for (int n = 1; n < a.request.params().n(); n++) {
        siblings.add(newChoice(a, n, arrival));
      }
    }
    return siblings;
  }

  private Choice newChoice(Active a, int choice, long arrival) {
    int most = a.request.params().maxTokens();
    int here = a.ticket == null ? most : a.ticket.maxTokens(most);
    long wanted = (long) a.request.prompt().length + here;
    int longest = (int) Math.min(wanted, contextLength);
    Choice c = new Choice(a, loaded, nextSequence++, choice, longest, arrival);
    a.running.add(c);
    return c;
  }

  /**
   * The choices that neither wait nor run, as their request is on its way from one engine to
   * another; by request.
   */
  List<Choice> apart() {
    return active.values().stream()
        .filter(a -> a.ticket != null && a.ticket.apart().isPresent())
        .sorted(Comparator.comparingInt(a -> a.completion.id()))
        .flatMap(a -> a.running.stream())
        .toList();
  }

  /** Ends a request from outside; its tokens so far are its answers. */
  void cancel(int request, String why) {
    Active a = active.get(request);
    if (a == null || a.ticket != null && a.ticket.home.holdsOut(a.ticket, why)) {
      return; // it has ended, or will end when its pages are given back
    }
    for (Choice c : allOf(a)) {
      if (!c.finished()) {
        a.completion.token(c.abort(why));
      }
      finish(c);
    }
  }

  /** Cancels every request in the engine; returns whether there was one. */
  boolean cancelAll(String why) {
    List<Integer> all = List.copyOf(active.keySet());
    all.forEach(request -> cancel(request, why));
    return !all.isEmpty();
  }

  /**
   * The unfinished choices of a request. Choices that did not exist yet are made now, so that each
   * choice ends once.
   */
  private List<Choice> allOf(Active a) {
    newSiblings(a);
    return List.copyOf(a.running);
  }

  /** Cancels every request that is past its deadline; returns whether there was one. */
  boolean cutOffLate(long now) {
    List<Active> late = active.values().stream().filter(a -> a.end() <= now).toList();
    late.forEach(a -> cancel(a.completion.id(), FinishReason.Abort.DEADLINE));
    return !late.isEmpty();
  }

  /** The earliest deadline, in nanoseconds on the engine's clock; the largest long if none. */
  long nextDeadline() {
    return active.values().stream().mapToLong(Active::end).min().orElse(Long.MAX_VALUE);
  }

  /** Removes a choice whose answer has ended, and reports it. */
  void finish(Choice c) {
    remove(c);
    long now = clock.getAsLong();
    c.end(now);
    report(c, now, c.finish().type());
    started(c.active);
    if (c.active.done(c)) {
      active.remove(c.request);
      c.active.left("the request has ended: " + c.finish().type());
    }
  }

  /** Fails one request: all its choices end, and no other request is affected. */
  void fail(Active a, RuntimeException why) {
    for (Choice c : allOf(a)) {
      if (!c.finished()) {
        a.completion.token(c.abort("failed"));
      }
      remove(c);
      report(c, clock.getAsLong(), "error");
    }
    started(a);
    active.remove(a.completion.id());
    a.left(why.getMessage());
    String message = "request " + a.completion.id() + ": " + why.getMessage();
    a.completion.fail(new RequestException(RequestException.Kind.FAILED, message, why));
  }

  private void remove(Choice c) {
    fetches.leave(c);
    queues.remove(c);
    if (c.running()) {
      memory.leave(c, false);
    }
  }

  private void report(Choice c, long now, String reason) {
    sink.accept(
        new Event.Finished(now, c.request, c.id, reason, c.promptLength, c.output(), c.heldBack()));
  }

  /** What a request fails with if a bug stops the engine. */
  static RequestException stopped(Throwable bug) {
    String message = "the engine stopped: " + bug.getMessage();
    return new RequestException(RequestException.Kind.CLOSED, message, bug);
  }

  /** Fails every request, since the engine cannot go on. */
  void failAll(Throwable why) {
    List<Active> all = new ArrayList<>(active.values());
    active.clear();
    RequestException stopped = stopped(why);
    // Waiting callers get the error first: the code below may be what is broken, or a sink.
    for (Active a : all) {
      started(a);
      Crash.attempt(why, () -> a.completion.fail(stopped));
    }
    for (Active a : all) {
      Crash.attempt(why, () -> a.left("the engine stopped"));
      for (Choice c : allOf(a)) {
        Crash.attempt(why, () -> remove(c));
        Crash.attempt(why, () -> report(c, clock.getAsLong(), "error"));
      }
    }
  }
}
