package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/**
 * A prefill server and a decode server as two processes, behind a client that does what a router
 * does. One of them is killed under load.
 */
@Timeout(600)
class DisaggregatedProcessesTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int CLIENTS = 12;
  private static final Duration LONG = Duration.ofMinutes(3);

  @TempDir Path directory;
  private final HttpClient http = HttpClient.newHttpClient();
  private final AtomicLong rooms = new AtomicLong(1L << 50);
  private final List<ServerProcess> started = new ArrayList<>();
  private int bootstrap;
  private ServerProcess whole;
  private ServerProcess prefill;
  private ServerProcess decode;

  @BeforeEach
  void serve() throws IOException {
    bootstrap = freePort();
    whole = start();
    prefill = startPrefill();
    decode = startDecode();
  }

  /**
   * A port that no other call is given meanwhile: the system gives out higher ones. With one of
   * those, a caller of a server that is down could even meet itself.
   */
  private static int freePort() throws IOException {
    Random random = new Random();
    for (int i = 0; i < 100; i++) {
      int port = 20_000 + random.nextInt(10_000);
      try (ServerSocket free = new ServerSocket(port)) {
        return free.getLocalPort();
      } catch (BindException taken) {
        // another one
      }
    }
    throw new IOException("no port is free among a hundred");
  }

  private ServerProcess start(String... flags) throws IOException {
    List<String> all = new ArrayList<>(List.of("--port", "0", "--skip-server-warmup"));
    all.addAll(List.of("--page-size", "4", "--speculative-algorithm", "mtp"));
    all.addAll(List.of(flags));
    Path err = directory.resolve("err" + started.size());
    ServerProcess server =
        ServerProcess.start(TinyModels.speck("mtp"), err, all.toArray(String[]::new));
    started.add(server);
    return server;
  }

  private ServerProcess startPrefill() throws IOException {
    return start(
        "--disaggregation-mode",
        "prefill",
        "--disaggregation-bootstrap-port",
        "" + bootstrap,
        "--disaggregation-bootstrap-timeout",
        "15"); // longer than a loaded machine keeps a request without pages
  }

  /** It has room for a third of the clients, so that others wait for pages on both sides. */
  private ServerProcess startDecode() throws IOException {
    return start(
        "--disaggregation-mode",
        "decode",
        "--disaggregation-bootstrap-port",
        "" + bootstrap,
        "--max-total-tokens",
        "480",
        "--context-length",
        "200");
  }

  @AfterEach
  void end() {
    started.forEach(ServerProcess::close);
    http.close();
  }

  private CompletableFuture<HttpResponse<String>> post(ServerProcess server, String body) {
    return http.sendAsync(
        HttpRequest.newBuilder(uri(server, "/v1/completions"))
            .timeout(LONG)
            .POST(BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private static URI uri(ServerProcess server, String path) {
    return URI.create("http://127.0.0.1:" + server.port() + path);
  }

  /** The body as a router sends it to both servers. */
  private String routed(ObjectNode body) {
    return body.deepCopy()
        .put("bootstrap_host", "127.0.0.1")
        .put("bootstrap_port", bootstrap)
        .put("bootstrap_room", rooms.incrementAndGet())
        .toString();
  }

  private static ObjectNode body(int seed) {
    Random r = new Random(seed);
    ObjectNode body = JSON.createObjectNode();
    r.ints(5 + r.nextInt(90), 0, 60).forEach(body.withArray("/prompt")::add);
    body.put("max_tokens", 20 + r.nextInt(60)).put("temperature", 0.9).put("seed", seed);
    return body.put("ignore_eos", true).put("return_token_ids", true);
  }

  private static JsonNode choices(HttpResponse<String> reply) throws IOException {
    assertThat(reply.statusCode()).as(reply.body()).isEqualTo(200);
    return JSON.readTree(reply.body()).get("choices");
  }

  private void requireTheAnswerOfOne(ObjectNode body) throws IOException {
    String both = routed(body);
    CompletableFuture<HttpResponse<String>> first = post(prefill, both);
    JsonNode answered = choices(post(decode, both).join());
    assertThat(answered).isEqualTo(choices(post(whole, body.toString()).join())).isNotEmpty();
    assertThat(first.join().statusCode()).isEqualTo(200);
  }

  @Test
  void theAnswersOfTwoProcessesAreThoseOfOne() throws IOException {
    for (int seed = 0; seed < 6; seed++) {
      requireTheAnswerOfOne(body(seed).put("n", 1 + seed % 3).put("logprobs", 2));
    }
  }

  @Test
  void whenTheDecodeServerIsKilledThePrefillServerEndsEveryRequestAndServesAnother()
      throws Exception {
    List<HttpResponse<String>> replies = killUnderLoad(decode, prefill);
    requireEnds(
        replies,
        "transfer: (the decode side: .+|no decode side called for room \\d+ within 15 s .*"
            + "|the decode side had no pages for room \\d+ within 15 s .*)");
    requireNothingLeft(prefill, "prefill_bootstrap", "prefill_inflight");
    decode = startDecode();
    requireTheAnswerOfOne(body(77).put("n", 2));
  }

  @Test
  void whenThePrefillServerIsKilledTheDecodeServerEndsEveryRequestAndServesOn() throws Exception {
    List<HttpResponse<String>> replies = killUnderLoad(prefill, decode);
    requireEnds(replies, "transfer: the prefill side: .+");
    assertThat(replies)
        .filteredOn(r -> r.statusCode() == 500)
        .anyMatch(r -> r.body().contains("no prefill side at 127.0.0.1:" + bootstrap));
    requireNothingLeft(decode, "decode_prealloc", "decode_transfer");
    prefill = startPrefill();
    requireTheAnswerOfOne(body(78).put("n", 2));
  }

  /**
   * Clients send one request after the other to both servers, and one server dies between them.
   *
   * @return what the survivor answered, from its first call on
   */
  private List<HttpResponse<String>> killUnderLoad(ServerProcess victim, ServerProcess survivor)
      throws InterruptedException {
    ConcurrentLinkedQueue<HttpResponse<String>> replies = new ConcurrentLinkedQueue<>();
    AtomicBoolean killed = new AtomicBoolean();
    AtomicInteger seeds = new AtomicInteger();
    List<Thread> clients = new ArrayList<>();
    List<Throwable> unanswered = Collections.synchronizedList(new ArrayList<>());
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    boolean last;
                    do { // at least one request begins after the death
                      last = killed.get();
                      String both = routed(body(seeds.incrementAndGet()));
                      CompletableFuture<HttpResponse<String>> dies = post(victim, both);
                      try {
                        replies.add(post(survivor, both).join());
                        dies.exceptionally(_ -> null).join();
                      } catch (RuntimeException e) {
                        unanswered.add(e);
                      }
                    } while (!last);
                  }));
    }
    long end = System.nanoTime() + LONG.toNanos();
    while (replies.size() < 3 * CLIENTS && System.nanoTime() < end) {
      Thread.sleep(5);
    }
    assertThat(replies).hasSizeGreaterThanOrEqualTo(3 * CLIENTS);
    victim.close();
    victim.process().waitFor();
    killed.set(true);
    for (Thread client : clients) {
      client.join();
    }
    assertThat(unanswered).isEmpty();
    return List.copyOf(replies);
  }

  /** Every request is answered, or fails with a reason; most before the death are answered. */
  private static void requireEnds(List<HttpResponse<String>> replies, String reason)
      throws IOException {
    int failed = 0;
    for (HttpResponse<String> reply : replies) {
      if (reply.statusCode() != 200) {
        assertThat(reply.statusCode()).as(reply.body()).isEqualTo(500);
        assertThat(JSON.readTree(reply.body()).at("/error/message").asText())
            .matches("request \\d+: " + reason);
        failed++;
      }
    }
    assertThat(failed).isBetween(CLIENTS, replies.size() - CLIENTS);
  }

  /** No page is held, and no queue has a request. */
  private void requireNothingLeft(ServerProcess server, String... queues) throws Exception {
    List<String> gauges = new ArrayList<>(List.of("kv_used_tokens", "num_running_reqs"));
    gauges.add("num_queue_reqs");
    List.of(queues).forEach(queue -> gauges.add("num_" + queue + "_queue_reqs"));
    HttpRequest request = HttpRequest.newBuilder(uri(server, "/metrics")).timeout(LONG).build();
    List<String> left = gauges;
    long end = System.nanoTime() + LONG.toNanos();
    while (!left.isEmpty()) { // the engine says that it is idle after the last answer
      String metrics = http.send(request, BodyHandlers.ofString()).body();
      left = gauges.stream().filter(g -> value(metrics, "sglang:" + g) != 0).toList();
      assertThat(System.nanoTime() - end).as("left over: %s", left).isNegative();
      Thread.sleep(20);
    }
  }

  private static double value(String metrics, String name) {
    String line = metrics.lines().filter(l -> l.startsWith(name + "{")).findFirst().orElseThrow();
    return Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1));
  }
}
