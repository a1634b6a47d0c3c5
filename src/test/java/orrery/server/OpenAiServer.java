package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.observe.Metrics;
import orrery.observe.Profile;

/** A server of every API over a model that ships with Orrery, and a client of it. */
public final class OpenAiServer implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String DONE = "data: [DONE]\n\n";

  private final LoadedModel loaded;
  private final Engine engine;
  private final Metrics metrics;
  private final HttpServer server;
  private final List<Throwable> bugs = Collections.synchronizedList(new ArrayList<>());
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** An answer that is not a stream. */
  public record Reply(int status, String type, JsonNode body) {
    /** The message of an error, whose shape is checked. */
    public String error() {
      JsonNode error = body.get("error");
      List<String> names = new ArrayList<>();
      error.fieldNames().forEachRemaining(names::add);
      assertThat(names).containsExactly("message", "type", "param", "code");
      return error.get("message").asText();
    }

    /** The field that an error names. */
    public String param() {
      return body.at("/error/param").asText();
    }
  }

  private OpenAiServer(
      LoadedModel loaded, Engine engine, Serving serving, Metrics metrics, Profile profile)
      throws IOException {
    this.loaded = loaded;
    this.engine = engine;
    this.metrics = metrics;
    ServerOptions options = ServerOptions.defaults().withPort(0);
    server = HttpServer.listen(options, (call, thrown) -> bugs.add(thrown));
    Routes routes = new OpenAiRoutes(serving).addTo(new Routes());
    new SglangRoutes(serving).addTo(routes);
    new TokenizeRoutes(serving).addTo(routes);
    server.open(new ControlRoutes(serving, metrics, profile).addTo(routes));
  }

  /** Serves a model. */
  public static OpenAiServer of(Path model) throws IOException {
    return of(LoadedModel.load(model), EngineOptions.defaults(), EventSink.NONE, s -> s);
  }

  /** Serves a loaded model, which is closed with the server. */
  public static OpenAiServer of(
      LoadedModel loaded, EngineOptions options, EventSink sink, UnaryOperator<Serving> edit)
      throws IOException {
    return of(loaded, options, sink, edit, new Profile(Optional.empty()));
  }

  /** Serves a loaded model, whose clients may have traces written. */
  static OpenAiServer of(
      LoadedModel loaded,
      EngineOptions options,
      EventSink sink,
      UnaryOperator<Serving> edit,
      Profile profile)
      throws IOException {
    Metrics metrics = new Metrics("served");
    Engine engine = Engine.start(loaded, options, metrics.and(profile).and(sink));
    Serving serving = edit.apply(Serving.of(engine, loaded));
    return new OpenAiServer(loaded, engine, serving, metrics, profile);
  }

  /** What the engine's events have told so far. */
  public Metrics metrics() {
    return metrics;
  }

  public Engine engine() {
    return engine;
  }

  public LoadedModel loaded() {
    return loaded;
  }

  int port() {
    return server.port();
  }

  /** What was reported so far; it is not held against the server when it is closed. */
  List<Throwable> takeBugs() {
    List<Throwable> all = List.copyOf(bugs);
    bugs.clear();
    return all;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
        .timeout(Duration.ofSeconds(120));
  }

  private HttpResponse<String> send(HttpRequest request) {
    try {
      return client.send(request, BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException(request.uri() + ": " + e, e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks for a page. */
  public Reply get(String path) {
    return reply(send(request(path).GET().build()));
  }

  /** Sends a body, and reads a whole answer. */
  public Reply post(String path, String json) {
    return post(path, json.getBytes(StandardCharsets.UTF_8));
  }

  Reply post(String path, byte[] body) {
    return reply(send(request(path).POST(HttpRequest.BodyPublishers.ofByteArray(body)).build()));
  }

  /** Sends a body, and reads an answer that need not be JSON. */
  HttpResponse<String> plain(String method, String path, String body) {
    return send(request(path).method(method, HttpRequest.BodyPublishers.ofString(body)).build());
  }

  private static Reply reply(HttpResponse<String> response) {
    String type = response.headers().firstValue("Content-Type").orElse("");
    return new Reply(response.statusCode(), type, read(response.body()));
  }

  static JsonNode read(String json) {
    try {
      return JSON.readTree(json);
    } catch (IOException e) {
      throw new IllegalStateException(json, e);
    }
  }

  /** The same body as a whole answer, which must be one. */
  public JsonNode whole(String path, String json) {
    Reply reply = post(path, json);
    assertThat(reply.status()).as("%s: %s", json, reply.body()).isEqualTo(200);
    assertThat(reply.type()).isEqualTo("application/json");
    return reply.body();
  }

  /** The text of a streamed answer, as it was sent. */
  public String stream(String path, String json) {
    HttpRequest post = request(path).POST(HttpRequest.BodyPublishers.ofString(json)).build();
    HttpResponse<String> response = send(post);
    assertThat(response.statusCode()).as("%s: %s", json, response.body()).isEqualTo(200);
    assertThat(response.headers().firstValue("Content-Type"))
        .contains("text/event-stream; charset=utf-8");
    assertThat(response.headers().firstValue("Content-Encoding")).isEmpty();
    return response.body();
  }

  /** The chunks of a stream, whose framing is checked: every line is data, and [DONE] is last. */
  public List<JsonNode> chunks(String path, String json) {
    String body = stream(path, json);
    assertThat(body).endsWith(DONE).doesNotContain("\r");
    List<JsonNode> chunks = new ArrayList<>();
    for (String event : body.substring(0, body.length() - DONE.length()).split("\n\n", -1)) {
      if (!event.isEmpty()) {
        assertThat(event).startsWith("data: {").doesNotContain("\n");
        chunks.add(read(event.substring("data: ".length())));
      }
    }
    return chunks;
  }

  @Override
  public void close() {
    server.close();
    engine.shutdownNow();
    engine.close();
    loaded.close();
    client.close();
    assertThat(bugs).isEmpty();
  }
}
