package orrery.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntUnaryOperator;
import java.util.function.LongSupplier;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * How requests come into an engine: some are refused, the others are numbered, and left as messages
 * for the engine's thread. Any thread may bring one.
 */
final class Arrivals {
  private final EngineCore core;
  private final EngineThread thread;
  private final AtomicInteger queued; // requests that never ran yet
  private final int maxQueued;
  private final EventSink sink;
  private final LongSupplier clock;
  private int arrivals; // requests taken so far; the number of the next one

  Arrivals(
      EngineCore core,
      EngineThread thread,
      AtomicInteger queued,
      EngineOptions options,
      EventSink sink,
      LongSupplier clock) {
    this.core = core;
    this.thread = thread;
    this.queued = queued;
    this.maxQueued = options.batching().maxQueuedRequests();
    this.sink = sink;
    this.clock = clock;
  }

  /** Makes the message with which a request comes to the engine's thread. */
  private interface Arrival {
    Runnable message(Request request, Completion completion, long now);
  }

  /**
   * Takes requests that begin and end in this engine, all or none.
   *
   * @throws RequestException for the first request that is refused
   */
  List<Completion> submit(List<Request> all) {
    Objects.requireNonNull(all, "requests: expected a list, found null");
    for (Request request : all) {
      Objects.requireNonNull(request, "requests: expected requests, found null among them");
    }
    return submit(
        List.copyOf(all),
        IntUnaryOperator.identity(),
        (request, completion, now) -> () -> core.requests().enqueue(request, completion, now));
  }

  /**
   * Takes a request that begins in one engine and goes on in another.
   *
   * @throws RequestException if it is refused
   */
  void submit(Request request, Ticket ticket) {
    Objects.requireNonNull(request, "request: expected a request, found null");
    submit(
        List.of(request),
        ticket::maxTokens,
        (r, completion, now) -> {
          ticket.taken(completion, thread::post);
          return () -> core.enqueue(r, completion, now, ticket);
        });
  }

  /**
   * @param maxTokens of the most tokens of an answer, how many are computed here
   */
  private List<Completion> submit(List<Request> all, IntUnaryOperator maxTokens, Arrival arrival) {
    try {
      core.limits().requirePossible(all, maxTokens);
      enter(all.size());
    } catch (RequestException e) {
      thread.post(() -> sink.accept(new Event.Rejected(clock.getAsLong(), e.getMessage())));
      throw e;
    }
    List<Completion> completions = new ArrayList<>();
    boolean posted = false;
    try {
      posted = post(all, arrival, completions);
    } finally {
      if (!posted) { // the engine stopped since the check above, or memory or threads run out
        queued.addAndGet(-all.size());
      }
    }
    if (!posted) {
      throw EngineThread.closed();
    }
    return List.copyOf(completions);
  }

  /** Leaves a message for each request; false, and none is left, if the engine has stopped. */
  private boolean post(List<Request> all, Arrival arrival, List<Completion> completions) {
    long now = clock.getAsLong();
    List<Runnable> messages = new ArrayList<>(); // one each: if one fails, a crash reads the others
    synchronized (this) { // numbers are in the order of arrival
      for (Request request : all) {
        Completion completion = new Completion(arrivals++, this::cancel);
        completions.add(completion);
        messages.add(orFail(arrival.message(request, completion, now), completion));
      }
      return thread.post(messages);
    }
  }

  /** A message that leaves no caller waiting if it fails before the request is in the books. */
  private static Runnable orFail(Runnable message, Completion completion) {
    return () -> {
      try {
        message.run();
      } catch (Throwable bug) { // the engine stops
        completion.fail(Requests.stopped(bug));
        throw bug;
      }
    };
  }

  /** Takes places in the queue for {@code n} requests, if there is room. */
  private void enter(int n) {
    thread.requireOpen();
    if (n > maxQueued) { // trying again would not help
      throw new RequestException(
          RequestException.Kind.INVALID,
          "requests: expected at most max-queued-requests " + maxQueued + " together, found " + n);
    }
    int waiting = queued.addAndGet(n);
    if (waiting > maxQueued) {
      queued.addAndGet(-n);
      throw new RequestException(
          RequestException.Kind.QUEUE_FULL,
          "the queue is full: "
              + (waiting - n)
              + " requests wait, at most "
              + maxQueued
              + " may; try again later");
    }
  }

  private void cancel(Completion completion) {
    thread.post(() -> core.requests().cancel(completion.id(), "cancelled"));
  }

  /** Requests that were taken and never ran yet. */
  int waiting() {
    return queued.get();
  }
}
