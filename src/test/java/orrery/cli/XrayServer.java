package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import orrery.engine.Engine;
import orrery.engine.LoadedModel;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.RandomSeed;
import orrery.server.HttpServer;
import orrery.server.OpenAiRoutes;
import orrery.server.Role;
import orrery.server.Routes;
import orrery.server.ServerOptions;
import orrery.server.Serving;

/**
 * A server of the X-ray page and of OpenAI's API, as {@code orrery serve} has them, and a client.
 */
public final class XrayServer implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  private final List<Event> events = Collections.synchronizedList(new ArrayList<>());
  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final LoadedModel loaded;
  private final PageServer page;
  private final Serving serving;
  private final HttpServer http;
  private final String key;

  /** An answer. */
  public record Reply(int status, HttpResponse<String> whole) {
    public JsonNode json() {
      try {
        return JSON.readTree(whole.body());
      } catch (IOException e) {
        throw new AssertionError(whole.body(), e);
      }
    }

    public String error() {
      return json().at("/error/message").asText();
    }

    public String header(String name) {
      return whole.headers().firstValue(name).orElse("");
    }
  }

  /**
   * Serves a model.
   *
   * @param flags of its first engine
   * @param keys of the server; calls use the first
   */
  public XrayServer(Path model, String flags, String... keys) throws IOException {
    this(model, flags, _ -> new Role.Whole(), keys);
  }

  /**
   * The same for a server of one half of each request.
   *
   * @param role makes what the engine does of each request
   */
  public XrayServer(Path model, String flags, Function<Engine, Role> role, String... keys)
      throws IOException {
    this.loaded = LoadedModel.load(model);
    this.page = new PageServer(true, loaded, new Recorder());
    Engine engine = page.start(page.read(flags));
    String name = model.getFileName().toString();
    this.serving =
        new Serving(
            engine, loaded, name, false, Optional.empty(), RandomSeed.NONE, role.apply(engine));
    ServerOptions options = ServerOptions.defaults().withPort(0).withApiKeys(List.of(keys));
    this.key = keys.length == 0 ? "" : keys[0];
    this.http = HttpServer.listen(options, (call, bug) -> bugs.add(bug));
    http.open(page.addTo(serving, flags, new OpenAiRoutes(serving).addTo(new Routes())));
  }

  private final class Recorder implements EventSink {
    @Override
    public void accept(Event event) {
      events.add(event);
    }

    @Override
    public boolean wantsBooks() {
      return true;
    }
  }

  /** Every event of every engine so far. */
  public List<Event> events() {
    synchronized (events) {
      return List.copyOf(events);
    }
  }

  /** Where a browser finds the page. */
  public String address() {
    return "http://127.0.0.1:" + http.port() + "/";
  }

  public Serving serving() {
    return serving;
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder made =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path));
    return key.isEmpty() ? made : made.header("Authorization", "Bearer " + key);
  }

  private Reply send(HttpRequest request) throws IOException, InterruptedException {
    HttpResponse<String> all = client.send(request, BodyHandlers.ofString());
    return new Reply(all.statusCode(), all);
  }

  public Reply get(String path) throws IOException, InterruptedException {
    return send(request(path).GET().build());
  }

  /** As a browser that has no key yet. */
  public Reply getWithoutKey(String path) throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + http.port() + path);
    return send(HttpRequest.newBuilder(uri).GET().build());
  }

  public Reply post(String path, String body) throws IOException, InterruptedException {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  /** A page: reads messages one by one. */
  public final class Page implements AutoCloseable {
    private final BufferedReader lines;
    private final Deque<JsonNode> ahead = new ArrayDeque<>(); // events of the newest message
    private int newest; // the run of these

    public Page() throws IOException, InterruptedException {
      var stream = client.send(request("/xray/events").build(), BodyHandlers.ofInputStream());
      assertThat(stream.statusCode()).isEqualTo(200);
      lines = new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
    }

    /** The next message; null at the end of the stream. */
    public JsonNode next() throws IOException {
      String line = lines.readLine();
      while (line != null && line.isEmpty()) {
        line = lines.readLine();
      }
      boolean end = line == null || line.equals("data: [DONE]");
      return end ? null : JSON.readTree(line.substring("data: ".length()));
    }

    /** Reads until an event of a name comes in a run, and returns it. */
    public JsonNode await(String event, int run) throws IOException {
      while (true) {
        while (!ahead.isEmpty()) {
          JsonNode one = ahead.poll();
          if (newest == run && one.get("event").asText().equals(event)) {
            return one;
          }
        }
        JsonNode message = next();
        assertThat(message).as("the stream ended before " + event).isNotNull();
        newest = message.get("run").asInt();
        message.get("events").forEach(ahead::add);
      }
    }

    @Override
    public void close() throws IOException {
      lines.close();
    }
  }

  /** Ends the pages' streams, as a server that ends does. */
  public void endPages() {
    page.close();
  }

  @Override
  public void close() {
    page.close();
    http.close();
    serving.shutdownNow();
    serving.close();
    loaded.close();
    assertThat(bugs).isEmpty();
  }
}
