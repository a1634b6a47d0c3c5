package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import orrery.server.RawClient.Reply;

/** What a handler and its client see of each other. */
class HttpServerTest {
  private static final ServerOptions OPTIONS = ServerOptions.defaults().withPort(0);

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private HttpServer server;

  private RawClient serve(ServerOptions options, Routes routes) throws Exception {
    server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
    server.open(routes);
    return new RawClient(server.port());
  }

  private RawClient serve(Routes routes) throws Exception {
    return serve(OPTIONS, routes);
  }

  @AfterEach
  void close() {
    if (server != null) {
      server.close();
    }
    assertThat(bugs).isEmpty();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void echo(Call call) throws java.io.IOException {
    call.answer(200, "text/plain", call.body());
  }

  @Test
  void aHandlerSeesTheCallAsItWasSent() throws Exception {
    Routes routes =
        new Routes()
            .post(
                "/models/{id}",
                c ->
                    c.answer(
                        200,
                        "text/plain",
                        utf8(
                            String.join(
                                "|",
                                c.method(),
                                c.path(),
                                c.parameter(),
                                c.query("q").orElseThrow(),
                                c.query("none").orElse("absent"),
                                c.header("x-id").orElseThrow(),
                                new String(c.body(), StandardCharsets.UTF_8),
                                Boolean.toString(Thread.currentThread().isVirtual())))));
    try (RawClient client = serve(routes)) {
      Reply reply = client.post("/models/a%2Fb/%C3%AB?p=1&q=x+y%26z", "Zoë", "X-Id: 7").reply();
      assertThat(reply.status()).isEqualTo(200);
      assertThat(reply.body()).isEqualTo("POST|/models/a/b/ë|a/b/ë|x y&z|absent|7|Zoë|true");
    }
  }

  @Test
  void oneConnectionCarriesManyCallsAlsoIfTheyComeTogether() throws Exception {
    try (RawClient client = serve(new Routes().post("/echo", HttpServerTest::echo))) {
      for (int i = 0; i < 50; i++) {
        client.post("/echo", "call " + i);
      }
      for (int i = 0; i < 50; i++) {
        assertThat(client.reply().body()).isEqualTo("call " + i);
      }
      client.send(
          "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
              + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
      assertThat(client.reply().body()).isEqualTo("abcde");
    }
  }

  @Test
  void callsThatComeWhileAnotherIsWatchedAreKept() throws Exception {
    CountDownLatch watched = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Routes routes =
        new Routes()
            .post(
                "/slow",
                c -> {
                  c.body();
                  c.onClose(() -> {});
                  watched.countDown();
                  await(go);
                  c.answer(200, "text/plain", utf8("slow"));
                })
            .post("/echo", HttpServerTest::echo);
    try (RawClient client = serve(routes)) {
      client.post("/slow", "x");
      await(watched);
      for (int i = 0; i < 3; i++) {
        client.post("/echo", "early " + i);
        Thread.sleep(20);
      }
      String large = "x".repeat(100_000); // more than is kept
      client.post("/echo", large);
      go.countDown();
      assertThat(client.reply().body()).isEqualTo("slow");
      for (int i = 0; i < 3; i++) {
        assertThat(client.reply().body()).isEqualTo("early " + i);
      }
      assertThat(client.reply().body()).isEqualTo(large);
    }
  }

  @Test
  void aStreamIsWhatClientsParseAndEndsAtOnce() throws Exception {
    Routes routes =
        new Routes()
            .post(
                "/stream",
                c -> {
                  EventStream events = c.events();
                  events.send(utf8("{\"a\":1}"));
                  events.send(utf8("{\"a\":2}"));
                  events.done();
                })
            .post("/echo", HttpServerTest::echo);
    try (RawClient client = serve(routes)) {
      Reply reply = client.post("/stream", "").reply();
      assertThat(reply.header("Content-Type")).isEqualTo("text/event-stream; charset=utf-8");
      assertThat(reply.body()).isEqualTo("data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: [DONE]\n\n");
      assertThat(client.post("/echo", "on the same connection").reply().status()).isEqualTo(200);
    }
  }

  @Test
  void eventsArriveOneByOneAndAnAbortBreaksTheBodyOff() throws Exception {
    CountDownLatch seen = new CountDownLatch(1);
    Routes routes =
        new Routes()
            .get(
                "/stream",
                c -> {
                  EventStream events = c.events();
                  events.send(utf8("1"));
                  await(seen);
                  events.abort();
                });
    try (RawClient client = serve(routes)) {
      assertThat(client.get("/stream").head().status()).isEqualTo(200);
      assertThat(client.chunk()).asString().isEqualTo("data: 1\n\n");
      seen.countDown();
      assertThat(client.closed()).isTrue(); // no last chunk
    }
  }

  @Test
  void whatAHandlerThrowsIsAnAnswerInOpenAisShape() throws Exception {
    Routes routes =
        new Routes()
            .get(
                "/invalid",
                c -> {
                  throw HttpException.invalid("top_p", "top_p: \ud83d");
                })
            .get(
                "/busy",
                c -> {
                  throw HttpException.unavailable("full");
                })
            .get(
                "/late",
                c -> {
                  EventStream events = c.events();
                  events.send(utf8("{}"));
                  throw HttpException.failed("in the middle");
                });
    try (RawClient client = serve(routes)) {
      Reply invalid = client.get("/invalid").reply();
      assertThat(invalid.status()).isEqualTo(400);
      assertThat(invalid.header("Content-Type")).isEqualTo("application/json");
      assertThat(invalid.body())
          .isEqualTo(
              "{\"error\":{\"message\":\"top_p: \ufffd\",\"type\":\"invalid_request_error\","
                  + "\"param\":\"top_p\",\"code\":null}}");
      Reply busy = client.get("/busy").reply();
      assertThat(busy.status()).isEqualTo(503);
      assertThat(busy.header("Retry-After")).isEqualTo("1");
      assertThat(client.get("/late").reply().body())
          .startsWith("data: {}\n\ndata: {\"error\":{\"message\":\"in the middle\"")
          .endsWith("}\n\ndata: [DONE]\n\n");
      Reply path = client.get("/v1/nothing").reply();
      assertThat(path.status()).isEqualTo(404);
      assertThat(path.body()).contains("found /v1/nothing");
      Reply method = client.post("/busy", "").reply();
      assertThat(method.status()).isEqualTo(405);
      assertThat(method.header("Allow")).isEqualTo("GET, HEAD");
      assertThat(client.get("/%ff").reply().status()).isEqualTo(400);
    }
  }

  @Test
  void aBugIsA500AndIsReported() throws Exception {
    Routes routes =
        new Routes()
            .get(
                "/bug",
                c -> {
                  throw new AssertionError("oops");
                })
            .get("/silent", c -> {});
    try (RawClient client = serve(routes)) {
      Reply bug = client.get("/bug").reply();
      assertThat(bug.status()).isEqualTo(500);
      assertThat(bug.body()).contains("a bug of the server").doesNotContain("oops", "Assertion");
      assertThat(client.get("/silent").reply().status()).isEqualTo(500);
    }
    assertThat(bugs).hasSize(2);
    bugs.clear();
  }

  @Test
  void headIsAnsweredLikeGetWithoutTheBody() throws Exception {
    Routes routes = new Routes().get("/page", c -> c.answer(200, "text/plain", utf8("12345")));
    try (RawClient client = serve(routes)) {
      Reply head = client.send("HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n").replyToHead();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("Content-Length")).isEqualTo("5");
      assertThat(client.get("/page").reply().body()).isEqualTo("12345");
    }
  }

  @Test
  void aClosedConnectionIsNoticedWhileNothingIsWritten() throws Exception {
    for (boolean reset : new boolean[] {false, true}) {
      CountDownLatch watched = new CountDownLatch(1);
      CountDownLatch gone = new CountDownLatch(1);
      AtomicReference<Object> result = new AtomicReference<>();
      Routes routes =
          new Routes()
              .post(
                  "/slow",
                  c -> {
                    c.body();
                    c.onClose(gone::countDown);
                    result.set(gone.getCount());
                    watched.countDown();
                    await(gone);
                    c.answer(200, "text/plain", new byte[0]);
                  });
      RawClient client = serve(routes);
      client.post("/slow", "abc");
      await(watched);
      if (reset) {
        client.socket.setSoLinger(true, 0);
      }
      client.close();
      await(gone);
      server.drain();
      assertThat(result.get()).isEqualTo(1L);
      server.close();
    }
  }

  @Test
  void aCallThatIsAnsweredIsNotTakenForAClosedOne() throws Exception {
    CountDownLatch gone = new CountDownLatch(1);
    Routes routes =
        new Routes()
            .post(
                "/echo",
                c -> {
                  c.onClose(gone::countDown);
                  echo(c);
                });
    try (RawClient client = serve(routes)) {
      for (int i = 0; i < 200; i++) {
        assertThat(client.post("/echo", "x" + i).reply().body()).isEqualTo("x" + i);
      }
      server.drain(); // a client that leaves earlier may leave before its last call has ended
    }
    assertThat(gone.getCount()).isEqualTo(1);
  }

  @Test
  void beforeItOpensAndWhenItDrainsEveryCallIs503ButMetrics() throws Exception {
    server = HttpServer.listen(OPTIONS, (call, thrown) -> bugs.add(thrown));
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    Routes routes =
        new Routes()
            .get("/health", c -> c.answer(200, "text/plain", new byte[0]))
            .getToTheEnd("/metrics", c -> c.answer(200, "text/plain", utf8("calls 1")))
            .get(
                "/slow",
                c -> {
                  inside.countDown();
                  await(go);
                  c.answer(200, "text/plain", utf8("done"));
                });
    try (RawClient slow = new RawClient(server.port());
        RawClient probe = new RawClient(server.port())) {
      assertThat(probe.get("/health").reply().status()).isEqualTo(503);
      assertThat(probe.get("/metrics").reply().status()).isEqualTo(503);
      server.open(routes);
      assertThat(probe.get("/health").reply().status()).isEqualTo(200);
      slow.get("/slow");
      await(inside);
      Thread drain =
          Thread.startVirtualThread(
              () -> {
                try {
                  server.drain();
                } catch (InterruptedException e) {
                  bugs.add(e);
                }
              });
      Reply refused = probe.get("/health").reply();
      while (refused.status() == 200) {
        refused = probe.get("/health").reply();
      }
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("Retry-After")).isEqualTo("1");
      assertThat(refused.body()).contains("the server is draining");
      assertThat(probe.get("/metrics").reply().body()).isEqualTo("calls 1");
      assertThat(probe.get("/slow").reply().status()).isEqualTo(503);
      assertThat(drain.isAlive()).isTrue();
      go.countDown();
      assertThat(slow.reply().body()).isEqualTo("done");
      drain.join(Duration.ofMinutes(2));
      assertThat(drain.isAlive()).isFalse();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(2, TimeUnit.MINUTES)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
