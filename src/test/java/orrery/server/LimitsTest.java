package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.Patience;
import orrery.server.RawClient.Reply;

/** What a client may send, hold and wait, and who may call. */
class LimitsTest {
  private static final ServerOptions OPTIONS = ServerOptions.defaults().withPort(0);
  private static final Duration SHORT = Duration.ofMillis(300);

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger changes = new AtomicInteger();
  private final Routes routes =
      new Routes()
          .get("/health", c -> c.answer(200, "text/plain", new byte[0]))
          .getOwn("/change", c -> c.answer(200, "text/plain", utf8("" + changes.incrementAndGet())))
          .post("/change", c -> c.answer(200, "text/plain", utf8("" + changes.incrementAndGet())))
          .get("/who", c -> c.answer(200, "text/plain", utf8(c.tenant())))
          .post("/length", c -> c.answer(200, "text/plain", utf8("" + c.body().length)));
  private HttpServer server;

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private RawClient serve(ServerOptions options) throws IOException {
    server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
    server.open(routes);
    return new RawClient(server.port());
  }

  @AfterEach
  void close() {
    if (server != null) {
      server.close();
    }
    assertThat(bugs).isEmpty();
  }

  private static void assertRefused(Reply reply, int status, String message) {
    assertThat(reply.status()).as(reply.body()).isEqualTo(status);
    assertThat(reply.body())
        .startsWith("{\"error\":{\"message\":\"")
        .contains(message, "\"type\":\"", "\"param\":", "\"code\":");
  }

