package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Answers that must be of a given form, under the names of all APIs. */
class OpenAiConstraintTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String SCHEMA =
      "{\"type\":\"object\",\"properties\":{\"age\":{\"type\":\"integer\",\"minimum\":0,"
          + "\"maximum\":99},\"kind\":{\"enum\":[\"duck\",\"owl\"]}},"
          + "\"required\":[\"age\",\"kind\"],\"additionalProperties\":false}";

  private static OpenAiServer server;

  @BeforeAll
  static void open() throws IOException {
    server = OpenAiServer.of(Path.of("tiny-models/storyteller-moe"));
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static String body(String constraint, String more) {
    return "{\"prompt\":\"Once upon a time\",\"seed\":5,\"n\":3,\"max_tokens\":60,"
        + constraint
        + more
        + "}";
  }

  /** The texts of the answers, which are the same in a stream. */
  private static List<String> texts(String constraint) {
    JsonNode whole = Chunks.comparable(server.whole(COMPLETIONS, body(constraint, "")));
    String stream = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    assertThat(Chunks.joined(server.chunks(COMPLETIONS, body(constraint, stream))))
        .isEqualTo(whole);
    assertThat(whole.get("choices").findValuesAsText("finish_reason")).containsOnly("stop");
    return whole.get("choices").findValuesAsText("text");
  }

  @ParameterizedTest
  @CsvSource({"regex", "guided_regex", "structured_outputs"})
  void theWholeAnswerMatchesARegularExpression(String name) {
    String value = "\" [A-Z][a-z]{2,6} is [0-9]{1,2}\\\\.\"";
    String field =
        name.equals("structured_outputs")
            ? "\"structured_outputs\":{\"regex\":" + value + "}"
            : "\"" + name + "\":" + value;
    assertThat(texts(field))
        .hasSize(3)
        .allSatisfy(text -> assertThat(text).matches(" [A-Z][a-z]{2,6} is [0-9]{1,2}\\."));
  }

  @Test
  void anAnswerIsJsonByASchema() throws IOException {
    String asText = SCHEMA.replace("\"", "\\\"");
    for (String field :
        List.of(
            "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\","
                + "\"strict\":true,\"schema\":"
                + SCHEMA
                + "}}",
            "\"json_schema\":\"" + asText + "\"",
            "\"guided_json\":" + SCHEMA,
            "\"structured_outputs\":{\"json\":" + SCHEMA + "}")) {
      for (String text : texts(field)) {
        JsonNode read = new JsonMapper().readTree(text);
        assertThat(read.size()).isEqualTo(2);
        assertThat(read.get("age").asInt(-1)).isBetween(0, 99);
        assertThat(read.get("kind").asText()).isIn("duck", "owl");
      }
    }
  }

  @Test
  void anAnswerIsOneOfAFewChoicesWhateverCharactersTheyHave() {
    assertThat(texts("\"guided_choice\":[\" a+b?\",\" (c)\",\" [d].*\"]"))
        .isSubsetOf(" a+b?", " (c)", " [d].*");
  }
}
