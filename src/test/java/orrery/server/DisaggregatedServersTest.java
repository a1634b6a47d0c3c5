package orrery.server;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import orrery.TinyModels;
import orrery.disagg.DecodeSide;
import orrery.disagg.PrefillHosts;
import orrery.disagg.PrefillSide;
import orrery.disagg.TcpNetwork;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.sampling.RandomSeed;
import orrery.server.OpenAiServer.Reply;

/**
 * Two servers behind a client that does what SGLang's router does: the same body to both at the
 * same time, with the host and port of the prefill server and a random room.
 */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD)
class DisaggregatedServersTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration LONG = Duration.ofMinutes(2);

  private final Random rooms = new Random(4);
  private PrefillSide side;
  private OpenAiServer prefill;
  private OpenAiServer decode;
  private OpenAiServer whole;

  @BeforeEach
  void serve() throws IOException {
    serve(LONG);
  }

  /**
   * @param bootstrap how long one half of a request waits for the other
   */
  private void serve(Duration bootstrap) throws IOException {
    whole = server(_ -> new Role.Whole());
    prefill = server(engine -> new Role.Prefill(side = side(engine, bootstrap)));
    decode = decode(side.port());
  }

  private static OpenAiServer decode(int port) throws IOException {
    return server(
        engine ->
            new Role.Decode(
                new DecodeSide(engine, "m", TcpNetwork.local(), 8, LONG),
                PrefillHosts.of(List.of("10.1.2.3"), port),
                port));
  }

  private static PrefillSide side(Engine engine, Duration bootstrap) {
    try {
      return PrefillSide.start(List.of(engine), "m", TcpNetwork.local(), 0, bootstrap, LONG);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static OpenAiServer server(Function<Engine, Role> role) throws IOException {
    LoadedModel loaded = LoadedModel.load(TinyModels.speck("mtp"));
    return OpenAiServer.of(
        loaded,
        EngineOptions.defaults(),
        EventSink.NONE,
        s ->
            new Serving(
                s.engine(),
                s.loaded(),
                "m",
                false,
                Optional.empty(),
                RandomSeed.NONE,
                role.apply(s.engine())));
  }

  @AfterEach
  void close() {
    decode.close();
    prefill.close();
    side.close();
    whole.close();
  }

  /** The answers of prefill and decode server. */
  private record Both(Reply prefill, Reply decode) {}

  /**
   * @param prompts for so many the fields are lists; 0 for one prompt that is no list
   */
  private Both route(String path, String body, int prompts) throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(body);
    if (prompts == 0) {
      json.put("bootstrap_host", "localhost");
      json.putNull("bootstrap_port");
      json.put("bootstrap_room", rooms.nextLong() >>> 1);
    } else {
      for (int i = 0; i < prompts; i++) {
        json.withArray("/bootstrap_host").add("localhost");
        json.withArray("/bootstrap_port").add(side.port());
        json.withArray("/bootstrap_room").add(rooms.nextLong() >>> 1);
      }
    }
    String sent = JSON.writeValueAsString(json);
    CompletableFuture<Reply> first = CompletableFuture.supplyAsync(() -> prefill.post(path, sent));
    Reply second = decode.post(path, sent);
    return new Both(first.join(), second);
  }

  private static List<JsonNode> choices(Reply reply) {
    assertThat(reply.status()).as("%s", reply.body()).isEqualTo(200);
    List<JsonNode> choices = new ArrayList<>();
    reply.body().get("choices").forEach(choices::add);
    return choices;
  }

  @Test
  void completionsOfBothServersTogetherAreThoseOfOne() throws IOException {
    String one =
        """
        {"prompt": [3, 14, 15, 9, 26, 5], "max_tokens": 20, "temperature": 0.9, "seed": 5, "n": 3,
         "logprobs": 2, "ignore_eos": true, "echo": true, "return_token_ids": true}\
        """;
    assertThat(choices(route("/v1/completions", one, 0).decode()))
        .isEqualTo(choices(whole.post("/v1/completions", one)));
    String several =
        """
        {"prompt": [[3, 14, 15], [9, 26, 5, 35, 8], [9]], "max_tokens": 12, "temperature": 0,
         "logprobs": 1, "return_token_ids": true}\
        """;
    assertThat(choices(route("/v1/completions", several, 3).decode()))
        .isEqualTo(choices(whole.post("/v1/completions", several)));
  }

  /** A router adds the prefill server's log-probabilities of the prompt to the decode server's. */
  @Test
  void generateTellsThePromptsLogProbabilitiesOnThePrefillServerAlone() throws IOException {
    String body =
        """
        {"input_ids": [3, 14, 15, 9, 26, 5], "return_logprob": true, "logprob_start_len": 0,
         "sampling_params": {"max_new_tokens": 9, "temperature": 0.8, "sampling_seed": 3}}\
        """;
    Both both = route("/generate", body, 0);
    JsonNode one = whole.post("/generate", body).body();
    JsonNode two = both.decode().body();
    assertThat(two.get("output_ids")).isEqualTo(one.get("output_ids")).hasSize(9);
    String prompt = "/meta_info/input_token_logprobs";
    String answer = "/meta_info/output_token_logprobs";
    assertThat(two.at(answer)).isEqualTo(one.at(answer));
    assertThat(two.at(prompt)).isEmpty();
    assertThat(both.prefill().body().at(prompt)).isEqualTo(one.at(prompt)).hasSize(6);
  }

  @Test
  void aRequestWithoutARoomIsRefusedByBothAndByNoOther() {
    String body = "{\"prompt\": [1, 2, 3], \"max_tokens\": 4}";
    for (OpenAiServer server : List.of(prefill, decode)) {
      Reply reply = server.post("/v1/completions", body);
      assertThat(reply.status()).isEqualTo(400);
      assertThat(reply.param()).startsWith("bootstrap_");
    }
    String odd = "{\"prompt\": [1, 2, 3], \"bootstrap_room\": [1, 2]}";
    Reply reply = prefill.post("/v1/completions", odd);
    assertThat(reply.error()).contains("one value, or a list of 1");
    assertThat(whole.post("/v1/completions", body).status()).isEqualTo(200);
  }

  /** SGLang's router counts the choices of a chat as prompts. */
  @Test
  void aListMayHaveARoomForEachChoiceAndThenThatOfThePromptsFirstChoiceCounts() throws IOException {
    String prompts = "{\"prompt\": [[3, 14, 15], [9, 26, 5, 35, 8]], \"max_tokens\": 12, ";
    String body = prompts + "\"temperature\": 0.9, \"seed\": 3, \"n\": 3}";
    assertThat(choices(route("/v1/completions", body, 6).decode()))
        .isEqualTo(choices(whole.post("/v1/completions", body)));
    Both odd = route("/v1/completions", body, 5);
    for (Reply reply : List.of(odd.prefill(), odd.decode())) {
      assertThat(reply.status()).isEqualTo(400);
      assertThat(reply.error())
          .contains(
              "one value, or a list of 2, as there are prompts, or of 6, as there are choices");
    }
  }

  @Test
  void aServerOfWholeRequestsDoesNotLookAtTheFieldsOfOthers() {
    String plain = "\"prompt\": [3, 14, 15], \"max_tokens\": 4, \"temperature\": 0";
    List<JsonNode> answer = choices(whole.post("/v1/completions", "{" + plain + "}"));
    for (String odd :
        List.of(
            "\"bootstrap_port\": 0",
            "\"bootstrap_port\": \"x\"",
            "\"bootstrap_room\": [1, 2], \"bootstrap_host\": 7")) {
      String body = "{" + plain + ", " + odd + "}";
      assertThat(choices(whole.post("/v1/completions", body))).as(odd).isEqualTo(answer);
      assertThat(prefill.post("/v1/completions", body).status()).as(odd).isEqualTo(400);
    }
    String generate = "{\"input_ids\": [3, 14], \"bootstrap_port\": 0}";
    assertThat(whole.post("/generate", generate).status()).isEqualTo(200);
  }

  @Test
  void aDecodeServerCallsNoHostThatItsUserDoesNotName() {
    String body =
        "{\"prompt\": [1, 2, 3], \"max_tokens\": 4, \"bootstrap_room\": 3, \"bootstrap_host\": ";
    for (String host : List.of("10.1.2.4", "metadata.internal", "127.0.0.1.example.org", "")) {
      requireNotCalled(decode.post("/v1/completions", body + "\"" + host + "\"}"), host);
    }
    String own = body + "\"127.0.0.1\", \"bootstrap_port\": ";
    requireNotCalled(decode.post("/v1/completions", own + decode.port() + "}"), "another port");
  }

  private void requireNotCalled(Reply reply, String what) {
    assertThat(reply.status()).as(what).isEqualTo(400);
    assertThat(reply.param()).isEqualTo("bootstrap_host");
    assertThat(reply.error())
        .contains(
            "expected port %d of this machine, or a host of --disaggregation-prefill-hosts, found"
                .formatted(side.port()));
  }

  @Test
  void aServiceThatIsNoPrefillServerIsNotTold() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread greets =
          Thread.startVirtualThread(
              () -> {
                try (Socket socket = other.accept()) {
                  socket.getOutputStream().write("SSH-2.0-secret-version-7".getBytes(US_ASCII));
                  socket.getInputStream().transferTo(OutputStream.nullOutputStream());
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      try (OpenAiServer server = decode(other.getLocalPort())) {
        String body =
            "{\"prompt\": [1, 2], \"bootstrap_room\": 3, \"bootstrap_host\": \"localhost\"}";
        Reply reply = server.post("/v1/completions", body);
        assertThat(reply.status()).isEqualTo(500);
        assertThat(reply.error())
            .endsWith("the prefill side: expected a frame of version 1, found other bytes");
      }
      greets.join();
    }
  }

  @Test
  void oneRoomForSeveralPromptsIsThatOfTheFirst() {
    String prompts = "{\"prompt\": [[3, 14, 15], [9, 26, 5, 35, 8]], \"max_tokens\": 12, ";
    String body =
        prompts + "\"temperature\": 0, \"bootstrap_host\": \"localhost\", \"bootstrap_room\": 70}";
    CompletableFuture<Reply> first =
        CompletableFuture.supplyAsync(() -> prefill.post("/v1/completions", body));
    assertThat(choices(decode.post("/v1/completions", body)))
        .isEqualTo(choices(whole.post("/v1/completions", prompts + "\"temperature\": 0}")));
    assertThat(first.join().status()).isEqualTo(200);
  }

  @Test
  void aRoomThatAnotherPromptHasIsTheClientsMistake() {
    Reply reply =
        prefill.post("/v1/completions", "{\"prompt\": [[1], [2]], \"bootstrap_room\": [5, 5]}");
    assertThat(reply.status()).isEqualTo(400);
    assertThat(reply.param()).isEqualTo("bootstrap_room");
    assertThat(reply.error()).contains("expected one that no other request has, found 5");
  }

  /** The router asks both again after a 5xx. */
  @Test
  void aRoomWhosePartnerNeverComesFailsWithAStatusThatARouterTriesAgain() throws IOException {
    close();
    serve(Duration.ofSeconds(2));
    String body =
        "{\"prompt\": [1, 2], \"bootstrap_host\": \"localhost\", \"bootstrap_port\": "
            + side.port()
            + ", \"bootstrap_room\": ";
    Reply alone = prefill.post("/v1/completions", body + "8}");
    assertThat(alone.status()).isEqualTo(500);
    assertThat(alone.error())
        .contains("no decode side called for room 8 within 2 s (disaggregation-bootstrap-timeout");
    Reply other = decode.post("/v1/completions", body + "9}");
    assertThat(other.status()).isEqualTo(500);
    assertThat(other.error())
        .contains("no request came for room 9 within 2 s (disaggregation-bootstrap-timeout");
    assertThat(prefill.get("/health_generate").status()).isEqualTo(200);
    assertThat(decode.get("/health_generate").status()).isEqualTo(200);
  }

  @Test
  void eachServerSaysWhichPartItDoes() {
    assertThat(mode(whole)).isEqualTo("null");
    assertThat(mode(prefill)).isEqualTo("prefill");
    assertThat(mode(decode)).isEqualTo("decode");
  }

  private static String mode(OpenAiServer server) {
    String info = server.get("/server_info").body().get("disaggregation_mode").asText();
    assertThat(server.get("/model_info").body().get("disaggregation_mode").asText())
        .isEqualTo(info);
    return info;
  }
}
