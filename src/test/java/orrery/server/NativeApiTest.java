package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.Patience;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.PauseMode;
import orrery.events.EventSink;
import orrery.observe.Exposition;
import orrery.observe.Profile;

/** What SGLang's and vLLM's clients ask of a server beside OpenAI's API. */
@Timeout(600)
class NativeApiTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final String LONG =
      "{\"text\":\"Once upon a time\",\"sampling_params\":"
          + "{\"max_new_tokens\":1900,\"ignore_eos\":true}";
  private static final String SHORT =
      "{\"text\":\"Once upon a time\",\"sampling_params\":{\"max_new_tokens\":2}}";

  @TempDir Path directory;
  private OpenAiServer server;

  @BeforeEach
  void open() throws IOException {
    server =
        OpenAiServer.of(
            LoadedModel.load(STORYTELLER),
            EngineOptions.defaults(),
            EventSink.NONE,
            UnaryOperator.identity(),
            new Profile(Optional.of(directory)));
  }

  @AfterEach
  void close() {
    server.close();
  }

  private static void eventually(BooleanSupplier holds) throws InterruptedException {
    Patience.await("what the events tell", holds);
  }

  private Exposition metrics() {
    return Exposition.read(server.metrics().text());
  }

  private double value(String name) {
    return metrics().value(name);
  }

  private CompletableFuture<OpenAiServer.Reply> later(String body) {
    return onAThread(() -> server.post("/generate", body));
  }

  /** What a call gives, or how it fails. */
  private static <T> CompletableFuture<T> onAThread(Supplier<T> call) {
    return CompletableFuture.supplyAsync(call, Thread::startVirtualThread);
  }

  /**
   * Lets waiting requests of a paused engine run for some steps, and no longer: however slow this
   * thread is, they are still there after it.
   */
  private void run(int waiting, int steps) throws InterruptedException {
    eventually(() -> server.metrics().load().waiting() == waiting);
    assertThat(server.engine().step(steps).join()).isEqualTo(steps);
    assertThat(server.metrics().load().running()).isEqualTo(waiting);
  }

  private void refused(String body, String param, String message) {
    OpenAiServer.Reply reply = server.post("/generate", body);
    assertThat(reply.status()).as(body).isEqualTo(400);
    assertThat(reply.error()).contains(message);
    assertThat(reply.param()).isEqualTo(param);
  }

  @Test
  void fieldsThatRoutersAddAreAccepted() {
    String fields =
        """
        {"text": "sort: 3 1 2 =>", "input_ids": null, "model": "unknown", "lora_path": null,
         "return_hidden_states": false, "return_routed_experts": false, "log_metrics": true,
         "background": false, "no_logs": null, "return_bytes": false, "return_entropy": false,
         "bootstrap_host": "2.2.2.2", "bootstrap_port": null, "bootstrap_room": 9223372036854775807,
         "session_params": null, "image_data": [], "stream": false, "rid": null,
         "sampling_params": {"temperature": 0, "regex": null, "skip_special_tokens": true,
           "spaces_between_special_tokens": true, "no_stop_trim": false, "custom_params": {},
           "stop": null, "n": 1}}
        """;
    assertThat(server.whole("/generate", fields).get("text").asText()).isEqualTo(" 1 2 3\n");
    assertThat(server.plain("PUT", "/generate", fields).statusCode()).isEqualTo(200);
  }

  @Test
  void whatItCannotDoIsRefusedByItsName() {
    String start = "{\"text\": \"Once\", ";
    refused("{}", "text", "text or input_ids");
    refused(start + "\"input_ids\": [1]}", "input_ids", "both");
    refused(start + "\"return_hidden_states\": true}", "return_hidden_states", "not supported");
    refused(start + "\"token_ids_logprob\": [5]}", "token_ids_logprob", "not supported");
    refused(start + "\"image_data\": \"x.png\"}", "image_data", "not supported");
    String params = start + "\"sampling_params\": ";
    refused(params + "{\"ebnf\": \"root\"}}", "sampling_params.ebnf", "not supported");
    refused(params + "{\"no_stop_trim\": true}}", "sampling_params.no_stop_trim", "not supported");
    refused(
        params + "{\"skip_special_tokens\": false}}",
        "sampling_params.skip_special_tokens",
        "not supported");
  }

  @Test
  void aWrongValueIsRefusedByTheNameThatTheBodyGivesIt() {
    String params = "{\"text\": \"Once\", \"sampling_params\": ";
    refused(params + "{\"temperature\": -1}}", "sampling_params.temperature", "found -1");
    refused(params + "{\"max_new_tokens\": -1}}", "sampling_params.max_new_tokens", "found -1");
    refused(
        params + "{\"max_new_tokens\": 3, \"min_new_tokens\": 4}}",
        "sampling_params.min_new_tokens",
        "from 0 to max_new_tokens (3)");
    refused(params + "{\"n\": 0}}", "sampling_params.n", "1 to 128");
    refused(params + "{\"stop\": [1]}}", "sampling_params.stop[0]", "a string");
    refused(params + "{\"stream_interval\": 0}}", "sampling_params.stream_interval", "at least 1");
    refused("{\"text\": \"\"}", "text", "not empty");
    refused("{\"text\": [\"a\", 7]}", "text[1]", "expected text, found 7");
    refused("{\"text\": \"\\ud83d\"}", "text", "half a surrogate pair");
    refused("{\"input_ids\": [1, 99999]}", "input_ids", "found 99999 at position 1");
    refused("{\"input_ids\": [[1], [2, \"x\"]]}", "input_ids[1][1]", "a token id");
    refused("{\"input_ids\": [[1], []]}", "input_ids[1]", "not empty");
    refused(
        "{\"input_ids\": [1, 2], \"return_logprob\": true, \"logprob_start_len\": 2}",
        "logprob_start_len",
        "a position in the prompt of 2 tokens");
    refused(
        "{\"input_ids\": [1, 2], \"return_logprob\": true, \"top_logprobs_num\": 21}",
        "top_logprobs_num",
        "from 0 to 20");
    String two = "{\"input_ids\": [[1], [2]], ";
    refused(two + "\"top_logprobs_num\": [1]}", "top_logprobs_num", "a list of 2");
    refused(two + "\"return_logprob\": [true, 1]}", "return_logprob[1]", "true or false");
    refused(two + "\"rid\": [\"a\", \"a\"]}", "rid", "of its own");
    refused(two + "\"sampling_params\": [{\"n\": 2}, {}]}", "sampling_params.n", "the same number");
    refused(params + "{\"regex\": \"(\"}}", "sampling_params.regex", "");
    refused(params + "{\"json_schema\": \"{\"}}", "sampling_params.json_schema", "JSON");
    assertThat(server.post("/generate", "[1]").error()).contains("expected a JSON object");
    assertThat(server.post("/generate", "").status()).isEqualTo(400);
  }

  @Test
  void anAnswerKeepsToARegularExpressionOrASchema() {
    String start = "{\"text\": \"Once\", \"sampling_params\": {\"max_new_tokens\": 40, ";
    for (int seed = 0; seed < 5; seed++) {
      String seeded = start + "\"sampling_seed\": " + seed + ", ";
      JsonNode date =
          server.whole("/generate", seeded + "\"regex\": \"[0-9]{4}-(0[1-9]|1[0-2])\"}}");
      assertThat(date.get("text").asText()).matches("[0-9]{4}-(0[1-9]|1[0-2])");
      assertThat(date.at("/meta_info/finish_reason/type").asText()).isEqualTo("stop");
      JsonNode schema =
          server.whole(
              "/generate", seeded + "\"json_schema\": \"{\\\"enum\\\": [\\\"red\\\", 7]}\"}}");
      assertThat(schema.get("text").asText()).isIn("\"red\"", "7");
    }
  }

  @Test
  void aRequestIsAbortedByItsNameAndItsTokensSoFarAreTheAnswer() throws Exception {
    server.engine().pause(PauseMode.IN_PLACE).join();
    var running = later(LONG + ", \"rid\": \"mine\"}");
    var list =
        later(LONG.replace("\"Once upon a time\"", "[\"A\", \"B\"]") + ", \"rid\": \"two\"}");
    run(3, 5);
    refused(LONG + ", \"rid\": \"mine\"}", "rid", "no running request has");
    assertThat(server.plain("POST", "/abort_request", "{\"rid\": \"nobody\"}").statusCode())
        .isEqualTo(200);
    assertThat(running).isNotDone();
    assertThat(server.plain("POST", "/abort_request", "{\"rid\": \"mine\"}").body()).isEmpty();
    JsonNode answer = running.get().body();
    assertThat(answer.at("/meta_info/id").asText()).isEqualTo("mine");
    assertThat(answer.at("/meta_info/finish_reason/type").asText()).isEqualTo("abort");
    assertThat(answer.at("/meta_info/finish_reason/message").asText()).isEqualTo("cancelled");
    assertThat(answer.get("output_ids").size()).isBetween(1, 1899);
    assertThat(server.engine().step(1).join()).as("the others go on").isEqualTo(1);
    assertThat(server.metrics().load().running()).isEqualTo(2);
    server.plain("POST", "/abort_request", "{\"rid\": \"two\"}");
    assertThat(list.get().body().findValuesAsText("id")).containsExactly("two_0", "two_1");
    server.engine().resume().join();
    assertThat(server.whole("/generate", SHORT.replace("}}", "}, \"rid\": \"mine\"}")))
        .as("the name is free again")
        .isNotNull();
  }

  @Test
  void aNameIsFreeAgainWhenItsClientHasTheWholeAnswer() {
    for (int i = 0; i < 40; i++) {
      for (String stream : List.of("false", "true")) {
        String body = SHORT.replace("}}", "}, \"rid\": \"mine\", \"stream\": " + stream + "}");
        assertThat(server.plain("POST", "/generate", body).statusCode()).isEqualTo(200);
      }
    }
  }

  @Test
  void allRequestsAreAbortedAtOnceThoseOfOpenAisApiToo() throws Exception {
    server.engine().pause(PauseMode.IN_PLACE).join();
    var one = later(LONG + "}");
    var other =
        onAThread(
            () ->
                server.post(
                    "/v1/completions",
                    "{\"prompt\":\"A\",\"max_tokens\":1900,\"ignore_eos\":true}"));
    run(2, 3);
    server.plain("POST", "/abort_request", "{\"abort_all\": true}");
    assertThat(one.get().body().at("/meta_info/finish_reason/type").asText()).isEqualTo("abort");
    assertThat(other.get().body().at("/choices/0/text").asText()).isNotEmpty();
    eventually(() -> server.metrics().load().running() == 0);
  }

  @Test
  void aClientThatLeavesCancelsItsRequestAndItsPagesComeBack() throws Exception {
    for (boolean stream : new boolean[] {true, false}) {
      double before = value("sglang:num_aborted_requests_total");
      server.engine().pause(PauseMode.IN_PLACE).join();
      try (RawClient client = new RawClient(server.port())) {
        client.post("/generate", LONG + ",\"stream\":" + stream + "}");
        run(1, 3);
        assertThat(value("sglang:kv_used_tokens")).isPositive();
      }
      eventually(() -> value("sglang:num_aborted_requests_total") == before + 1);
      eventually(() -> value("sglang:kv_used_tokens") == 0);
      server.engine().resume().join();
    }
    assertThat(server.plain("POST", "/flush_cache", "").statusCode()).isEqualTo(200);
    assertThat(value("sglang:kv_available_tokens"))
        .isEqualTo(value("sglang:max_total_num_tokens"))
        .isEqualTo(server.engine().cacheTokens());
  }

  @Test
  void theCacheIsFlushedWhenNothingRunsAndATimeoutWaitsForThat() throws Exception {
    server.whole("/generate", SHORT.replace("Once upon", "Once there was a duck who went upon"));
    assertThat(server.plain("GET", "/flush_cache", "").body()).isEqualTo("Cache flushed.\n");
    server.engine().pause(PauseMode.IN_PLACE).join();
    var running = later(LONG + ", \"rid\": \"long\"}");
    run(1, 3);
    assertThat(server.post("/flush_cache", "").status()).isEqualTo(400);
    assertThat(server.post("/flush_cache?timeout=0.05", "").status()).isEqualTo(400);
    assertThat(server.post("/reset_prefix_cache", "").error()).contains("no request");
    assertThat(server.post("/flush_cache?timeout=soon", "").param()).isEqualTo("timeout");
    var patient =
        onAThread(() -> server.plain("POST", "/flush_cache?timeout=60.0", "").statusCode());
    server.plain("POST", "/abort_request", "{\"rid\": \"long\"}");
    running.get();
    assertThat(patient.get()).isEqualTo(200);
    assertThat(value("orrery:cache_flushes_total")).isEqualTo(2);
  }

  @Test
  void generationIsPausedAndContinues() throws Exception {
    String said = "{\"status\":\"ok\",\"message\":\"Generation paused.\"}";
    assertThat(server.plain("POST", "/pause_generation", "{\"mode\": \"in_place\"}").body())
        .isEqualTo(said);
    var waits = later(SHORT);
    eventually(() -> server.metrics().load().waiting() == 1);
    assertThat(value("orrery:paused")).isEqualTo(1);
    assertThat(server.plain("GET", "/get_load", "").body()).contains("\"num_waiting_reqs\":1");
    server.plain("POST", "/continue_generation", "{}");
    assertThat(waits.get().status()).isEqualTo(200);
    server.engine().pause(PauseMode.IN_PLACE).join();
    var running = later(LONG + "}");
    run(1, 3);
    assertThat(server.plain("POST", "/pause_generation", "").statusCode()).isEqualTo(200);
    assertThat(running.get().body().at("/meta_info/finish_reason/message").asText())
        .isEqualTo("paused");
    assertThat(server.post("/pause_generation", "{\"mode\": \"later\"}").param()).isEqualTo("mode");
    server.engine().resume().join();
  }

  @Test
  void itSaysWhatItIs() {
    JsonNode model = server.get("/model_info").body();
    assertThat(model).isEqualTo(server.get("/get_model_info").body());
    assertThat(Path.of(model.get("model_path").asText())).isDirectory();
    assertThat(model.get("tokenizer_path")).isEqualTo(model.get("model_path"));
    assertThat(model.get("served_model_name").asText()).isEqualTo("storyteller-moe");
    assertThat(model.get("model_type").asText()).isEqualTo("glm4_moe");
    assertThat(model.get("architectures").get(0).asText()).isEqualTo("Glm4MoeForCausalLM");
    assertThat(model.get("is_generation").asBoolean()).isTrue();
    JsonNode info = server.get("/server_info").body();
    assertThat(info.get("model_path")).isEqualTo(model.get("model_path"));
    assertThat(info.get("schedule_policy").asText()).isEqualTo("sglang");
    assertThat(info.get("speculative_algorithm").asText()).isEqualTo("off");
    assertThat(info.get("max_running_requests").asInt()).isPositive();
    assertThat(info.get("max_total_num_tokens").asLong()).isEqualTo(server.engine().cacheTokens());
    assertThat(info.get("dp_size").asInt()).isEqualTo(1);
    assertThat(info.at("/internal_states/0").has("avg_spec_accept_length")).isFalse();
    assertThat(server.get("/get_server_info").status()).isEqualTo(200);
    assertThat(server.get("/version").body().get("version").asText()).isNotEmpty();
  }

  @Test
  void itSaysHowBusyItIs() throws Exception {
    assertThat(server.get("/get_load").body())
        .isEqualTo(server.get("/get_load?x=y").body())
        .hasSize(1);
    server.engine().pause(PauseMode.IN_PLACE).join();
    var running = later(LONG + ", \"rid\": \"long\"}");
    run(1, 3);
    var waits = later(SHORT);
    eventually(() -> server.metrics().load().waiting() == 1);
    JsonNode load = server.get("/get_load").body().get(0);
    assertThat(load.get("num_reqs").asInt()).isEqualTo(2);
    assertThat(load.get("num_waiting_reqs").asInt()).isEqualTo(1);
    JsonNode loads = server.get("/v1/loads?include=core,queues").body().at("/loads/0");
    assertThat(loads.get("num_running_reqs").asInt()).isEqualTo(1);
    assertThat(loads.get("num_used_tokens").asInt()).isPositive();
    assertThat(load.get("num_tokens").asInt())
        .isEqualTo(loads.get("num_total_tokens").asInt())
        .isGreaterThan(loads.get("num_used_tokens").asInt());
    assertThat(loads.get("max_total_num_tokens").asLong()).isEqualTo(server.engine().cacheTokens());
    assertThat(loads.get("token_usage").asDouble()).isBetween(0.0001, 1.0);
    server.engine().resume().join();
    server.plain("POST", "/abort_request", "{\"rid\": \"long\"}");
    running.get();
    waits.get();
  }

  @Test
  void textBecomesTokensAndTokensBecomeText() {
    JsonNode one =
        server.whole(
            "/tokenize",
            "{\"model\":\"m\",\"prompt\":\"Once <|end|> é😀\",\"add_special_tokens\":false}");
    List<Integer> ids = new ArrayList<>();
    one.get("tokens").forEach(id -> ids.add(id.asInt()));
    assertThat(one.get("count").asInt()).isEqualTo(ids.size());
    assertThat(ids.stream().mapToInt(i -> i))
        .containsExactly(
            Arrays.stream(server.loaded().requireTokenizer().encode("Once <|end|> é😀"))
                .boxed()
                .toArray(Integer[]::new));
    JsonNode back = server.whole("/detokenize", "{\"tokens\":" + ids + "}");
    assertThat(back.get("prompt").asText()).isEqualTo("Once <|end|> é😀");
    assertThat(back.get("text")).isEqualTo(back.get("prompt"));
    JsonNode two = server.whole("/tokenize", "{\"prompt\":[\"Once\",\"\"]}");
    assertThat(two.get("tokens")).hasSize(2);
    assertThat(two.at("/count/1").asInt()).isZero();
    assertThat(server.whole("/detokenize", "{\"tokens\":[]}").get("text").asText()).isEmpty();
    assertThat(server.post("/tokenize", "{\"prompt\":7}").param()).isEqualTo("prompt");
    assertThat(server.post("/tokenize", "{\"prompt\":[7]}").param()).isEqualTo("prompt");
    assertThat(server.post("/detokenize", "{\"tokens\":[1,99999]}").param()).isEqualTo("tokens[1]");
    assertThat(server.post("/detokenize", "{}").param()).isEqualTo("tokens");
    JsonNode info = server.get("/tokenizer_info").body();
    assertThat(info.get("eos_token").asText()).startsWith("<|");
  }

  @Test
  void aModelWithoutATokenizerHasIdsOnly() throws IOException {
    try (OpenAiServer ids = OpenAiServer.of(Path.of("tiny-models/speck-groups"))) {
      assertThat(ids.post("/tokenize", "{\"prompt\":\"a\"}").status()).isEqualTo(404);
      assertThat(ids.get("/tokenizer_info").status()).isEqualTo(404);
      assertThat(ids.get("/model_info").body().get("tokenizer_path").isNull()).isTrue();
      assertThat(ids.post("/generate", "{\"text\":\"a\"}").error()).contains("no tokenizer");
      JsonNode answer =
          ids.whole(
              "/generate",
              "{\"input_ids\":[1,2],\"sampling_params\":{\"max_new_tokens\":3},"
                  + "\"return_logprob\":true,\"return_text_in_logprobs\":true}");
      assertThat(answer.get("text").asText()).isEmpty();
      assertThat(answer.at("/meta_info/output_token_logprobs/0/2").isNull()).isTrue();
    }
  }

  @Test
  void metricsAreThereForPrometheusAndForALookAtTheirHeaders() throws IOException {
    server.whole("/generate", SHORT);
    HttpResponse<String> metrics = server.plain("GET", "/metrics", "");
    assertThat(metrics.headers().firstValue("Content-Type"))
        .contains("text/plain; version=0.0.4; charset=utf-8");
    Exposition.read(metrics.body().getBytes(StandardCharsets.UTF_8));
    assertThat(metrics.body())
        .contains("sglang:num_requests_total{model_name=\"served\"} 1.0")
        .contains("sglang:generation_tokens_total{model_name=\"served\"} 2.0");
    try (RawClient client = new RawClient(server.port())) {
      RawClient.Reply head =
          client.send("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").replyToHead();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.header("Content-Type")).startsWith("text/plain");
      assertThat(client.get("/v1/loads?format=prometheus").reply().body()).contains("sglang:");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/flush_cache", "/start_profile", "/stop_profile", "/health_generate"})
  void noPictureOfAPageOfTheWebActsOnTheServerAndNoHeadDoes(String path) throws IOException {
    try (RawClient client = new RawClient(server.port())) {
      RawClient.Reply picture = client.get(path, "Sec-Fetch-Site: cross-site").reply();
      assertThat(picture.status()).as(picture.body()).isEqualTo(403);
      String head = "HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
      assertThat(client.send(head).replyToHead().status()).isEqualTo(405);
      RawClient.Reply started = client.get("/start_profile").reply();
      assertThat(started.status()).as("no trace is being written").isEqualTo(200);
    }
    assertThat(value("sglang:generation_tokens_total")).isZero();
  }

  @Test
  void oneTokenShowsThatTheWholeWayWorks() {
    assertThat(server.plain("GET", "/health_generate", "").statusCode()).isEqualTo(200);
    assertThat(value("sglang:generation_tokens_total")).isEqualTo(1);
  }

  @Test
  void tracesAreWrittenOnDemandIntoTheServersOwnDirectory() throws Exception {
    assertThat(server.post("/stop_profile", "").status()).isEqualTo(400);
    String wish = "{\"output_dir\": \"/tmp/elsewhere\", \"activities\": [\"CPU\"]}";
    assertThat(server.plain("POST", "/start_profile", wish).body()).isEqualTo("Start profiling.\n");
    assertThat(server.post("/start_profile", "").error()).contains("stop it first");
    server.whole("/generate", SHORT);
    assertThat(server.plain("POST", "/stop_profile", "").body()).contains("profile-1.json");
    JsonNode trace = OpenAiServer.read(Files.readString(directory.resolve("profile-1.json")));
    assertThat(trace.findValuesAsText("name")).contains("step 0", "request 0");
    server.plain("GET", "/start_profile", "");
    server.plain("POST", "/stop_profile", "{}");
    server.plain("POST", "/start_profile", "{\"num_steps\": 2}");
    server.whole("/generate", SHORT.replace(":2", ":9"));
    assertThat(server.plain("POST", "/start_profile", "").statusCode())
        .as("it ended after two steps")
        .isEqualTo(200);
    server.plain("POST", "/stop_profile", "");
    try (var files = Files.list(directory)) {
      assertThat(files.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "profile-1.json", "profile-2.json", "profile-3.json", "profile-4.json");
    }
    assertThat(steps("profile-3.json")).isEqualTo(2);
  }

  private long steps(String file) throws IOException {
    JsonNode trace = OpenAiServer.read(Files.readString(directory.resolve(file)));
    return trace.findValuesAsText("name").stream().filter(n -> n.startsWith("step ")).count();
  }

  @Test
  void aTraceThatCannotBeWrittenIsReportedButTheClientIsToldNoPath() throws IOException {
    Profile profile = new Profile(Optional.of(directory.resolve("gone")));
    LoadedModel loaded = LoadedModel.load(STORYTELLER);
    try (OpenAiServer none =
        OpenAiServer.of(loaded, EngineOptions.defaults(), EventSink.NONE, s -> s, profile)) {
      OpenAiServer.Reply reply = none.post("/start_profile", "");
      assertThat(reply.status()).isEqualTo(500);
      assertThat(reply.error()).isEqualTo("profile: the trace cannot be written");
      assertThat(none.takeBugs()).hasSize(1);
    }
  }

  @Test
  void aServerWithoutADirectoryForTracesWritesNone() throws IOException {
    try (OpenAiServer none = OpenAiServer.of(STORYTELLER)) {
      assertThat(none.post("/start_profile", "").status()).isEqualTo(404);
      assertThat(none.post("/stop_profile", "").status()).isEqualTo(404);
    }
  }

  /** A body with one prompt for each of some patterns. */
  private static String patterns(IntStream numbers) {
    List<String> params =
        numbers.mapToObj(i -> "{\"max_new_tokens\":1,\"regex\":\"a{" + i + "}\"}").toList();
    String texts = String.join(",", Collections.nCopies(params.size(), "\"a\""));
    return "{\"text\":[" + texts + "],\"sampling_params\":" + params + "}";
  }

  @Test
  void aBodyHasAtMostEightDifferentConstraints() {
    refused(
        patterns(IntStream.range(1, 10)),
        "sampling_params[8].regex",
        "expected at most 8 different constraints of a body, found more");
    String often = patterns(IntStream.range(0, 40).map(i -> 1 + i % 8));
    assertThat(server.whole("/generate", often)).hasSize(40);
  }

  @Test
  void aListOfMoreIdsThanTheContextHoldsIsRefusedByItsLength() {
    int most = server.engine().longest();
    refused(
        "{\"input_ids\":[" + "1,".repeat(most) + "true]}",
        "input_ids",
        "expected at most " + most + " token ids, as the context holds, found " + (most + 1));
  }
}
