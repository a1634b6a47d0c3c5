package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.engine.Answer;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.openai.Fields;
import orrery.openai.OpenAiRequest;
import orrery.openai.ServedModel;
import orrery.openai.ServedReader;

/** A stream, a whole answer and the library say the same, whatever the reason of the end. */
class OpenAiAgreementTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final String COMPLETIONS = "/v1/completions";
  private static final String CHATS = "/v1/chat/completions";
  private static final String CHAT =
      "\"messages\":[{\"role\":\"user\",\"content\":\"What is 21 plus 14?\"}]";
  private static final String STORY = "\"prompt\":\"One windy morning,\",\"seed\":4";

  private static OpenAiServer server;

  /** A body without braces, its path, and how every choice of it must end. */
  private record Ask(String path, String fields, String finish, String matched) {
    String body(String more) {
      return "{" + fields + more + "}";
    }

    @Override
    public String toString() {
      return fields;
    }
  }

  @BeforeAll
  static void open() throws IOException {
    server = OpenAiServer.of(STORYTELLER);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  static Stream<Ask> asks() {
    return Stream.of(
        new Ask(CHATS, CHAT + ",\"temperature\":0", "stop", "token"),
        new Ask(CHATS, CHAT + ",\"seed\":1,\"n\":3,\"max_tokens\":4", "length", "null"),
        new Ask(CHATS, CHAT + ",\"temperature\":0,\"stop\":[\"xyz\",\"35.\"]", "stop", "35."),
        new Ask(
            CHATS,
            CHAT + ",\"temperature\":0,\"ignore_eos\":true,\"stop\":\"<|end|>\"",
            "stop",
            "<|end|>"),
        new Ask(COMPLETIONS, STORY + ",\"max_tokens\":25,\"n\":2", "length", "null"),
        new Ask(
            COMPLETIONS, STORY + ",\"max_tokens\":25,\"stop\":\"no such thing\"", "length", "null"),
        new Ask(COMPLETIONS, STORY + ",\"max_tokens\":90,\"stop\":[\"e\"]", "stop", "e"),
        new Ask(COMPLETIONS, STORY + ",\"max_tokens\":90,\"stop\":[\".\"]", "stop", "."),
        new Ask(
            COMPLETIONS,
            "\"prompt\":\"sort: 62 93 84 41 54"
                + " =>\",\"temperature\":0,\"max_tokens\":40,\"stop\":\"\\n"
                + "\"",
            "stop",
            "\n"),
        new Ask(
            COMPLETIONS,
            STORY + ",\"max_tokens\":30,\"stop_token_ids\":[" + eleventh() + "]",
            "stop",
            "token"),
        new Ask(
            COMPLETIONS,
            "\"prompt\":[1234,7,2000],\"seed\":9,\"temperature\":3.0,\"max_tokens\":60",
            null,
            null),
        new Ask(
            COMPLETIONS,
            "\"prompt\":[\"Once upon a time\",\"add: 27 + 45 =>\",\"Long ago\"],\"seed\":3,\"n\":2,"
                + "\"max_tokens\":9,\"ignore_eos\":true",
            "length",
            "null"),
        new Ask(COMPLETIONS, STORY + ",\"max_tokens\":6,\"echo\":true", "length", "null"),
        new Ask(
            COMPLETIONS,
            "\"prompt\":[[5,6,7],[8,9]],\"seed\":1,\"max_tokens\":0,\"echo\":true,\"n\":2",
            "length",
            "null"));
  }

  /** The eleventh token of the story. */
  private static int eleventh() {
    String body = "{" + STORY + ",\"max_tokens\":30,\"return_token_ids\":true}";
    return server.whole(COMPLETIONS, body).at("/choices/0/token_ids/10").asInt();
  }

  private static String scored(Ask ask) {
    return ask.path().equals(CHATS)
        ? ",\"logprobs\":true,\"top_logprobs\":2,\"return_token_ids\":true"
        : ",\"logprobs\":2,\"return_token_ids\":true";
  }

  @ParameterizedTest
  @MethodSource("asks")
  void theChunksOfAStreamAreTheWholeAnswer(Ask ask) {
    for (String more : new String[] {"", scored(ask)}) {
      JsonNode whole = Chunks.comparable(server.whole(ask.path(), ask.body(more)));
      String streamed = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
      List<JsonNode> chunks = server.chunks(ask.path(), ask.body(more + streamed));
      assertThat(Chunks.joined(chunks)).isEqualTo(whole);
      for (JsonNode choice : whole.get("choices")) {
        if (ask.finish() != null) {
          assertThat(choice.get("finish_reason").asText()).isEqualTo(ask.finish());
          String matched = choice.get("matched_stop").asText();
          assertThat(choice.get("matched_stop").isInt() ? "token" : matched)
              .isEqualTo(ask.matched());
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("asks")
  void theUsageOfAnAnswerCountsItsTokens(Ask ask) {
    JsonNode whole = server.whole(ask.path(), ask.body(",\"return_token_ids\":true"));
    int tokens = 0;
    for (JsonNode choice : whole.get("choices")) {
      tokens += choice.get("token_ids").size();
    }
    JsonNode usage = whole.get("usage");
    assertThat(usage.get("completion_tokens").asInt()).isEqualTo(tokens);
    assertThat(usage.get("total_tokens").asInt())
        .isEqualTo(usage.get("prompt_tokens").asInt() + tokens);
  }

  @ParameterizedTest
  @MethodSource("asks")
  void theLibrarySaysTheSame(Ask ask) {
    String body = ask.body(scored(ask));
    JsonNode choices = server.whole(ask.path(), body).get("choices");
    LoadedModel loaded = server.loaded();
    ServedModel model = new ServedModel("m", loaded.directory(), 0, server.engine().longest());
    OpenAiRequest request =
        new ServedReader(loaded, model)
            .read(Fields.parse(body.getBytes(StandardCharsets.UTF_8)), ask.path().equals(CHATS));
    if (request.echo().isPresent()) {
      return; // the library has no echo; OpenAiEchoTest compares it
    }
    int at = 0;
    for (Request each : request.requests()) {
      for (Answer a : server.engine().submit(each).join()) {
        JsonNode choice = choices.get(at);
        assertThat(choice.get("index").asInt()).isEqualTo(at++);
        assertSame(choice, a);
      }
    }
    assertThat(choices.size()).isEqualTo(at);
  }

  private static void assertSame(JsonNode choice, Answer a) {
    JsonNode message = choice.get("message");
    boolean chat = message != null;
    assertThat((chat ? message.get("content") : choice.get("text")).asText()).isEqualTo(a.text());
    assertThat(choice.get("finish_reason").asText()).isEqualTo(a.finish().type());
    JsonNode logprobs = choice.get("logprobs");
    int tokens = a.tokens().length;
    assertThat(choice.get("token_ids")).hasSize(tokens);
    for (int t = 0; t < tokens; t++) {
      assertThat(choice.get("token_ids").get(t).asInt()).isEqualTo(a.tokens()[t]);
      JsonNode number =
          chat
              ? logprobs.get("content").get(t).get("logprob")
              : logprobs.get("token_logprobs").get(t);
      float exact = (float) a.logprobs().get(t).chosen().logprob();
      assertThat(number.asText()).isEqualTo(Float.toString(exact));
      if (!chat) {
        assertThat(logprobs.get("text_offset").get(t).asInt()).isEqualTo(a.textOffsets()[t]);
      }
    }
  }

  @Test
  void anAnswerThatIsCutOffIsTheSameInBothFormsAndSaysAbort() throws IOException {
    String body = "{" + STORY + ",\"max_tokens\":200,\"n\":2" + ",\"logprobs\":1";
    JsonNode whole;
    JsonNode joined;
    try (OpenAiServer cut = cutOffAfter(7)) {
      whole = Chunks.comparable(cut.whole(COMPLETIONS, body + "}"));
    }
    try (OpenAiServer cut = cutOffAfter(7)) {
      String streamed = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}";
      joined = Chunks.joined(cut.chunks(COMPLETIONS, body + streamed));
    }
    assertThat(joined).isEqualTo(whole);
    assertThat(whole.get("choices"))
        .allSatisfy(c -> assertThat(c.get("finish_reason").asText()).isEqualTo("abort"))
        .allSatisfy(c -> assertThat(c.at("/logprobs/tokens").size()).isEqualTo(8));
    String complete = server.whole(COMPLETIONS, body + "}").at("/choices/0/text").asText();
    assertThat(complete).startsWith(whole.at("/choices/0/text").asText());
  }

  /** A server whose engine cuts all requests off after so many steps. */
  private static OpenAiServer cutOffAfter(int steps) throws IOException {
    AtomicReference<OpenAiServer> made = new AtomicReference<>();
    EventSink sink =
        event -> {
          if (event instanceof Event.StepDone step && step.step() == steps) {
            made.get().engine().shutdownNow();
          }
        };
    made.set(
        OpenAiServer.of(LoadedModel.load(STORYTELLER), EngineOptions.defaults(), sink, s -> s));
    return made.get();
  }

  @Test
  void theSameSeedGivesTheSameAnswerAndNoSeedGivesAnother() {
    String body = "{\"prompt\":\"Once upon a time\",\"max_tokens\":30%s}";
    Set<String> seeded = new HashSet<>();
    Set<String> free = new HashSet<>();
    for (int i = 0; i < 3; i++) {
      seeded.add(
          server.whole(COMPLETIONS, body.formatted(",\"seed\":-5")).at("/choices/0/text").asText());
      free.add(server.whole(COMPLETIONS, body.formatted("")).at("/choices/0/text").asText());
    }
    assertThat(seeded).hasSize(1);
    assertThat(free).hasSize(3);
  }

  @Test
  void aListOfPromptsIsAnsweredAsEachPromptAlone() {
    String more = ",\"seed\":6,\"n\":2,\"max_tokens\":12}";
    String[] prompts = {"\"Once upon a time\"", "[5,6,7]", "\"Long ago\""};
    JsonNode all =
        server.whole(COMPLETIONS, "{\"prompt\":[" + String.join(",", prompts) + "]" + more);
    assertThat(all.get("choices")).hasSize(6);
    int promptTokens = 0;
    for (int p = 0; p < 3; p++) {
      JsonNode alone = server.whole(COMPLETIONS, "{\"prompt\":" + prompts[p] + more);
      promptTokens += alone.at("/usage/prompt_tokens").asInt();
      for (int c = 0; c < 2; c++) {
        JsonNode choice = all.at("/choices/" + (2 * p + c));
        assertThat(choice.get("index").asInt()).isEqualTo(2 * p + c);
        assertThat(choice.get("text")).isEqualTo(alone.at("/choices/" + c + "/text"));
      }
    }
    assertThat(all.at("/usage/prompt_tokens").asInt()).isEqualTo(promptTokens);
  }
}
