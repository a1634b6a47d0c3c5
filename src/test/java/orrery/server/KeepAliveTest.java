package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import orrery.server.RawClient.Reply;

/** Connections that carry many calls, each of which is watched while it is answered. */
class KeepAliveTest {
  private static final int CLIENTS = 4;
  private static final int CALLS = 3000; // of each client

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final AtomicInteger gone = new AtomicInteger(); // calls whose client was taken for gone
  private final List<RawClient> clients = Collections.synchronizedList(new ArrayList<>());
  private HttpServer server;

  @BeforeEach
  void serve() throws IOException {
    ServerOptions options = ServerOptions.defaults().withPort(0);
    server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
    server.open(new Routes().post("/echo", this::echo));
  }

  private void echo(Call call) throws IOException {
    byte[] body = call.body();
    call.onClose(gone::incrementAndGet);
    if (body.length % 3 == 0) { // some answers give the watch time, others end at once
      Thread.yield();
    }
    call.answer(200, "text/plain", body);
  }

  @AfterEach
  void close() {
    server.close();
    assertThat(bugs).isEmpty();
  }

  private static String body(Random random, int call) {
    return call + " " + "x".repeat(random.nextInt(600));
  }

  /** Keeps up to this many calls under way on one connection, which stays open. */
  private Void hammer(int seed, int ahead) throws Exception {
    Semaphore places = new Semaphore(ahead);
    RawClient client = new RawClient(server.port());
    clients.add(client);
    CompletableFuture<Void> sent =
        CompletableFuture.runAsync(
            () -> {
              Random random = new Random(seed);
              try {
                for (int i = 0; i < CALLS; i++) {
                  assertThat(places.tryAcquire(5, TimeUnit.MINUTES)).isTrue();
                  client.post("/echo", body(random, i));
                }
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            },
            Thread::startVirtualThread); // the common pool may have one thread for all senders
    Random random = new Random(seed);
    for (int i = 0; i < CALLS; i++) {
      Reply reply = client.reply();
      assertThat(reply).as("client %d with %d ahead, call %d", seed, ahead, i).isNotNull();
      assertThat(reply.status()).isEqualTo(200);
      assertThat(reply.body()).isEqualTo(body(random, i));
      places.release();
    }
    sent.get(5, TimeUnit.MINUTES);
    return null;
  }

  @Test
  void noCallIsLostOnConnectionsThatCarryThousandsAlsoIfTheyComeAhead() throws Exception {
    for (int ahead : new int[] {1, 2, 16}) {
      try (ExecutorService threads = Executors.newFixedThreadPool(CLIENTS)) {
        List<Future<Void>> hammers = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
          int seed = i;
          hammers.add(threads.submit(() -> hammer(seed, ahead)));
        }
        for (Future<Void> hammer : hammers) {
          hammer.get(10, TimeUnit.MINUTES);
        }
      }
      server.drain(); // a client that leaves earlier may leave before its last call has ended
      assertThat(gone).as("clients were there to the end").hasValue(0);
      for (RawClient client : clients) {
        client.close();
      }
      clients.clear();
      server.close();
      serve();
    }
  }

  @Test
  void aCallIsToldThatThisSideClosesItsConnection() throws Exception {
    CountDownLatch watched = new CountDownLatch(1);
    CountDownLatch told = new CountDownLatch(1);
    CountDownLatch ended = new CountDownLatch(1);
    server.close();
    server =
        HttpServer.listen(ServerOptions.defaults().withPort(0), (c, thrown) -> bugs.add(thrown));
    server.open(
        new Routes()
            .post(
                "/slow",
                call -> {
                  call.body();
                  call.onClose(told::countDown);
                  watched.countDown();
                  try {
                    assertThat(told.await(1, TimeUnit.MINUTES)).isTrue();
                    call.answer(200, "text/plain", "x".getBytes(StandardCharsets.UTF_8));
                  } catch (InterruptedException e) {
                    throw new IllegalStateException(e);
                  } finally {
                    ended.countDown();
                  }
                }));
    try (RawClient client = new RawClient(server.port())) {
      client.post("/slow", "abc");
      assertThat(watched.await(1, TimeUnit.MINUTES)).isTrue();
      server.close();
      assertThat(told.await(1, TimeUnit.MINUTES)).isTrue();
      assertThat(ended.await(1, TimeUnit.MINUTES)).isTrue();
    }
  }
}
