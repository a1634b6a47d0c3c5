package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.Patience;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.observe.Metrics;
import orrery.observe.Profile;
import orrery.sampling.RandomSeed;
import orrery.sampling.SamplingParams;
import orrery.server.RawClient.Reply;

/** What the engine gets to know of a call: who calls, until when, and that the client has left. */
@Timeout(600)
class ServingTest {
  private static final ServerOptions OPTIONS = ServerOptions.defaults().withPort(0);
  private static final String LONG =
      "{\"prompt\": [1, 2], \"max_tokens\": 250, \"ignore_eos\": true}";

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final LinkedBlockingQueue<Event> ends = new LinkedBlockingQueue<>();
  private CountDownLatch go = new CountDownLatch(1); // lets the engine's first step end
  private CountDownLatch held = new CountDownLatch(1); // the engine's first step ends
  private LoadedModel loaded;
  private Engine engine;
  private HttpServer server;

  private void serve(ServerOptions options, int maxQueued, UnaryOperator<Serving> edit)
      throws IOException {
    loaded = LoadedModel.load(TinyModels.speck("bias"));
    EngineOptions o =
        EngineOptions.defaults()
            .withBatching(b -> b.withMaxQueuedRequests(maxQueued).withMaxRunningRequests(1));
    engine = Engine.start(loaded, o, this::see);
    server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
    Serving serving = edit.apply(Serving.of(engine, loaded));
    Routes routes = new OpenAiRoutes(serving).addTo(new Routes());
    Profile profile = new Profile(Optional.empty());
    new SglangRoutes(serving).addTo(routes);
    server.open(new ControlRoutes(serving, new Metrics("m"), profile).addTo(routes));
  }

