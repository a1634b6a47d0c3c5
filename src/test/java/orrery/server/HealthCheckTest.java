package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import orrery.Patience;
import orrery.TinyModels;
import orrery.engine.Completion;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.observe.Metrics;
import orrery.sampling.SamplingParams;

/** What counts as a healthy engine while others keep it busy. */
class HealthCheckTest {
  private static final Request LONG =
      Request.of(
          new int[] {1, 2}, SamplingParams.defaults().withMaxTokens(250).withIgnoreEos(true));

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final CountDownLatch go = new CountDownLatch(1); // lets the engine's third step end
  private volatile int steps;
  private LoadedModel loaded;
  private Engine engine; // one request runs, one waits
  private HttpServer server;

  private void serve(Duration patience, int heldStep) throws IOException {
    loaded = LoadedModel.load(TinyModels.speck("bias"));
    EngineOptions options =
        EngineOptions.defaults()
            .withBatching(b -> b.withMaxQueuedRequests(1).withMaxRunningRequests(1));
    Metrics metrics = new Metrics("m");
    engine = Engine.start(loaded, options, metrics.and(event -> see(event, heldStep)));
    server =
        HttpServer.listen(ServerOptions.defaults().withPort(0), (call, thrown) -> bugs.add(thrown));
    HealthCheck check = new HealthCheck(Serving.of(engine, loaded), metrics, patience);
    server.open(new Routes().get("/health_generate", check));
  }

  private void see(Event event, int heldStep) {
    if (event instanceof Event.StepDone) {
      steps++; // on the engine's thread only
      try {
        assertThat(steps < heldStep || go.await(5, TimeUnit.MINUTES)).isTrue();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @AfterEach
  void close() {
    go.countDown();
    server.close();
    engine.shutdownNow();
    engine.close();
    loaded.close();
    assertThat(bugs).isEmpty();
  }

  private int check() throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      return client.get("/health_generate").reply().status();
    }
  }

  @Test
  void stepsForOthersShowHealthThoughTheChecksOwnTokenMustWait() throws Exception {
    serve(Duration.ofMinutes(5), Integer.MAX_VALUE);
    engine.pause(PauseMode.IN_PLACE).join();
    Completion runs = engine.submit(LONG);
    assertThat(engine.step(1).join()).isEqualTo(1);
    assertThat(checkWhileOthersGoOn()).as("it waits behind another").isEqualTo(200);
    Patience.await("the check's own request is cancelled", () -> engine.waiting() == 0);
    Completion waits = engine.submit(LONG);
    assertThat(checkWhileOthersGoOn()).as("the queue is full").isEqualTo(200);
    assertThat(List.of(runs.isDone(), waits.isDone())).containsOnly(false);
  }

  /** Computes a step now and then, until the check is answered: far fewer than a request has. */
  private int checkWhileOthersGoOn() throws Exception {
    CompletableFuture<Integer> answer =
        CompletableFuture.supplyAsync(this::checked, Thread::startVirtualThread);
    for (int wait = 50; !answer.isDone(); wait += 50) {
      try {
        answer.get(wait, TimeUnit.MILLISECONDS);
      } catch (TimeoutException goOn) {
        assertThat(engine.step(1).join()).isEqualTo(1);
      }
    }
    return answer.get();
  }

  private int checked() {
    try {
      return check();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void anEngineThatMakesNoStepIsIll() throws Exception {
    serve(Duration.ofMillis(200), 1);
    engine.submit(LONG);
    Patience.await("the first step", () -> steps > 0);
    assertThat(check()).as("it waits behind another").isEqualTo(503);
    assertThat(check()).as("that one fills the queue until a step ends").isEqualTo(503);
  }

  @Test
  void anIdleEngineIsHealthyByOneToken() throws Exception {
    serve(Duration.ofMinutes(1), Integer.MAX_VALUE);
    assertThat(check()).isEqualTo(200);
  }
}