  @Test
  void headersMayHave16KiBAndMoreGet431() throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      assertThat(client.get("/health", "X-A: " + "a".repeat(15_000)).reply().status())
          .isEqualTo(200);
      Reply refused = client.get("/health", "X-A: " + "a".repeat(20_000)).reply();
      assertRefused(refused, 431, "headers: expected at most 16384 bytes");
    }
    try (RawClient client = new RawClient(server.port())) {
      assertThat(client.get("/" + "a".repeat(20_000)).reply().status()).isEqualTo(414);
    }
  }

  @Test
  void aBodyThatSaysItIsTooLongIsRefusedBeforeItIsSent() throws Exception {
    ServerOptions options = OPTIONS.withMaxBody(1000);
    try (RawClient client = serve(options)) {
      assertThat(client.post("/length", "a".repeat(1000)).reply().body()).isEqualTo("1000");
      client.send("POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n");
      Reply reply = client.reply();
      assertRefused(reply, 413, "body: expected at most 1000 bytes, found more");
      assertThat(reply.header("Connection")).isEqualTo("close");
      client.socket.shutdownOutput();
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void aChunkedBodyIsRefusedWhenItGetsTooLongAndTheClientReadsTheAnswer() throws Exception {
    ServerOptions options = OPTIONS.withMaxBody(100_000);
    try (RawClient client = serve(options)) {
      client.send("POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (int i = 0; i < 20; i++) { // as a client that reads nothing before it has sent all
        client.send("2710\r\n" + "a".repeat(10_000) + "\r\n");
      }
      assertRefused(client.reply(), 413, "found more");
    }
  }

  @Test
  void aClientThatWaitsForLeaveIsToldBeforeItSends() throws Exception {
    try (RawClient client = serve(OPTIONS.withMaxBody(1000))) {
      client.send(
          "POST /length HTTP/1.1\r\n"
              + "Host: localhost\r\n"
              + "Content-Length: 3\r\n"
              + "Expect: 100-continue\r\n\r\n");
      assertThat(client.head().status()).isEqualTo(100);
      assertThat(client.send("abc").reply().body()).isEqualTo("3");
      client.send(
          "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n"
              + "Expect: 100-continue\r\n\r\n");
      assertRefused(client.reply(), 413, "found more");
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void headersThatTrickleInAreCutOffAfterTheTimeForARequest() throws Exception {
    try (RawClient client = serve(OPTIONS.withSendTime(SHORT))) {
      client.send("GET /health HTTP/1.1\r\n");
      CompletableFuture<Void> drips = CompletableFuture.runAsync(() -> drip(client, "X-A: b\r\n"));
      assertThat(client.closed()).isTrue();
      drips.get(2, TimeUnit.MINUTES);
    }
  }

  @Test
  void aServerThatIsLateItselfAnswersAllTheSame() throws Exception {
    UnaryOperator<Handler> busy =
        handler ->
            new Handler.Wrapper(handler) {
              @Override
              public boolean handle(Request request, Response response, Callback callback)
                  throws Exception {
                sleep(SHORT.multipliedBy(4)); // as if other threads had the processor
                return super.handle(request, response, callback);
              }
            };
    server = HttpServer.listen(OPTIONS.withSendTime(SHORT), (call, t) -> bugs.add(t), busy);
    server.open(routes);
    try (RawClient client = new RawClient(server.port())) {
      assertThat(client.post("/length", "abc").reply().body()).isEqualTo("3");
      assertThat(client.get("/health").reply().status()).isEqualTo(200);
      client.send("GET /health HTTP/1.1\r\n"); // the client's own time ends as before
      assertThat(client.closed()).isTrue();
    }
  }

  @Test
  void aBodyThatTricklesInGets408AfterTheTimeForARequest() throws Exception {
    try (RawClient client = serve(OPTIONS.withSendTime(SHORT))) {
      client.send("POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
      CompletableFuture<Void> drips = CompletableFuture.runAsync(() -> drip(client, "a"));
      assertRefused(client.reply(), 408, "body: expected all of it within");
      assertThat(client.closed()).isTrue();
      drips.get(2, TimeUnit.MINUTES);
    }
  }

  /** Sends a little now and then until the server closes the connection. */
  private static void drip(RawClient client, String drop) {
    try {
      while (true) {
        client.send(drop);
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (IOException closed) {
      // as it must be
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aConnectionThatNobodyUsesIsClosedButAComputationIsNoIdleness() throws Exception {
    Patience.grow(SHORT, this::isClosedWhenIdle);
  }

  /** Returns whether the client called before its connection was closed as idle. */
  private boolean isClosedWhenIdle(Duration idle) throws Exception {
    CompletableFuture<Void> called = new CompletableFuture<>();
    Routes routes =
        new Routes()
            .get(
                "/long",
                c -> {
                  called.complete(null);
                  sleep(idle.multipliedBy(3));
                  c.answer(200, "text/plain", utf8("long"));
                });
    ServerOptions options = OPTIONS.withIdleTime(idle);
    try (HttpServer own = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown))) {
      own.open(routes);
      try (RawClient client = new RawClient(own.port())) {
        client.get("/long");
        Reply reply = client.reply();
        if (reply == null) { // closed: the server did not get as far as the call in time
          assertThat(called).as("a call without an answer").isNotDone();
          return false;
        }
        assertThat(reply.body()).isEqualTo("long");
        assertThat(client.closed()).isTrue();
        Patience.await("the server has closed, too", () -> own.connections() == 0);
        return true;
      } catch (SocketException closed) {
        assertThat(called).as("after a call: %s", closed).isNotDone();
        return false;
      }
    }
  }

  @Test
  void halfABodyEndsTheCallWithTheConnection() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    routes.post(
        "/half",
        c -> {
          try {
            c.body();
          } catch (IOException | HttpException e) {
            thrown.complete(e);
            throw e;
          }
        });
    try (RawClient client = serve(OPTIONS)) {
      client.send("POST /half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc");
    }
    assertThat(thrown.get(2, TimeUnit.MINUTES)).isNotNull();
    server.drain();
  }

  @Test
  void aClientThatReadsNothingIsLeftAfterAWhile() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    CompletableFuture<Void> closed = new CompletableFuture<>();
    routes.get(
        "/flood",
        c -> {
          c.onClose(() -> closed.complete(null));
          EventStream events = c.events();
          byte[] event = new byte[100_000];
          try {
            while (true) {
              events.send(event);
            }
          } catch (IOException e) {
            thrown.complete(e);
            throw e;
          }
        });
    try (RawClient client = serve(OPTIONS.withReadTime(SHORT))) {
      client.get("/flood");
      assertThat(thrown.get(2, TimeUnit.MINUTES)).hasMessageContaining("has read nothing for");
      closed.get(2, TimeUnit.MINUTES);
      server.drain();
    }
  }

  @Test
  void aClientThatReadsALongEventSlowlyButSteadilyGetsAllOfIt() throws Exception {
    byte[] event = new byte[12 << 20];
    Arrays.fill(event, (byte) 'x');
    routes.get(
        "/long",
        c -> {
          EventStream events = c.events();
          events.send(event);
          events.done();
        });
    Patience.grow(Duration.ofSeconds(1), readTime -> readsAll(event.length, readTime));
  }

  /** Returns whether the machine let the client read before the server's patience was over. */
  private boolean readsAll(int length, Duration readTime) throws Exception {
    try (RawClient client = serve(OPTIONS.withReadTime(readTime))) {
      client.get("/long").head();
      long begin = System.nanoTime();
      long latest = begin; // chunk
      long longest = 0; // pause between two chunks
      int bytes = 0;
      try {
        for (byte[] chunk = client.chunk(); chunk.length > 0; chunk = client.chunk()) {
          bytes += chunk.length;
          sleep(readTime.dividedBy(100));
          longest = Math.max(longest, System.nanoTime() - latest);
          latest = System.nanoTime();
        }
      } catch (IOException broken) {
        long pause = Math.max(longest, System.nanoTime() - latest);
        assertThat(pause).as("a client that was steady").isGreaterThan(readTime.toNanos() / 4);
        return false;
      }
      assertThat(bytes).isEqualTo("data: ".length() + length + "\n\ndata: [DONE]\n\n".length());
      assertThat(System.nanoTime() - begin).as("slow").isGreaterThan(readTime.toNanos());
      return true;
    } finally {
      server.close();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example:80",
        "null",
        "chrome-extension://abc",
      })
  void withoutKeysAPageOfAnotherSiteIsRefused(String origin) throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      assertRefused(client.get("/health", "Origin: " + origin).reply(), 403, "Origin: ");
      assertRefused(client.post("/length", "abc", "Origin: " + origin).reply(), 403, "Origin: ");
    }
    server.close();
    try (RawClient client = serve(OPTIONS.withApiKeys(List.of("k")))) {
      String key = "Authorization: Bearer k";
      assertThat(client.get("/who", "Origin: " + origin, key).reply().status()).isEqualTo(200);
    }
  }

  /** What browsers send for a picture, a link, a frame or a script of a page elsewhere. */
  @ParameterizedTest
  @ValueSource(strings = {"cross-site", "same-site"})
  void whatChangesSomethingIsNotForAPageThatNamesNoOrigin(String site) throws Exception {
    String header = "Sec-Fetch-Site: " + site;
    try (RawClient client = serve(OPTIONS)) {
      assertRefused(client.get("/change", header).reply(), 403, "Sec-Fetch-Site: expected same-");
      assertRefused(client.post("/change", "", header).reply(), 403, "found " + site);
      assertThat(changes.get()).isZero();
      assertThat(client.get("/who", header).reply().status()).as("a link").isEqualTo(200);
      String local = "Origin: http://localhost:8080";
      assertThat(client.get("/change", header, local).reply().status()).isEqualTo(200);
    }
    server.close();
    try (RawClient client = serve(OPTIONS.withApiKeys(List.of("k")))) {
      String key = "Authorization: Bearer k"; // a page of the web knows none
      assertThat(client.get("/change", header, key).reply().status()).isEqualTo(200);
      assertThat(client.get("/change", header).reply().status()).isEqualTo(401);
    }
  }

  @Test
  void whatChangesSomethingIsForTheServersOwnPagesAndForProgramsButNotForAHead() throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      for (String header : List.of("Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none", "X: y")) {
        assertThat(client.get("/change", header).reply().status()).isEqualTo(200);
      }
      Reply head = client.send("HEAD /change HTTP/1.1\r\nHost: localhost\r\n\r\n").replyToHead();
      assertThat(head.status()).isEqualTo(405);
      assertThat(head.header("Allow")).isEqualTo("GET, POST");
      assertThat(changes.get()).isEqualTo(3);
    }
  }

  @Test
  void pagesOfThisMachineMayCall() throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      for (String origin :
          List.of(
              "http://localhost:8080",
              "http://127.0.0.1",
              "http://[::1]:5",
              "http://a.localhost")) {
        assertThat(client.get("/who", "Origin: " + origin).reply().status()).isEqualTo(200);
      }
    }
  }

  @Test
  void atLoopbackANameThatIsNotTheServersIsRefused() throws Exception {
    String rebound = "GET /who HTTP/1.1\r\nHost: evil.example:30000\r\n";
    String origin = "Origin: http://evil.example:30000\r\n";
    try (RawClient client = serve(OPTIONS)) {
      assertRefused(client.send(rebound + "\r\n").reply(), 403, "Host: expected localhost");
      assertRefused(client.send(rebound + origin + "\r\n").reply(), 403, "Host: ");
      for (String host : List.of("127.0.0.1:1", "LOCALHOST", "[::1]:30000", "192.168.0.1")) {
        client.send("GET /who HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        assertThat(client.reply().status()).as(host).isEqualTo(200);
      }
    }
    server.close();
    try (RawClient client = serve(OPTIONS.withAllowAnyone(true).withHost("0.0.0.0"))) {
      assertThat(client.send(rebound + origin + "\r\n").reply().status()).isEqualTo(200);
      client.send(rebound + "Origin: http://other.example\r\n\r\n");
      assertRefused(client.reply(), 403, "Origin: ");
    }
  }

  @Test
  void aConnectionTooManyIsTold503() throws Exception {
    try (RawClient first = serve(OPTIONS.withMaxConnections(2));
        RawClient second = new RawClient(server.port())) {
      assertThat(first.get("/health").reply().status()).isEqualTo(200);
      assertThat(second.get("/health").reply().status()).isEqualTo(200);
      try (RawClient third = new RawClient(server.port())) {
        Reply reply = third.get("/health").reply();
        assertRefused(reply, 503, "connections: expected at most 2, found more");
        assertThat(reply.header("Retry-After")).isEqualTo("1");
        assertThat(third.closed()).isTrue();
      }
      assertThat(first.get("/health").reply().status()).isEqualTo(200);
      first.close();
      Patience.await("the server has noticed", () -> server.connections() == 1);
      try (RawClient third = new RawClient(server.port())) {
        assertThat(third.get("/health").reply().status()).isEqualTo(200);
      }
    }
  }

  @Test
  void withKeysEveryCallNeedsOneExceptTheHealthCheck() throws Exception {
    try (RawClient client = serve(OPTIONS.withApiKeys(List.of("alpha", "beta")))) {
      assertThat(client.get("/health").reply().status()).isEqualTo(200);
      assertThat(client.get("/who", "Authorization: Bearer alpha").reply().status()).isEqualTo(200);
      assertThat(client.get("/who", "Authorization: bearer  beta").reply().status()).isEqualTo(200);
      for (String wrong :
          new String[] {
            "Bearer gamma", "Bearer", "Bearer ", "alpha", "Basic alpha", "Bearer alph"
          }) {
        Reply reply = client.get("/who", "Authorization: " + wrong).reply();
        assertRefused(reply, 401, "a key of this server");
        assertThat(reply.body()).contains("\"code\":\"invalid_api_key\"");
        assertThat(reply.header("WWW-Authenticate")).isEqualTo("Bearer");
      }
      assertRefused(client.get("/nothing").reply(), 401, "found none");
      assertRefused(client.post("/length", "abc").reply(), 401, "found none");
    }
  }

  /** The tenant of each key, in their order. */
  private List<String> tenants(String... keys) throws Exception {
    List<String> tenants = new ArrayList<>();
    try (RawClient client = serve(OPTIONS.withApiKeys(List.of(keys)))) {
      for (String key : keys) {
        tenants.add(client.get("/who", "Authorization: Bearer " + key).reply().body());
      }
    }
    server.close();
    return tenants;
  }

  @Test
  void aKeyIsTheSameTenantInEveryServerWhereverItStandsAndIsNotToBeReadFromIt() throws Exception {
    List<String> two = tenants("alpha", "beta");
    List<String> others = tenants("gamma", "alpha", "delta", "beta");
    assertThat(List.of(others.get(1), others.get(3))).isEqualTo(two);
    assertThat(others).doesNotHaveDuplicates();
    assertThat(others).allMatch(t -> t.matches("[0-9a-f]{32}"));
  }

  @Test
  void withoutKeysAnEmptyOneDoesNoHarm() throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      assertThat(client.get("/who", "Authorization: Bearer").reply().status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n", // TLS
        "GET\r\n\r\n",
        "GET /health\r\n\r\n",
        "GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET /health HTTP/1.1\r\n\r\n", // no host
        "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /length HTTP/1.1\r\n"
            + "Host: localhost\r\n"
            + "Content-Length: 1\r\n"
            + "Content-Length: 2\r\n\r\n"
            + "ab",
        "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nab",
        "POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nA B: c\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\n: c\r\n\r\n",
        "GET /health\u0000 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET health HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%c0%ae HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%u0041 HTTP/1.1\r\nHost: localhost\r\n\r\n",
      })
  void bytesThatAreNoRequestGetA400InOpenAisShape(String bytes) throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      client.send(bytes.getBytes(StandardCharsets.ISO_8859_1));
      client.socket.shutdownOutput();
      Reply reply = client.reply();
      assertThat(reply).isNotNull();
      assertRefused(reply, 400, "");
      assertThat(reply.header("Content-Type")).isEqualTo("application/json");
    }
  }

  @Test
  void theGreetingOfHttp2IsRefused() throws Exception { // a router tries whether this is gRPC
    try (RawClient client = serve(OPTIONS)) {
      Reply reply = client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").reply();
      assertRefused(reply, 426, "request line: expected METHOD /PATH HTTP/1.1, found HTTP/2.0");
      assertThat(client.closed()).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"BREW", "OPTIONS", "CONNECT", "TRACE", "DELETE", "PATCH"})
  void anotherMethodIsRefused(String method) throws Exception {
    try (RawClient client = serve(OPTIONS)) {
      client.send(method + " /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
      Reply reply = client.reply();
      assertThat(reply.status()).as(reply.body()).isIn(400, 405);
      assertRefused(reply, reply.status(), "");
    }
  }

  @Test
  void anotherAddressThanLoopbackNeedsAKeyOrTheWordThatItIsMeant() {
    assertThatThrownBy(() -> OPTIONS.withHost("0.0.0.0"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "host: expected a loopback address such as 127.0.0.1, or else --api-key or"
                + " --allow-anyone, found 0.0.0.0");
    assertThat(OPTIONS.withAllowAnyone(true).withHost("0.0.0.0").host()).isEqualTo("0.0.0.0");
    assertThat(OPTIONS.withApiKeys(List.of("k")).withHost("::").host()).isEqualTo("::");
    assertThat(OPTIONS.withHost("localhost").withHost("::1").host()).isEqualTo("::1");
  }

  @Test
  void aBusyPortIsAnErrorThatNamesTheAddress() throws Exception {
    serve(OPTIONS).close();
    ServerOptions same = OPTIONS.withPort(server.port());
    assertThatThrownBy(() -> HttpServer.listen(same, (call, thrown) -> bugs.add(thrown)))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("http://127.0.0.1:" + server.port() + ": cannot listen: ");
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aBodyThatFindsNoMemoryGets503AndItsMemoryComesBack() throws Exception {
    int others = Body.MEMORY - 10;
    Body.FREE.acquire(others);
    try (RawClient client = serve(OPTIONS)) {
      Reply busy = client.post("/length", "a".repeat(11)).reply();
      assertRefused(busy, 503, "bodies of other calls hold the memory for bodies");
      assertThat(busy.header("Retry-After")).isEqualTo("1");
    } finally {
      Body.FREE.release(others);
    }
    try (RawClient client = new RawClient(server.port())) {
      assertThat(client.post("/length", "a".repeat(11)).reply().body()).isEqualTo("11");
    }
    assertThat(Body.FREE.availablePermits()).isEqualTo(Body.MEMORY);
  }

  @Test
  void bodiesThatComputeOnAndOnDelayNoOtherCall() throws Exception {
    AtomicBoolean enough = new AtomicBoolean();
    routes.post("/compute", c -> c.answer(200, "text/plain", c.body(bytes -> spin(enough))));
    try (RawClient client = serve(OPTIONS)) {
      List<RawClient> busy = new ArrayList<>();
      try {
        for (int i = 0; i < 2 * Runtime.getRuntime().availableProcessors(); i++) {
          RawClient one = new RawClient(server.port());
          busy.add(one);
          one.send("POST /compute HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
        }
        assertThat(client.get("/health").reply().status()).isEqualTo(200);
      } finally {
        enough.set(true);
      }
      for (RawClient one : busy) {
        assertThat(one.reply().body()).isEqualTo("done");
        one.close();
      }
    }
  }

  /** Computes, without ever waiting, until it is enough. */
  private static byte[] spin(AtomicBoolean enough) {
    while (!enough.get()) {
      Thread.onSpinWait();
    }
    return utf8("done");
  }
}
