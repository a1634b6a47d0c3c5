package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;

/**
 * Clients that never pause: each sends its next request when the last one has ended. So there are
 * always as many requests in the engine as there are clients.
 *
 * <pre>
 *   client 1   [request 1      ][request 4 ][request 6        ]
 *   client 2   [request 2 ][request 3           ][request 7 ]
 *   client 3   [request 0                 ][request 5   ]
 *                               └ counts from here: three requests of three clients have ended
 * </pre>
 *
 * <p>The next request is sent from the engine's own thread, while it tells that the last one ended.
 */
final class ClosedLoop {
  private final List<Event> events = new ArrayList<>(); // the engine's thread writes
  private final List<Completion> completions = new ArrayList<>(); // see submit
  private final CompletableFuture<Void> done = new CompletableFuture<>();
  private final List<Job> jobs;
  private final int ends; // of requests, after which the run is over
  private final Engine engine;
  private int next; // job
  private int ended; // requests

  private ClosedLoop(LoadedModel loaded, EngineOptions options, List<Job> jobs, int ends) {
    this.jobs = jobs;
    this.ends = ends;
    this.engine = Engine.start(loaded, options, this::accept);
  }

  /** Jobs that a run needs at most: it ends while every client has a request. */
  static int jobs(int concurrency, int requests) {
    return 2 * concurrency + requests;
  }

  /**
   * Runs a loop until {@code concurrency + requests} requests have ended, in an engine of its own.
   *
   * @param jobs in the order in which clients take them, at least {@link #jobs}
   * @return what happened until then
   * @throws CancellationException if this thread is interrupted
   */
  static List<Event> run(
      LoadedModel loaded, EngineOptions options, List<Job> jobs, int concurrency, int requests) {
    ClosedLoop loop = new ClosedLoop(loaded, options, jobs, concurrency + requests);
    try (Engine engine = loop.engine) {
      try {
        engine.warmUpNow(
            rows -> {}); // programs are captured before, as where requests come all day
        loop.submit(concurrency);
        loop.done.get();
      } finally {
        loop.end();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    }
    return loop.events;
  }

  private void accept(Event event) {
    if (done.isDone()) {
      return;
    }
    events.add(event);
    if (event instanceof Event.Finished) {
      ended++;
      if (ended == ends) {
        done.complete(null);
      } else {
        submit(1);
      }
    }
  }

  /** The first call is the main thread's, and comes before any request has ended. */
  private void submit(int count) {
    List<Request> requests = new ArrayList<>();
    synchronized (completions) {
      if (done.isDone()) {
        return;
      }
      for (int i = 0; i < count; i++) {
        Job job = jobs.get(next++);
        requests.add(Request.of(job.prompt(), job.params()));
      }
      for (Completion c : engine.submit(requests)) {
        completions.add(c);
        c.answers().whenComplete((answers, failure) -> fail(failure));
      }
    }
  }

  private void fail(Throwable failure) {
    if (failure != null) {
      done.completeExceptionally(failure); // nothing happens if the run is over
    }
  }

  /** From here on no request is sent, and those that are there are given up. */
  private void end() {
    done.complete(null); // nothing happens if the run is over
    synchronized (completions) {
      completions.forEach(Completion::cancel);
    }
  }
}
