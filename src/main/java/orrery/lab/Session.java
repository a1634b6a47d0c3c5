package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;

/**
 * One run of a workload through an engine of its own; everything it learns comes from the events.
 *
 * <p>An answer shorter than its max_tokens is cancelled when it has its length. That happens
 * between two steps, where an end-of-sequence token would also end it, and no scheduler can foresee
 * it.
 */
final class Session {
  private final List<Event> events =
      new ArrayList<>(); // the engine writes, we read when it has ended
  private final List<Job> jobs = new CopyOnWriteArrayList<>(); // by request
  private final List<CompletableFuture<Completion>> completions = new CopyOnWriteArrayList<>();
  private final Engine engine;
  private List<Job> late = List.of();
  private int lateTokens;
  private int first; // first request that counts; earlier events are dropped
  private int missing; // requests still below lateTokens; the engine's thread counts

  Session(LoadedModel loaded, EngineOptions options) {
    this(loaded, options, EventSink.NONE);
  }

  /** Has a host that also gets every event, on the thread that tells clients. */
  private Session(LoadedModel loaded, EngineOptions options, EventSink host) {
    engine =
        Engine.start(
            loaded,
            options,
            event -> {
              accept(event);
              host.accept(event);
            });
  }

  /** Runs jobs that all arrive at once. */
  static Trace run(LoadedModel loaded, EngineOptions options, List<Job> jobs) {
    Session session = new Session(loaded, options);
    session.submit(jobs);
    return session.finish();
  }

  /**
   * The same after other jobs that do not count: they make the engine capture its programs and
   * touch its memory.
   */
  static Trace run(LoadedModel loaded, EngineOptions options, List<Job> before, List<Job> jobs) {
    return run(loaded, options, EventSink.NONE, before, jobs);
  }

  /** The same with a host that also gets every event. */
  static Trace run(
      LoadedModel loaded, EngineOptions options, EventSink host, List<Job> before, List<Job> jobs) {
    Session session = new Session(loaded, options, host);
    session.submit(before);
    session.completions.forEach(c -> c.join().join());
    session.first = before.size();
    session.submit(jobs);
    return session.finish();
  }

  private void accept(Event event) {
    if (event instanceof Event.Submitted s && s.request() == first) {
      events.clear();
    }
    events.add(event);
    if (event instanceof Event.TokenOut t) {
      Job job = jobs.get(t.request());
      if (t.index() + 1 == job.length() && job.length() < job.limit()) {
        completions.get(t.request()).join().cancel();
      }
      if (t.index() + 1 == lateTokens && --missing == 0) {
        submit(late); // from the engine's own thread, so always at the same step
      }
    }
  }

  /** Jobs arrive together; returns the number of the first, the others follow. */
  int submit(List<Job> more) {
    int first = jobs.size();
    jobs.addAll(more);
    List<CompletableFuture<Completion>> futures = new ArrayList<>();
    more.forEach(job -> futures.add(new CompletableFuture<>()));
    completions.addAll(futures);
    List<Completion> submitted = engine.submit(more.stream().map(Session::request).toList());
    for (int i = 0; i < submitted.size(); i++) {
      futures.get(i).complete(submitted.get(i));
    }
    return first;
  }

  private static Request request(Job job) {
    return Request.of(job.prompt(), job.params()).withRetention(job.retention());
  }

  /**
   * Lets jobs arrive as soon as {@code others} requests have {@code tokens} tokens of their
   * answers.
   */
  void submitLater(List<Job> late, int others, int tokens) {
    this.late = late;
    this.lateTokens = tokens;
    this.missing = others;
  }

  /** Waits for all answers and returns the trace of the run. */
  Trace finish() {
    try (engine) {
      for (int i = 0; i < completions.size(); i++) { // late jobs join meanwhile
        completions.get(i).join().join();
      }
    }
    return new Trace(events);
  }
}
