package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.Patience;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.NanModel;
import orrery.engine.PauseMode;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.sampling.RandomSeed;
import orrery.server.OpenAiServer.Reply;

/** What OpenAI's clients, load generators and routers rely on, one rule a test. */
class OpenAiRulesTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHATS = "/v1/chat/completions";
  private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";
  private static final String CHAT = "{" + HI + ",\"max_tokens\":4,\"seed\":1";
  private static final String STORY = "{\"prompt\":\"Once upon\",\"max_tokens\":4,\"seed\":1";
  private static final String STREAM = ",\"stream\":true";

  /** A worker's body after a router has parsed it, printed it anew and added its defaults. */
  private static final String ROUTED =
      ",\"best_of\":null,\"ignore_eos\":false,\"min_tokens\":null,\"repetition_penalty\":1.0,"
          + "\"top_k\":-1,\"min_p\":0.0,\"skip_special_tokens\":true,\"no_stop_trim\":false,"
          + "\"return_hidden_states\":false,\"return_cached_tokens_details\":false,"
          + "\"return_routed_experts\":false,\"lora_path\":null,\"continue_final_message\":false,"
          + "\"separate_reasoning\":true,\"stream_reasoning\":true,\"chat_template_kwargs\":{},"
          + "\"log_metrics\":true,\"background\":false,\"no_logs\":false,\"return_bytes\":false,"
          + "\"return_entropy\":false,\"return_text_in_logprobs\":true,"
          + "\"bootstrap_host\":\"10.0.0.1\",\"bootstrap_port\":8998,"
          + "\"bootstrap_room\":9007199254740993123,\"session_params\":null,\"stop_regex\":null,"
          + "\"tools\":[],\"tool_choice\":\"auto\",\"parallel_tool_calls\":true,"
          + "\"response_format\":{\"type\":\"text\"},\"reasoning_effort\":\"low\","
          + "\"modalities\":[\"text\"],\"store\":false,\"metadata\":{\"a\":\"b\"},"
          + "\"something_of_tomorrow\":{\"deep\":[1,{}]}";

  private static OpenAiServer server;

  @BeforeAll
  static void open() throws IOException {
    server = OpenAiServer.of(STORYTELLER);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {STORY, CHAT})
  void everyLineOfAStreamIsDataAndTheBodyEndsRightAfterDone(String body) throws IOException {
    String path = body.equals(CHAT) ? CHATS : COMPLETIONS;
    try (RawClient client = new RawClient(server.port())) {
      for (int call = 0; call < 2; call++) { // the second call needs the end of the first body
        String text = client.post(path, body + STREAM + "}").reply().body();
        assertThat(text).matches("(data: \\{[^\n\r]*}\n\n)+data: \\[DONE]\n\n");
      }
    }
  }

  @Test
  void aStreamWithoutIncludeUsageHasNoUsageAndAChoiceInEveryChunk() {
    for (String options : List.of("", ",\"stream_options\":null", ",\"stream_options\":{}")) {
      List<JsonNode> chunks = server.chunks(COMPLETIONS, STORY + STREAM + options + "}");
      assertThat(chunks).hasSize(4).allMatch(c -> !c.has("usage") && c.get("choices").size() == 1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {STORY, CHAT})
  void includeUsageAddsOneLastChunkWithoutChoices(String body) {
    String path = body.equals(CHAT) ? CHATS : COMPLETIONS;
    String options = ",\"stream_options\":{\"include_usage\":true}}";
    List<JsonNode> chunks = server.chunks(path, body + STREAM + options);
    JsonNode last = chunks.getLast();
    assertThat(last.get("choices")).isEmpty();
    assertThat(last.get("usage")).isEqualTo(server.whole(path, body + "}").get("usage"));
    assertThat(chunks.subList(0, chunks.size() - 1))
        .allMatch(c -> c.get("usage").isNull() && c.get("choices").size() == 1);
  }

  @Test
  void continuousUsageStatsCountInEveryChunk() {
    String options =
        ",\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}";
    List<JsonNode> chunks = server.chunks(CHATS, CHAT + STREAM + options);
    List<Integer> counts =
        chunks.stream().map(c -> c.at("/usage/completion_tokens").asInt(-1)).toList();
    assertThat(counts).containsExactly(0, 1, 2, 3, 4, 4);
    assertThat(chunks).allMatch(c -> c.at("/usage/prompt_tokens").asInt() > 0);
  }

  @Test
  void theFirstChunkOfEachChatChoiceSaysTheRoleAndNoText() {
    List<JsonNode> chunks = server.chunks(CHATS, CHAT + ",\"n\":2" + STREAM + "}");
    for (int index = 0; index < 2; index++) {
      int wanted = index;
      List<JsonNode> choices =
          chunks.stream()
              .map(c -> c.at("/choices/0"))
              .filter(c -> c.get("index").asInt() == wanted)
              .toList();
      assertThat(choices.getFirst().get("delta"))
          .hasToString("{\"role\":\"assistant\",\"content\":\"\"}");
      assertThat(choices.subList(1, choices.size()))
          .hasSize(4)
          .allMatch(c -> !c.get("delta").has("role") && c.get("delta").has("content"));
    }
    assertThat(chunks).noneMatch(c -> c.has("error"));
    assertThat(chunks.stream().map(c -> c.get("id").asText()).distinct()).hasSize(1);
  }

  @Test
  void whatRoutersAddAndWhatNobodyKnowsIsAccepted() {
    JsonNode plain = Chunks.comparable(server.whole(COMPLETIONS, STORY + "}"));
    JsonNode routed = server.whole(COMPLETIONS, STORY + ROUTED + "}");
    assertThat(Chunks.comparable(routed)).isEqualTo(plain);
    plain = Chunks.comparable(server.whole(CHATS, CHAT + "}"));
    assertThat(Chunks.comparable(server.whole(CHATS, CHAT + ROUTED + "}"))).isEqualTo(plain);
  }

  @Test
  void contentIsTextOrAListOfPartsAndTheLengthHasTwoNames() {
    JsonNode plain = Chunks.comparable(server.whole(CHATS, CHAT + "}"));
    String parts = CHAT.replace("\"hi\"", "[{\"type\":\"text\",\"text\":\"hi\",\"x\":1}]");
    assertThat(Chunks.comparable(server.whole(CHATS, parts + "}"))).isEqualTo(plain);
    for (String[] api : new String[][] {{CHATS, CHAT}, {COMPLETIONS, STORY}}) {
      String renamed = api[1].replace("max_tokens", "max_completion_tokens");
      assertThat(Chunks.comparable(server.whole(api[0], renamed + "}")))
          .isEqualTo(Chunks.comparable(server.whole(api[0], api[1] + "}")));
    }
  }

  @Test
  void messagesOfOtherServersAreReadAgain() {
    String answer =
        "{\"role\":\"assistant\",\"content\":\"Hello.\",\"refusal\":null,\"tool_calls\":[],"
            + "\"annotations\":[],\"audio\":null,\"function_call\":null,\"reasoning\":null}";
    String system = "{\"role\":\"developer\",\"content\":\"Be brief.\",\"name\":\"me\"},";
    String more = CHAT.replace("[{", "[" + system + answer + ",{");
    assertThat(server.whole(CHATS, more + "}").at("/usage/prompt_tokens").asInt())
        .isGreaterThan(server.whole(CHATS, CHAT + "}").at("/usage/prompt_tokens").asInt());
  }

  @Test
  void aClientThatClosesItsConnectionCancelsAWholeAnswerAndAStream() throws Exception {
    String body = "{\"prompt\":\"Once upon\",\"max_tokens\":2000,\"ignore_eos\":true";
    for (String more : List.of("", STREAM)) {
      CompletableFuture<String> ended = new CompletableFuture<>(); // why
      AtomicReference<Event.StepDone> last = new AtomicReference<>();
      EventSink sink =
          event -> {
            switch (event) {
              case Event.StepDone step -> last.set(step);
              case Event.Finished f -> ended.complete(f.reason());
              default -> {}
            }
          };
      LoadedModel loaded = LoadedModel.load(STORYTELLER);
      try (OpenAiServer slow = OpenAiServer.of(loaded, EngineOptions.defaults(), sink, s -> s)) {
        slow.engine().pause(PauseMode.IN_PLACE).join(); // else the answer could be over too soon
        RawClient client = new RawClient(slow.port()).post(COMPLETIONS, body + more + "}");
        Patience.await("the call's request", () -> slow.metrics().load().waiting() == 1);
        assertThat(slow.engine().step(5).join()).isEqualTo(5);
        client.close();
        while (!ended.isDone()) { // unnoticed, the answer would be whole in ten seconds or more
          slow.engine().step(1).join();
          Thread.sleep(5);
        }
        assertThat(ended.get()).isEqualTo("abort");
        slow.engine().resume().join();
        slow.whole(COMPLETIONS, STORY + "}");
        slow.engine().resume().join(); // behind its last step, which shows the pages
        assertThat(last.get().step()).isLessThan(1500);
        assertThat(last.get().pools()).allMatch(pool -> pool.referenced() <= 1);
      }
    }
  }

  @Test
  void promptsMayHoldAnyCharacterAndAreCountedByTheServer() {
    String text = "a\\u0000b <|end|> \\u2028 \\ud83d\\ude00 \\r\\n";
    JsonNode whole =
        server.whole(COMPLETIONS, "{\"prompt\":\"" + text + "\",\"echo\":true,\"max_tokens\":1}");
    assertThat(whole.at("/choices/0/text").asText())
        .startsWith("a\0b <|end|> \u2028 \ud83d\ude00 \r\n");
    int[] ids = server.loaded().requireTokenizer().encode("a\0b <|end|> \u2028 \ud83d\ude00 \r\n");
    assertThat(whole.at("/usage/prompt_tokens").asInt()).isEqualTo(ids.length);
  }

  @Test
  void halfASurrogatePairAnywhereIsABadRequest() {
    String half = "\"\\ud83d\"";
    String[][] bodies = {
      {COMPLETIONS, "{\"prompt\":" + half + "}", "prompt"},
      {COMPLETIONS, "{\"prompt\":[\"a\"," + half + "]}", "prompt[1]"},
      {COMPLETIONS, STORY + ",\"stop\":[\"x\",\"\\ude00\"]}", "stop[1]"},
      {COMPLETIONS, STORY + ",\"model\":" + half + "}", "model"},
      {COMPLETIONS, STORY + ",\"unknown\":{\"deep\":" + half + "}}", "unknown.deep"},
      {
        CHATS,
        "{\"messages\":[{\"role\":\"user\",\"content\":" + half + "}]}",
        "messages[0].content"
      },
    };
    for (String[] body : bodies) {
      Reply reply = server.post(body[0], body[1]);
      assertThat(reply.status()).as(body[1]).isEqualTo(400);
      assertThat(reply.param()).isEqualTo(body[2]);
      assertThat(reply.error()).contains("expected whole Unicode characters");
    }
    Reply bytes = server.post(COMPLETIONS, new byte[] {'{', '"', (byte) 0xE9, '"', '}'});
    assertThat(bytes.status()).isEqualTo(400);
    assertThat(bytes.error()).contains("UTF-8");
  }

  @Test
  void theHeadersOfAllClientsAreHarmless() throws IOException {
    String[] headers = {
      "Authorization: Bearer ", "X-Request-ID: bench-1", "X-SMG-Routing-Key: k",
      "x-stainless-lang: js", "x-stainless-retry-count: 0", "Accept-Encoding: gzip, deflate",
      "Content-Type: application/json", "X-Correlation-ID: c", "traceparent: 00-1-2-01",
    };
    try (RawClient client = new RawClient(server.port())) {
      String plain = STORY + STREAM + "}";
      RawClient.Reply reply = client.post(COMPLETIONS, plain, headers).reply();
      assertThat(reply.status()).isEqualTo(200);
      assertThat(reply.header("Content-Encoding")).isNull();
      assertThat(reply.body()).startsWith("data: {").endsWith("data: [DONE]\n\n");
      String chunked =
          "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n";
      String body = STORY + "}";
      client.send(chunked + "\r\n" + Integer.toHexString(body.length()) + "\r\n" + body);
      assertThat(client.send("\r\n0\r\n\r\n").reply().status()).isEqualTo(200);
    }
  }

  @Test
  void statusesAreThoseThatClientsAndRoutersExpect() {
    assertThat(server.post(COMPLETIONS, STORY + ",\"top_p\":7}").status()).isEqualTo(400);
    assertThat(server.post(COMPLETIONS, "no json").error()).contains("valid JSON");
    assertThat(server.post(COMPLETIONS, "").status()).isEqualTo(400);
    assertThat(server.post("/v1/nothing", "{}").status()).isEqualTo(404);
    assertThat(server.get(COMPLETIONS).status()).isEqualTo(405);
    Reply model = server.post(CHATS, CHAT + ",\"model\":\"gpt-9\"}");
    assertThat(model.status()).isEqualTo(404);
    assertThat(model.error()).contains("expected \"storyteller-moe\", found \"gpt-9\"");
    assertThat(model.body().at("/error/code").asText()).isEqualTo("model_not_found");
  }

  @Test
  void aFullQueueIs503AndATimeToComeBackAndMorePromptsThanItMayHoldAre400() throws Exception {
    EngineOptions options =
        EngineOptions.defaults()
            .withBatching(b -> b.withMaxRunningRequests(1).withMaxQueuedRequests(1));
    LoadedModel loaded = LoadedModel.load(STORYTELLER);
    try (OpenAiServer small = OpenAiServer.of(loaded, options, EventSink.NONE, s -> s);
        RawClient waiting = new RawClient(small.port());
        RawClient client = new RawClient(small.port())) {
      String three = "{\"prompt\":[\"a\",\"b\",\"c\"],\"max_tokens\":2}";
      RawClient.Reply never = client.post(COMPLETIONS, three).reply();
      assertThat(never.status()).isEqualTo(400);
      assertThat(never.header("Retry-After")).isNull();
      assertThat(never.body()).contains("expected at most max-queued-requests 1 together, found 3");
      small.engine().pause(PauseMode.IN_PLACE).join();
      String one = "{\"prompt\":\"a\",\"max_tokens\":2}";
      waiting.post(COMPLETIONS, one);
      Patience.await("a call waits", () -> small.engine().waiting() > 0);
      RawClient.Reply reply = client.post(COMPLETIONS, one).reply();
      assertThat(reply.status()).isEqualTo(503);
      assertThat(reply.header("Retry-After")).isEqualTo("1");
      assertThat(reply.body()).contains("the queue is full");
      small.engine().resume().join();
      assertThat(waiting.reply().status()).isEqualTo(200);
    }
  }

  @Test
  void theModelHasItsListedNameAndItsPath() {
    JsonNode list = server.get("/v1/models").body();
    assertThat(list.get("object").asText()).isEqualTo("list");
    JsonNode model = list.at("/data/0");
    assertThat(model.get("id").asText()).isEqualTo("storyteller-moe");
    assertThat(model.get("object").asText()).isEqualTo("model");
    assertThat(model.get("created").isIntegralNumber()).isTrue();
    assertThat(model.get("owned_by").asText()).isEqualTo("orrery");
    String root = model.get("root").asText();
    assertThat(Path.of(root)).isAbsolute().isDirectory();
    for (String name : List.of("storyteller-moe", STORYTELLER.toString(), root, root + "/")) {
      String body = STORY + ",\"model\":\"" + name + "\"}";
      assertThat(server.whole(COMPLETIONS, body).get("model").asText()).isEqualTo(name);
      assertThat(server.get("/v1/models/" + name.replace("/", "%2F")).body()).isEqualTo(model);
    }
    String none = server.whole(COMPLETIONS, STORY + ",\"model\":null}").get("model").asText();
    assertThat(none).isEqualTo("storyteller-moe");
    assertThat(server.get("/v1/models/other").status()).isEqualTo(404);
  }

  @Test
  void aFailureBeforeTheFirstTokenHasAStatusAndALaterOneIsTheLastEvent() throws IOException {
    String body =
        "{\"prompt\":\"Once upon a time\",\"temperature\":0,\"max_tokens\":9,"
            + "\"return_token_ids\":true";
    JsonNode ids = server.whole(COMPLETIONS, body + "}").at("/choices/0/token_ids");
    int fourth = ids.get(3).asInt();
    try (OpenAiServer broken = failing(fourth)) {
      String text = broken.stream(COMPLETIONS, body + STREAM + "}");
      String[] events = text.split("\n\n");
      assertThat(events).hasSize(4 + 1 + 1); // tokens, error, [DONE]
      assertThat(events[4]).contains("\"error\":{\"message\":\"", "\"type\":\"server_error\"");
      assertThat(events[5]).isEqualTo("data: [DONE]");
      assertThat(broken.post(COMPLETIONS, body + "}").status()).isEqualTo(500);
    }
    int first = server.loaded().requireTokenizer().encode("Once upon a time")[0];
    try (OpenAiServer broken = failing(first)) {
      Reply reply = broken.post(COMPLETIONS, body + STREAM + "}");
      assertThat(reply.status()).isEqualTo(500);
      assertThat(reply.error()).contains("NaN");
      String generate =
          "{\"text\":\"Once upon a time\",\"stream\":true,"
              + "\"sampling_params\":{\"temperature\":0,\"max_new_tokens\":9}}";
      for (int i = 0; i < 20; i++) {
        assertThat(broken.post("/generate", generate).status()).isEqualTo(500);
      }
    }
  }

  /** A server whose model computes NaN behind one token. */
  private static OpenAiServer failing(int token) throws IOException {
    LoadedModel loaded = NanModel.of(LoadedModel.load(STORYTELLER), token, "hidden");
    return OpenAiServer.of(loaded, EngineOptions.defaults(), EventSink.NONE, s -> s);
  }

  @Test
  void tellingWhatCameFromTheCacheIsAsked() throws IOException {
    assertThat(server.whole(COMPLETIONS, STORY + "}").get("usage").size()).isEqualTo(3);
    LoadedModel loaded = LoadedModel.load(STORYTELLER);
    try (OpenAiServer telling =
        OpenAiServer.of(
            loaded,
            EngineOptions.defaults(),
            EventSink.NONE,
            s ->
                new Serving(
                    s.engine(), s.loaded(), s.name(), true, s.deadline(), RandomSeed.NONE))) {
      String prompt = "Once upon a time there was a young duck named Tim. ".repeat(3);
      String body = "{\"prompt\":\"" + prompt + "\",\"max_tokens\":2}";
      String path = "/usage/prompt_tokens_details/cached_tokens";
      assertThat(telling.whole(COMPLETIONS, body).at(path).asInt(-1)).isZero();
      assertThat(telling.whole(COMPLETIONS, body).at(path).asInt(-1)).isGreaterThan(15);
      String streamed = body.replace("}", STREAM + ",\"stream_options\":{\"include_usage\":true}}");
      assertThat(telling.chunks(COMPLETIONS, streamed).getLast().at(path).asInt())
          .isGreaterThan(15);
      String salted = body.replace("}", ",\"cache_salt\":\"another tenant\"}");
      assertThat(telling.whole(COMPLETIONS, salted).at(path).asInt(-1)).isZero();
      String keyed = body.replace("}", ",\"extra_key\":\"another tenant\"}");
      assertThat(telling.whole(COMPLETIONS, keyed).at(path).asInt(-1)).isZero();
    }
  }
}
