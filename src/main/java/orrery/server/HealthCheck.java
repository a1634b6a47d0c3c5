package orrery.server;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import orrery.engine.Completion;
import orrery.engine.Request;
import orrery.engine.RequestException;
import orrery.observe.Metrics;
import orrery.sampling.SamplingParams;

/**
 * {@code /health_generate}: computes one token, to show that the whole way from a prompt to a token
 * works. Under load that token may come late or find no place in the queue. Then the steps of
 * others show as much, as in SGLang.
 *
 * @param metrics a sink of the engine's
 * @param patience after which an engine without a token or a step counts as ill
 */
record HealthCheck(Serving serving, Metrics metrics, Duration patience) implements Handler {
  private static final int POLL_MILLIS = 20;
  private static final int OWN_STEPS = 1; // of the token; more are those of others

  @Override
  public void handle(Call call) throws IOException {
    long before = metrics.steps();
    long end = System.nanoTime() + patience.toNanos();
    Completion token = submit(call);
    try {
      if (token != null) {
        call.onClose(token::cancel);
      }
      while (!computed(token) && metrics.steps() <= before + OWN_STEPS) {
        if (System.nanoTime() - end > 0) {
          throw HttpException.unavailable("no token came in " + patience.toMillis() / 1e3 + " s");
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw HttpException.unavailable("interrupted while a token was computed");
    } finally {
      if (token != null) {
        token.close();
      }
    }
    call.answer(200, "text/plain", new byte[0]);
  }

  /** The request for a token; null if the queue is full. */
  private Completion submit(Call call) {
    SamplingParams one = SamplingParams.defaults().withTemperature(0).withMaxTokens(1);
    try {
      return serving
          .engine()
          .submit(serving.of(call, Request.of(new int[] {0}, one.withSeed(0))).withPriority(1));
    } catch (RequestException e) {
      if (e.kind() == RequestException.Kind.QUEUE_FULL) {
        return null;
      }
      throw e;
    }
  }

  /** Waits a little. */
  private static boolean computed(Completion token) throws InterruptedException {
    if (token == null) {
      Thread.sleep(POLL_MILLIS);
      return false;
    }
    boolean done = token.await(POLL_MILLIS, TimeUnit.MILLISECONDS);
    if (done) {
      token.join(); // throws what the engine has failed with
    }
    return done;
  }
}
