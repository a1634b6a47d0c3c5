package orrery.cli;

import java.util.concurrent.CompletableFuture;
import orrery.server.HttpServer;
import orrery.server.Serving;

/** How a command that serves comes to its end. */
final class ServeEnd {
  private ServeEnd() {}

  /**
   * Waits for a signal, or a bug that stops the engine, and then for calls that still run.
   *
   * @return the exit code
   * @throws InterruptedException if a second signal comes
   */
  static int await(
      Serving serving, HttpServer http, PageServer page, Ending ending, Reports reports)
      throws InterruptedException {
    CompletableFuture<Throwable> broken = serving.broken();
    broken.thenAccept(
        bug -> {
          reports.bug("the engine stopped", bug);
          ending.begin(); // a router must see 503 at /health and send nothing more
        });
    ending.await();
    reports.say(
        "ending: new calls are refused, those that run are finished; a second signal stops");
    serving.end(); // what is paused could never finish
    page.close(); // its streams never end by themselves
    http.drain();
    return broken.isDone() ? 1 : 0;
  }
}
