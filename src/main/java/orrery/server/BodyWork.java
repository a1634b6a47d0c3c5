package orrery.server;

import java.io.InterruptedIOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * Makes requests of bodies: parses JSON, turns texts into tokens, compiles constraints. A body may
 * want seconds of that, and a virtual thread that computes gives its carrier to no other. So a few
 * threads of the platform do it, which take turns with all others; the rest of the bodies wait.
 */
final class BodyWork {
  private static final int THREADS =
      Math.max(1, Runtime.getRuntime().availableProcessors() / 2); // the others are the engine's

  private static final ExecutorService POOL =
      Executors.newFixedThreadPool(
          THREADS, Thread.ofPlatform().daemon().name("orrery-body-", 0).factory());

  private BodyWork() {}

  /**
   * Does the work on a thread of the platform, and waits for it. What the work throws, this throws.
   */
  static <T> T done(Supplier<T> work) throws InterruptedIOException {
    Future<T> running = POOL.submit(work::get);
    try {
      return running.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw (RuntimeException) e.getCause(); // a supplier throws nothing else
    } catch (InterruptedException e) {
      running.cancel(true);
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while a body was read");
    }
  }
}
