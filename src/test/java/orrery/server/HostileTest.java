package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.SocketException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.Event;
import orrery.server.HostileRequests.Hostile;
import orrery.server.RawClient.Reply;

/** Ten thousand requests that no client should send, beside one that is well. */
class HostileTest {
  private static final Path MODEL = Path.of("tiny-models/storyteller-moe");
  private static final int CLIENTS = 8;
  private static final int REQUESTS = 10_000;
  private static final int MAX_BODY = 32 << 10;
  private static final long SEED = 20261128;
  private static final String STORY =
      "{\"prompt\": \"Once upon a time\", \"max_tokens\": 60, \"temperature\": 0, \"ignore_eos\":"
          + " true}";

  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final JsonMapper mapper = new JsonMapper();

  @Test
  void hostileRequestsGet4xxAndTheEngineHearsNothingOfThem() throws Exception {
    List<Event> events = Collections.synchronizedList(new ArrayList<>());
    ServerOptions options =
        ServerOptions.defaults()
            .withPort(0)
            .withMaxBody(MAX_BODY)
            .withSendTime(Duration.ofSeconds(2));
    int stories = 0;
    try (LoadedModel loaded = LoadedModel.load(MODEL);
        Engine engine = Engine.start(loaded, EngineOptions.defaults(), events::add);
        HttpServer server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Serving serving = Serving.of(engine, loaded);
      Routes routes = new OpenAiRoutes(serving).addTo(new Routes());
      server.open(new TokenizeRoutes(serving).addTo(new SglangRoutes(serving).addTo(routes)));
      String alone = story(server.port());
      stories++;
      List<Future<Map<String, Integer>>> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        long seed = SEED + i;
        Callable<Map<String, Integer>> client = () -> attack(server.port(), seed);
        clients.add(threads.submit(client));
      }
      do {
        assertThat(story(server.port())).isEqualTo(alone);
        stories++;
      } while (clients.stream().anyMatch(c -> !c.isDone()));
      Map<String, Integer> kinds = new TreeMap<>();
      for (var client : clients) {
        client.get().forEach((kind, n) -> kinds.merge(kind, n, Integer::sum));
      }
      assertThat(kinds).hasSizeGreaterThanOrEqualTo(16);
      assertThat(kinds.values().stream().mapToInt(n -> n).sum()).isEqualTo(REQUESTS);
      server.drain();
    }
    assertThat(bugs).isEmpty();
    assertThat(events.stream().filter(e -> e instanceof Event.Submitted)).hasSize(stories);
  }

  private String story(int port) throws IOException {
    try (RawClient client = new RawClient(port)) {
      Reply reply = client.post("/v1/completions", STORY).reply();
      assertThat(reply.status()).as(reply.body()).isEqualTo(200);
      return mapper.readTree(reply.body()).at("/choices/0/text").asText();
    }
  }

  /** Sends a share of the requests, and counts them by kind. */
  private Map<String, Integer> attack(int port, long seed) throws IOException {
    HostileRequests requests = new HostileRequests(seed, MAX_BODY);
    Map<String, Integer> kinds = new TreeMap<>();
    RawClient client = new RawClient(port);
    String before = "nothing";
    for (int i = 0; i < REQUESTS / CLIENTS; i++) {
      Hostile hostile = requests.next();
      kinds.merge(hostile.kind(), 1, Integer::sum);
      long sent = System.nanoTime();
      Reply reply = send(client, hostile);
      long millis = (System.nanoTime() - sent) / 1_000_000;
      String as =
          String.format(
              "%s, request %d of seed %d, after %d ms, after %s", // and why there was no answer
              hostile.kind(), i, seed, millis, before);
      if (reply == null) {
        assertThat(hostile.half()).as("%s: no answer to %s", as, shown(hostile)).isTrue();
      } else {
        assertThat(reply.status())
            .as("%s: %s%n%s", as, shown(hostile), reply.body())
            .isBetween(400, 499);
        JsonNode error = mapper.readTree(reply.body()).path("error");
        assertThat(error.path("message").asText()).as(as).isNotEmpty();
        assertThat(error.has("type") && error.has("param") && error.has("code")).as(as).isTrue();
      }
      before = hostile.kind() + " with " + reply;
      if (reply == null || hostile.half() || "close".equals(reply.header("Connection"))) {
        client.close();
        client = new RawClient(port);
      }
    }
    client.close();
    return kinds;
  }

  private static String shown(Hostile hostile) {
    String text = new String(hostile.bytes(), java.nio.charset.StandardCharsets.ISO_8859_1);
    return text.length() > 600 ? text.substring(0, 600) + "…" : text;
  }

  /** The answer; null if the server closes the connection. Of a half request none is awaited. */
  private static Reply send(RawClient client, Hostile hostile) throws IOException {
    try {
      client.send(hostile.bytes());
    } catch (SocketException closed) {
      // the answer may be there all the same
      System.err.println("HostileTest: sending " + hostile.kind() + ": " + closed);
    }
    if (hostile.half()) {
      return null;
    }
    try {
      return client.reply();
    } catch (SocketException reset) {
      System.err.println("HostileTest: answer to " + hostile.kind() + ": " + reset);
      return null;
    }
  }
}
