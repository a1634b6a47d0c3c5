package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
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
import orrery.events.EventSink;
import orrery.openai.Fields;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingParams;
import orrery.sglang.GenerateReader;
import orrery.sglang.GenerateRequest;
import orrery.speculation.SpeculationOptions.Algorithm;

/** {@code /generate}: a stream, a whole answer and the library say the same. */
class GenerateAgreementTest {
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final String STORY =
      "\"text\":\"One windy morning,\",\"sampling_params\":{\"sampling_seed\":4";

  private static OpenAiServer server;

  @BeforeAll
  static void open() throws IOException {
    server = OpenAiServer.of(STORYTELLER);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  /** Bodies without braces, one for each reason to end, and for each form of prompt and report. */
  static Stream<String> bodies() {
    return Stream.of(
        STORY + ",\"max_new_tokens\":9}",
        STORY + ",\"max_new_tokens\":60,\"stop\":[\"xyz\",\"the\"]}",
        STORY + ",\"max_new_tokens\":90,\"stop_token_ids\":[14,15,16,17,18,19,20]}",
        "\"text\":\"sort: 9 4 7 =>\",\"sampling_params\":{\"temperature\":0}",
        "\"input_ids\":[5,6,7,8,9],\"sampling_params\":{\"sampling_seed\":1,\"n\":3,"
            + "\"max_new_tokens\":7,\"ignore_eos\":true},\"return_logprob\":true",
        "\"input_ids\":[[5,6,7],[8,9]],\"sampling_params\":[{\"temperature\":0,"
            + "\"max_new_tokens\":4},{\"sampling_seed\":3,\"max_new_tokens\":6}],"
            + "\"return_logprob\":[true,false],\"top_logprobs_num\":[2,0]",
        "\"text\":[\"copy: red sun map =>\"],\"sampling_params\":{\"temperature\":0},"
            + "\"return_logprob\":true,\"logprob_start_len\":0,\"top_logprobs_num\":3,"
            + "\"return_text_in_logprobs\":true",
        "\"text\":\"add: 27 + 45 =>\",\"sampling_params\":{\"temperature\":0},"
            + "\"return_logprob\":true,\"logprob_start_len\":2",
        "\"text\":\"add: 27 + 45 =>\",\"sampling_params\":{\"max_new_tokens\":0},"
            + "\"return_logprob\":true,\"logprob_start_len\":1,\"top_logprobs_num\":1",
        STORY + ",\"max_new_tokens\":20,\"stream_interval\":7}",
        STORY + ",\"regex\":\" (yes|no), [0-9]{3}\"},\"return_logprob\":true",
        STORY + ",\"json_schema\":\"{\\\"enum\\\": [\\\"red\\\", \\\"blue\\\"]}\"}");
  }

  /** An answer without what each run has anew. */
  private static JsonNode comparable(JsonNode answer) {
    ObjectNode copy = answer.deepCopy();
    ObjectNode meta = (ObjectNode) copy.get("meta_info");
    assertThat(meta.remove("id").asText()).isNotEmpty();
    assertThat(meta.remove("e2e_latency").asDouble()).isPositive();
    meta.remove("cached_tokens"); // depends on what ran before
    copy.remove("index");
    return copy;
  }

  private static List<JsonNode> list(JsonNode whole) {
    List<JsonNode> answers = new ArrayList<>();
    if (whole.isArray()) {
      whole.forEach(a -> answers.add(comparable(a)));
    } else {
      answers.add(comparable(whole));
    }
    return answers;
  }

  private static List<JsonNode> lastPieces(OpenAiServer from, String body, boolean list) {
    TreeMap<Integer, JsonNode> last = new TreeMap<>();
    for (JsonNode piece : from.chunks("/generate", "{" + body + ",\"stream\":true}")) {
      assertThat(piece.has("index")).isEqualTo(list);
      JsonNode before = last.put(piece.path("index").asInt(), piece);
      if (before != null) {
        assertThat(before.at("/meta_info/finish_reason").isNull()).isTrue();
        assertThat(piece.get("text").asText()).startsWith(before.get("text").asText());
        assertThat(piece.at("/meta_info/completion_tokens").asInt())
            .isGreaterThanOrEqualTo(before.at("/meta_info/completion_tokens").asInt());
        assertThat(piece.at("/meta_info/id")).isEqualTo(before.at("/meta_info/id"));
      }
    }
    return last.values().stream().map(GenerateAgreementTest::comparable).toList();
  }

  @ParameterizedTest
  @MethodSource("bodies")
  void theLastPiecesOfAStreamAreTheWholeAnswers(String body) {
    JsonNode whole = server.whole("/generate", "{" + body + "}");
    assertThat(lastPieces(server, body, whole.isArray())).isEqualTo(list(whole));
  }

  @Test
  void draftsChangeNoAnswer() throws IOException {
    EngineOptions drafting =
        EngineOptions.defaults()
            .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP).withNumSteps(3));
    LoadedModel loaded = LoadedModel.load(STORYTELLER);
    try (OpenAiServer other =
        OpenAiServer.of(loaded, drafting, EventSink.NONE, UnaryOperator.identity())) {
      for (String body : bodies().toList()) {
        JsonNode whole = server.whole("/generate", "{" + body + "}");
        assertThat(list(other.whole("/generate", "{" + body + "}"))).isEqualTo(list(whole));
        assertThat(lastPieces(other, body, whole.isArray())).isEqualTo(list(whole));
      }
      assertThat(other.metrics().acceptLength()).isGreaterThan(1);
    }
  }

  @ParameterizedTest
  @MethodSource("bodies")
  void theLibraryGivesTheSameTokensTextsAndLogprobs(String body) {
    List<JsonNode> told = list(server.whole("/generate", "{" + body + "}"));
    GenerateReader reader = new GenerateReader(server.loaded(), server.engine().longest());
    GenerateRequest request = reader.read(Fields.parse("{" + body + "}"));
    int at = 0;
    for (GenerateRequest.Prompt prompt : request.prompts()) {
      for (Answer answer : server.engine().submit(prompt.request()).join()) {
        assertSame(told.get(at++), answer, prompt);
      }
    }
    assertThat(told).hasSize(at);
  }

  private static void assertSame(JsonNode told, Answer answer, GenerateRequest.Prompt prompt) {
    JsonNode meta = told.get("meta_info");
    assertThat(meta.get("prompt_tokens").asInt()).isEqualTo(prompt.request().prompt().length);
    if (prompt.silent()) {
      assertThat(told.get("text").asText()).isEmpty();
      assertThat(told.get("output_ids")).isEmpty();
      assertThat(meta.at("/finish_reason/length").asInt()).isZero();
    } else {
      assertThat(told.get("text").asText()).isEqualTo(answer.text());
      assertThat(told.get("output_ids").toString().replaceAll("[\\[\\]]", ""))
          .isEqualTo(Arrays.toString(answer.tokens()).replaceAll("[\\[\\] ]", ""));
      assertThat(meta.get("completion_tokens").asInt()).isEqualTo(answer.tokens().length);
      assertThat(meta.at("/finish_reason/type").asText()).isEqualTo(answer.finish().type());
    }
    GenerateRequest.Report report = prompt.report();
    assertThat(meta.has("output_token_logprobs")).isEqualTo(report.wanted());
    if (report.wanted()) {
      List<Logprobs> output = prompt.silent() ? List.of() : answer.logprobs();
      assertSame(meta.get("output_token_logprobs"), meta.get("output_top_logprobs"), output, 0);
      JsonNode input = meta.get("input_token_logprobs");
      if (report.start() < 0) {
        assertThat(input).isEmpty();
      } else {
        assertThat(input.get(0).get(0).isNull()).as("the first token has none").isTrue();
        assertThat(input.get(0).get(1).asInt())
            .isEqualTo(prompt.request().prompt()[report.start()]);
        assertThat(input).hasSize(prompt.request().prompt().length - report.start());
        assertSame(input, meta.get("input_top_logprobs"), answer.promptLogprobs(), 1);
      }
    }
  }

  /** The entries of a list from {@code skip} on; a float is told by its shortest decimals. */
  private static void assertSame(JsonNode tokens, JsonNode tops, List<Logprobs> all, int skip) {
    assertThat(tokens).hasSize(all.size() + skip);
    for (int i = 0; i < all.size(); i++) {
      JsonNode token = tokens.get(i + skip);
      Logprobs l = all.get(i);
      assertThat((float) token.get(0).asDouble()).isEqualTo((float) l.chosen().logprob());
      assertThat(token.get(0).asText()).isEqualTo(Double.toString(token.get(0).asDouble()));
      assertThat(token.get(1).asInt()).isEqualTo(l.chosen().token());
      assertThat(tops == null).isEqualTo(l.top().isEmpty());
      if (tops != null) {
        assertThat(tops.get(i + skip)).hasSize(l.top().size());
        for (int k = 0; k < l.top().size(); k++) {
          JsonNode top = tops.get(i + skip).get(k);
          assertThat(top.get(1).asInt()).isEqualTo(l.top().get(k).token());
          assertThat(top.get(0).asDouble()).isEqualTo(l.top().get(k).logprob(), within(1e-5));
        }
      }
    }
  }

  @Test
  void theTextsOfTokensAreToldOnlyIfWanted() {
    String body =
        "{\"text\":\"sort: 9 4 7 =>\",\"sampling_params\":{\"temperature\":0},"
            + "\"return_logprob\":true,\"logprob_start_len\":0";
    JsonNode without = server.whole("/generate", body + "}").get("meta_info");
    assertThat(without.at("/output_token_logprobs/0/2").isNull()).isTrue();
    JsonNode with =
        server.whole("/generate", body + ",\"return_text_in_logprobs\":true}").get("meta_info");
    StringBuilder prompt = new StringBuilder();
    with.get("input_token_logprobs").forEach(t -> prompt.append(t.get(2).asText()));
    assertThat(prompt).hasToString("sort: 9 4 7 =>");
  }

  @Test
  void aPromptOfTheSameTextOrIdsIsTheSamePrompt() {
    int[] ids = server.loaded().requireTokenizer().encode("Once there was");
    String params = ",\"sampling_params\":{\"temperature\":0,\"max_new_tokens\":12}}";
    JsonNode byText = server.whole("/generate", "{\"text\":\"Once there was\"" + params);
    JsonNode byIds = server.whole("/generate", "{\"input_ids\":" + Arrays.toString(ids) + params);
    assertThat(comparable(byIds)).isEqualTo(comparable(byText));
    Request library =
        Request.of(ids, SamplingParams.defaults().withTemperature(0).withMaxTokens(12));
    assertThat(byText.get("text").asText())
        .isEqualTo(server.engine().submit(library).join().getFirst().text());
  }
}
