package orrery.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import orrery.engine.Answer;
import orrery.engine.Request;
import orrery.sampling.Logprobs;
import orrery.sampling.SamplingParams;
import orrery.server.OpenAiServer.Reply;

/** Texts are scored through {@code echo}, as evaluation harnesses do it. */
class OpenAiEchoTest {
  private static final String COMPLETIONS = "/v1/completions";
  private static final String TEXT = "Once upon a time there was a young duck";

  private static OpenAiServer server;

  @BeforeAll
  static void open() throws IOException {
    server = OpenAiServer.of(Path.of("tiny-models/storyteller-moe"));
  }

  @AfterAll
  static void close() {
    server.close();
  }

  private static String ids(int... ids) {
    return String.join(",", IntStream.of(ids).mapToObj(Integer::toString).toList());
  }

  /** What a harness sends to score texts. */
  private static String scoring(String prompt, String more) {
    return "{\"model\":\"storyteller-moe\",\"prompt\":"
        + prompt
        + ",\"temperature\":0,\"max_tokens\":1,\"logprobs\":1,\"seed\":1234,\"echo\":true"
        + more
        + "}";
  }

  @Test
  void eachTokenOfAPromptHasTheLogProbabilityThatTheLibraryGives() {
    int[] prompt = server.loaded().requireTokenizer().encode(TEXT);
    SamplingParams params =
        SamplingParams.defaults()
            .withTemperature(0)
            .withMaxTokens(1)
            .withLogprobs(1)
            .withPromptLogprobs(1);
    Answer answer = server.engine().submit(Request.of(prompt, params)).join().getFirst();
    JsonNode choice = server.whole(COMPLETIONS, scoring("\"" + TEXT + "\"", "")).at("/choices/0");
    assertThat(choice.get("text").asText()).isEqualTo(TEXT + answer.text());
    JsonNode logprobs = choice.get("logprobs");
    assertThat(logprobs.get("tokens")).hasSize(prompt.length + 1);
    assertThat(logprobs.at("/token_logprobs/0").isNull()).isTrue();
    assertThat(logprobs.at("/top_logprobs/0").isNull()).isTrue();
    StringBuilder joined = new StringBuilder();
    for (int i = 0; i <= prompt.length; i++) {
      assertThat(logprobs.get("text_offset").get(i).asInt()).isEqualTo(joined.length());
      joined.append(logprobs.get("tokens").get(i).asText());
      if (i > 0) {
        Logprobs expected =
            i < prompt.length ? answer.promptLogprobs().get(i - 1) : answer.logprobs().getFirst();
        assertThat(logprobs.get("token_logprobs").get(i).asText())
            .isEqualTo(Float.toString((float) expected.chosen().logprob()));
      }
    }
    assertThat(joined).hasToString(TEXT + answer.text());
  }

  @Test
  void aTokenIsGreedyIfItsNumberIsTheHighestOfTheLikeliest() {
    int[] prompt = server.loaded().requireTokenizer().encode("add: 27 + 45 => 72\n");
    JsonNode logprobs =
        server.whole(COMPLETIONS, scoring("[[" + ids(prompt) + "]]", "")).at("/choices/0/logprobs");
    int greedy = 0;
    for (int i = 1; i < prompt.length; i++) {
      JsonNode top = logprobs.get("top_logprobs").get(i);
      double highest = Double.NEGATIVE_INFINITY;
      for (JsonNode number : top) {
        highest = Math.max(highest, number.asDouble());
      }
      double own = logprobs.get("token_logprobs").get(i).asDouble();
      assertThat(top.size()).isEqualTo(own == highest ? 1 : 2); // its own is always among them
      greedy += own == highest ? 1 : 0;
    }
    assertThat(greedy).isBetween(1, prompt.length - 2);
  }

  @Test
  void severalPromptsOfIdsAreScoredAsEachAlone() {
    String[] prompts = {"[5,6,7,8]", "[9]", "[10,11,12]"};
    JsonNode all = server.whole(COMPLETIONS, scoring("[" + String.join(",", prompts) + "]", ""));
    for (int i = 0; i < prompts.length; i++) {
      JsonNode alone = server.whole(COMPLETIONS, scoring(prompts[i], "")).at("/choices/0");
      JsonNode choice = all.get("choices").get(i);
      assertThat(choice.get("index").asInt()).isEqualTo(i);
      assertThat(choice.get("logprobs")).isEqualTo(alone.get("logprobs"));
    }
  }

  @Test
  void maxTokensZeroGivesThePromptAndNothingElse() {
    String body = "{\"prompt\":\"" + TEXT + "\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0%s}";
    JsonNode whole = server.whole(COMPLETIONS, body.formatted(""));
    assertThat(whole.at("/choices/0/text").asText()).isEqualTo(TEXT);
    assertThat(whole.at("/choices/0/finish_reason").asText()).isEqualTo("length");
    int tokens = whole.at("/usage/prompt_tokens").asInt();
    assertThat(whole.at("/usage/completion_tokens").asInt()).isZero();
    assertThat(whole.at("/choices/0/logprobs/token_logprobs")).hasSize(tokens);
    List<JsonNode> chunks = server.chunks(COMPLETIONS, body.formatted(",\"stream\":true"));
    assertThat(chunks).hasSize(1);
    assertThat(chunks.getFirst().at("/choices/0")).isEqualTo(whole.at("/choices/0"));
    Reply refused = server.post(COMPLETIONS, body.formatted("").replace("true", "false"));
    assertThat(refused.param()).isEqualTo("max_tokens");
  }

  @Test
  void aStreamBeginsWithThePromptAndItsLogProbabilities() {
    String stream = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
    String prompts = "[\"" + TEXT + "\",\"Long ago\"]";
    List<JsonNode> chunks = server.chunks(COMPLETIONS, scoring(prompts, stream));
    assertThat(Chunks.joined(chunks))
        .isEqualTo(Chunks.comparable(server.whole(COMPLETIONS, scoring(prompts, ""))));
    assertThat(chunks.stream().map(c -> c.at("/choices/0/text").asText()))
        .contains(TEXT, "Long ago");
  }
}