  private void see(Event event) {
    if (event instanceof Event.StepDone) {
      held.countDown();
      await(go);
    } else if (event instanceof Event.Finished) {
      ends.add(event);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(3, TimeUnit.MINUTES)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
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

  private String reason() throws InterruptedException {
    return ((Event.Finished) ends.poll(3, TimeUnit.MINUTES)).reason();
  }

  @Test
  void aFullQueueIs503BeforeTheBodyIsSent() throws Exception {
    serve(OPTIONS, 1, s -> s);
    try (RawClient running = new RawClient(server.port());
        RawClient queued = new RawClient(server.port());
        RawClient late = new RawClient(server.port())) {
      running.post("/v1/completions", LONG);
      await(held);
      queued.post("/v1/completions", LONG);
      Patience.await("a second call waits", () -> engine.waiting() > 0);
      late.send(
          "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
              + "Expect: 100-continue\r\n\r\n");
      Reply refused = late.reply();
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("Retry-After")).isEqualTo("1");
      assertThat(refused.body()).contains("the queue is full: 1 requests wait");
      go.countDown();
      assertThat(running.reply().status()).isEqualTo(200);
      assertThat(queued.reply().status()).isEqualTo(200);
    }
  }

  @Test
  void aClientThatLeavesCancelsItsRequestBeforeAnythingIsWritten() throws Exception {
    serve(OPTIONS, 10, s -> s);
    try (RawClient client = new RawClient(server.port())) {
      client.post("/v1/completions", LONG);
      await(held);
    }
    Patience.await("the server has noticed", () -> server.connections() == 0);
    go.countDown();
    assertThat(reason()).isEqualTo("abort");
    server.drain();
    assertThat(engine.flushCache().get(1, TimeUnit.MINUTES)).as("nothing runs").isTrue();
  }

  @Test
  void metricsAreServedUntilTheLastCallIsAnswered() throws Exception {
    serve(OPTIONS, 10, s -> s);
    try (RawClient running = new RawClient(server.port());
        RawClient probe = new RawClient(server.port())) {
      running.post("/v1/completions", LONG);
      await(held);
      Thread drain = Thread.startVirtualThread(this::drain);
      Reply models = probe.get("/v1/models").reply();
      while (models.status() == 200) { // it does not drain yet
        models = probe.get("/v1/models").reply();
      }
      assertThat(models.body()).contains("the server is draining");
      assertThat(probe.get("/metrics").reply().body()).contains("sglang:num_running_reqs");
      assertThat(drain.isAlive()).isTrue();
      go.countDown();
      assertThat(running.reply().status()).isEqualTo(200);
      drain.join(Duration.ofMinutes(3));
      assertThat(drain.isAlive()).isFalse();
    }
  }

  private void drain() {
    try {
      server.drain();
    } catch (InterruptedException e) {
      bugs.add(e);
    }
  }

  @Test
  void aClientThatWaitsForAFlushAndLeavesIsNotWaitedFor() throws Exception {
    serve(OPTIONS, 10, s -> s);
    try (RawClient running = new RawClient(server.port())) {
      running.post("/v1/completions", LONG);
      await(held); // the engine reads no message, so only the client can end its wait
      try (RawClient client = new RawClient(server.port())) {
        Reply refused = client.get("/flush_cache?timeout=61").reply();
        assertThat(refused.body()).contains("timeout: expected seconds from 0 to 60, found");
        client.get("/flush_cache?timeout=60");
      }
      long start = System.nanoTime();
      Patience.await("the server has noticed", () -> server.connections() == 1);
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(50));
      go.countDown();
      assertThat(running.reply().status()).isEqualTo(200);
    }
    long start = System.nanoTime();
    server.drain();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(50));
  }

  @Test
  void anEngineThatHasEndedIs503WithoutAPromiseForLater() throws Exception {
    serve(OPTIONS, 10, s -> s);
    go.countDown();
    engine.close();
    try (RawClient client = new RawClient(server.port())) {
      Reply refused = client.post("/v1/completions", LONG).reply();
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("Retry-After")).isNull();
      assertThat(refused.body()).contains("the engine is closed");
    }
  }

  private static Serving within(Serving s, Duration deadline) {
    return new Serving(s.engine(), s.loaded(), "m", false, Optional.of(deadline), RandomSeed.NONE);
  }

  @Test
  void anAnswerThatIsPastTheServersDeadlineIsCutOff() throws Exception {
    Patience.grow(
        Duration.ofSeconds(1),
        deadline -> {
          go = new CountDownLatch(1);
          held = new CountDownLatch(1);
          ends.clear();
          serve(OPTIONS, 10, s -> within(s, deadline));
          boolean inTime = isCutOff(deadline);
          if (!inTime) {
            close(); // and another server tries
          }
          return inTime;
        });
  }

  /** Lets the deadline pass at the end of the first step; false if that came too late itself. */
  private boolean isCutOff(Duration deadline) throws Exception {
    try (RawClient client = new RawClient(server.port())) {
      client.post("/v1/completions", LONG);
      Patience.await(
          "the first token, or none in time", () -> held.getCount() == 0 || !ends.isEmpty());
      if (held.getCount() > 0) {
        return false;
      }
      Thread.sleep(deadline.plusMillis(50));
      go.countDown();
      Reply cut = client.reply();
      assertThat(cut.status()).as(cut.body()).isEqualTo(200);
      assertThat(cut.body()).contains("\"finish_reason\":\"abort\"");
    }
    assertThat(reason()).isEqualTo("abort");
    return true;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/completions {\"prompt\": [1], \"max_tokens\": 2%s}",
        "/v1/completions {\"prompt\": [[1], [2]], \"n\": 2, \"max_tokens\": 2%s}",
        "/generate {\"input_ids\": [1]%s}",
        "/generate {\"input_ids\": [[1], [2]]%s}"
      })
  void aCallWithoutATokenAtItsDeadlineIs503AlsoAsAStream(String call) throws Exception {
    serve(OPTIONS, 10, s -> within(s, Duration.ofNanos(1)));
    go.countDown();
    String path = call.substring(0, call.indexOf(' '));
    try (RawClient client = new RawClient(server.port())) {
      for (String stream : List.of("", ", \"stream\": true")) {
        Reply late = client.post(path, call.substring(path.length() + 1).formatted(stream)).reply();
        assertThat(late.status()).as(late.body()).isEqualTo(503);
        assertThat(late.header("Retry-After")).isEqualTo("1");
        assertThat(late.body()).contains("no token yet when its time (--request-timeout) was over");
        assertThat(late.body()).contains("\"type\":\"service_unavailable_error\"");
      }
    }
  }

  /** The seed of a request without one, as the engine gets it. */
  private long seed(Serving serving, double temperature) {
    Call call =
        (Call)
            Proxy.newProxyInstance(
                Call.class.getClassLoader(), new Class<?>[] {Call.class}, (p, method, a) -> "t");
    SamplingParams params = SamplingParams.defaults().withTemperature((float) temperature);
    return serving.of(call, Request.of(new int[] {1}, params)).params().seed().orElse(-1);
  }

  @Test
  void theSeedsOfRequestsWithoutOneFollowFromTheRandomSeedAndTheirNumber() throws Exception {
    go.countDown();
    serve(OPTIONS, 10, s -> s);
    RandomSeed seven = new RandomSeed(7);
    List<Serving> same = new ArrayList<>();
    for (RandomSeed random : List.of(seven, seven, new RandomSeed(8), RandomSeed.NONE)) {
      same.add(new Serving(engine, loaded, "m", false, Optional.empty(), random));
    }
    List<Long> seeds = List.of(seed(same.get(0), 1), seed(same.get(0), 1), seed(same.get(0), 1));
    assertThat(seeds).doesNotHaveDuplicates().first().isEqualTo(seven.of(0));
    assertThat(List.of(seed(same.get(1), 1), seed(same.get(1), 1), seed(same.get(1), 1)))
        .isEqualTo(seeds);
    assertThat(seeds).doesNotContain(seed(same.get(2), 1));
    Serving probed = new Serving(engine, loaded, "m", false, Optional.empty(), seven);
    assertThat(seed(probed, 0)).as("a request that draws nothing").isEqualTo(-1);
    assertThat(seed(probed, 1)).as("it took no number").isEqualTo(seeds.getFirst());
    assertThat(seed(same.get(3), 1)).as("the engine takes its number").isEqualTo(-1);
  }

  @Test
  void tenantsShareNoPrefixAndOneTenantDoes() throws Exception {
    go.countDown();
    serve(
        OPTIONS.withApiKeys(List.of("a", "b")),
        10,
        s -> new Serving(s.engine(), s.loaded(), "m", true, Optional.empty(), RandomSeed.NONE));
    String ids = IntStream.range(0, 64).mapToObj(i -> "" + i).collect(Collectors.joining(","));
    String body = "{\"prompt\": [" + ids + "], \"max_tokens\": 1%s}";
    try (RawClient client = new RawClient(server.port())) {
      assertThat(cached(client, "a", body.formatted(""))).isZero();
      assertThat(cached(client, "b", body.formatted(""))).isZero();
      assertThat(cached(client, "a", body.formatted(""))).isPositive();
      String salted = body.formatted(", \"cache_salt\": \"x\"");
      assertThat(cached(client, "a", salted)).isZero();
      assertThat(cached(client, "b", salted)).isZero();
      assertThat(cached(client, "b", salted)).isPositive();
    }
  }

  private static int cached(RawClient client, String key, String body) throws IOException {
    Reply reply = client.post("/v1/completions", body, "Authorization: Bearer " + key).reply();
    assertThat(reply.status()).as(reply.body()).isEqualTo(200);
    return new JsonMapper()
        .readTree(reply.body())
        .at("/usage/prompt_tokens_details/cached_tokens")
        .asInt();
  }
}
