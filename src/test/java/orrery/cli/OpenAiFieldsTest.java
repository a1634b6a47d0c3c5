package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A bad value of any field of a body is refused under the name that the user wrote. */
class OpenAiFieldsTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],";

  /** Fields of a completion with prompt [1,2], the param of the error, part of its message. */
  private static final String[][] COMPLETIONS = {
    {"\"prompt\":null", "prompt", "expected text or a list of token ids, not empty, found null"},
    {"\"prompt\":\"\"", "prompt", "expected text or a list of token ids, not empty, found \"\""},
    {"\"prompt\":[\"a\"]", "prompt[0]", "expected a token id, found \"a\""},
    {"\"prompt\":[1,1.0]", "prompt[1]", "expected a token id, found 1.0"},
    {
      "\"prompt\":[1,2048]", "prompt", "expected token ids from 0 to 2047, found 2048 at position 1"
    },
    {"\"max_tokens\":0", "max_tokens", "expected a number of at least 1, found 0"},
    {"\"max_tokens\":1.5", "max_tokens", "expected an integer of 32 bits, found 1.5"},
    {"\"max_completion_tokens\":5", "max_completion_tokens", "expected one of the fields cache_s"},
    {"\"temperature\":-0.1", "temperature", "expected a finite number of at least 0, found -0.1"},
    {"\"temperature\":\"1\"", "temperature", "expected a number, found \"1\""},
    {"\"top_p\":0", "top_p", "expected a number above 0, at most 1, found 0.0"},
    {"\"top_p\":1.1", "top_p", "expected a number above 0, at most 1, found 1.1"},
    {"\"top_k\":-2", "top_k", "expected a number of at least 1, or 0 or -1 for all tokens"},
    {"\"min_p\":1.5", "min_p", "expected a number from 0 to 1, found 1.5"},
    {"\"seed\":0.5", "seed", "expected an integer of 64 bits, found 0.5"},
    {"\"seed\":9223372036854775808", "seed", "expected an integer of 64 bits"},
    {"\"n\":0", "n", "expected a number from 1 to 128, found 0"},
    {"\"n\":129", "n", "expected a number from 1 to 128, found 129"},
    {"\"stop\":5", "stop", "expected a string or a list of strings, found 5"},
    {"\"stop\":\"\"", "stop", "expected strings that are not empty"},
    {"\"stop\":[\"a\",\"b\",\"c\",4]", "stop[3]", "expected a string, found 4"},
    {"\"stop\":[\"a\",\"\"]", "stop[1]", "expected a string that is not empty"},
    {"\"stop_token_ids\":7", "stop_token_ids", "expected a list of token ids, found 7"},
    {"\"stop_token_ids\":[7,\"8\"]", "stop_token_ids[1]", "expected a token id, found \"8\""},
    {"\"stop_token_ids\":[-7]", "stop_token_ids", "expected ids of at least 0, found -7"},
    {"\"stop_token_ids\":[2048]", "stop_token_ids", "expected ids below the vocabulary size 2048"},
    {"\"min_tokens\":17", "min_tokens", "expected a number from 0 to max_tokens (16), found 17"},
    {"\"min_tokens\":-1", "min_tokens", "expected a number from 0 to max_tokens (16), found -1"},
    {"\"ignore_eos\":1", "ignore_eos", "expected true or false, found 1"},
    {"\"presence_penalty\":2.1", "presence_penalty", "expected a number from -2 to 2, found 2.1"},
    {"\"frequency_penalty\":-3", "frequency_penalty", "expected a number from -2 to 2, found -3.0"},
    {"\"repetition_penalty\":0", "repetition_penalty", "expected a number above 0, at most 2"},
    {"\"logit_bias\":[1]", "logit_bias", "expected an object, found [1]"},
    {"\"logit_bias\":{\"a\":1}", "logit_bias", "expected token ids as names, found \"a\""},
    {"\"logit_bias\":{\"5\":\"1\"}", "logit_bias.5", "expected a number, found \"1\""},
    {"\"logit_bias\":{\"5\":1e999}", "logit_bias", "expected a number or -Infinity"},
    {"\"logit_bias\":{\"50256\":1}", "logit_bias", "expected ids below the vocabulary size 2048"},
    {"\"logprobs\":true", "logprobs", "expected an integer of 32 bits, found true"},
    {"\"logprobs\":21", "logprobs", "expected a number from 0 to 20, found 21"},
    {"\"logprobs\":-1", "logprobs", "expected a number from 0 to 20, found -1"},
    {"\"top_logprobs\":2", "top_logprobs", "expected one of the fields"},
    {"\"return_token_ids\":\"no\"", "return_token_ids", "expected true or false, found \"no\""},
    {"\"priority\":\"high\"", "priority", "expected an integer of 32 bits, found \"high\""},
    {"\"kv_cache_retention_config\":7", "kv_cache_retention_config", "expected an object, found 7"},
    {"\"cache_salt\":\"\"", "cache_salt", "expected a string that is not empty"},
    {"\"cache_salt\":7", "cache_salt", "expected a string, found 7"},
    {"\"model\":7", "model", "expected a string, found 7"},
    {"\"stream\":true", "stream", "expected false"},
    {"\"echo\":true", "echo", "expected false"},
    {"\"best_of\":2", "best_of", "expected one of the fields cache_salt, echo"},
    {"\"suffix\":\"x\"", "suffix", "expected one of the fields cache_salt, echo"},
  };

  /** The same for a chat. */
  private static final String[][] CHATS = {
    {"\"messages\":[]", "messages", "expected a list of messages, not empty, found []"},
    {"\"messages\":\"hi\"", "messages", "expected a list of messages, not empty"},
    {"\"messages\":[7]", "messages[0]", "expected an object, found 7"},
    {messages("{\"role\":\"tool\",\"content\":\"x\"}"), "messages[0].role", "expected one of syst"},
    {messages("{\"role\":\"user\"}"), "messages[0].content", "expected text or a list"},
    {messages("{\"role\":\"user\",\"content\":[]}"), "messages[0].content", "expected text or a"},
    {
      messages("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":[\"x\"]}"),
      "messages[1].content[0]",
      "expected an object, found \"x\""
    },
    {
      messages("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":5}]}"),
      "messages[0].content[0].text",
      "expected a string, found 5"
    },
    {
      messages("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}"),
      "messages[0].content[0].type",
      "expected \"text\", found \"image_url\""
    },
    {
      messages("{\"role\":\"user\",\"content\":\"a\",\"name\":\"z\"}"),
      "messages[0].name",
      "expected one of the fields content, role"
    },
    {HI + "\"prompt\":\"x\"", "prompt", "expected one of the fields cache_salt, frequency_penalty"},
    {HI + "\"max_tokens\":0", "max_tokens", "expected a number of at least 1, found 0"},
    {HI + "\"max_completion_tokens\":0", "max_completion_tokens", "expected a number of at least"},
    {
      HI + "\"max_tokens\":9,\"max_completion_tokens\":-1",
      "max_completion_tokens",
      "expected a number of at least 1, found -1"
    },
    {
      HI + "\"max_completion_tokens\":5,\"min_tokens\":6",
      "min_tokens",
      "expected a number from 0 to max_completion_tokens (5), found 6"
    },
    {HI + "\"logprobs\":3", "logprobs", "expected true or false, found 3"},
    {
      HI + "\"logprobs\":true,\"top_logprobs\":21", "top_logprobs", "expected a number from 0 to 20"
    },
    {
      HI + "\"logprobs\":true,\"top_logprobs\":-1", "top_logprobs", "expected a number from 0 to 20"
    },
    {HI + "\"top_logprobs\":2", "top_logprobs", "expected together with logprobs true, found 2"},
    {HI + "\"n\":0", "n", "expected a number from 1 to 128, found 0"},
    {HI + "\"logit_bias\":{\"2048\":1}", "logit_bias", "expected ids below the vocabulary size"},
    {HI + "\"stream\":true", "stream", "expected false"},
    {HI + "\"echo\":false,\"tools\":[]", "echo", "expected one of the fields"},
    {HI + "\"response_format\":{}", "response_format", "expected one of the fields"},
    {
      messages("{\"role\":\"user\",\"content\":\"" + "hi ".repeat(4000) + "\"}"),
      "messages",
      "expected fewer tokens than the context length 2048"
    },
  };

  /** Values at and beyond OpenAI's limits that are taken, as docs/run-batch.md says. */
  private static final String[] TAKEN = {
    "\"temperature\":2.5",
    "\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
    "\"logprobs\":20",
    "\"logit_bias\":{\"5\":1000}",
    "\"logit_bias\":{\"5\":-1e999}",
    "\"n\":128",
    "\"seed\":-1",
    "\"presence_penalty\":-2,\"frequency_penalty\":2",
    "\"user\":5,\"metadata\":{},\"store\":true",
    "\"service_tier\":\"auto\",\"safety_identifier\":\"z\"",
    "\"stop\":[],\"logit_bias\":{}",
  };

  @TempDir static Path directory;

  private static final List<String> ROWS = new ArrayList<>();
  private static final List<JsonNode> ANSWERS = new ArrayList<>();

  private static String messages(String items) {
    return "\"messages\":[" + items + "]";
  }

  @BeforeAll
  static void answerAll() throws IOException {
    for (String[] row : COMPLETIONS) {
      boolean prompt = row[0].startsWith("\"prompt\"");
      ROWS.add(line("/v1/completions", (prompt ? "" : "\"prompt\":[1,2],") + row[0]));
    }
    for (String[] row : CHATS) {
      ROWS.add(line("/v1/chat/completions", row[0]));
    }
    for (String fields : TAKEN) {
      ROWS.add(line("/v1/completions", "\"prompt\":[1,2],\"max_tokens\":1," + fields));
    }
    Path in = Files.write(directory.resolve("in.jsonl"), BatchIds.numbered(ROWS));
    Path out = directory.resolve("out.jsonl");
    StringWriter err = new StringWriter();
    String[] args = {
      "run-batch", "-m", "tiny-models/storyteller-moe", "-i", in.toString(), "-o", out.toString()
    };
    assertThat(Main.run(new PrintWriter(err), new PrintWriter(err), args)).as("%s", err).isZero();
    for (String line : Files.readAllLines(out)) {
      ANSWERS.add(JSON.readTree(line));
    }
  }

  private static String line(String url, String fields) {
    return "{\"custom_id\":\"x\",\"method\":\"POST\",\"url\":\"%s\",\"body\":{%s}}"
        .formatted(url, fields);
  }

  static IntStream refusedRows() {
    return IntStream.range(0, COMPLETIONS.length + CHATS.length);
  }

  @ParameterizedTest
  @MethodSource("refusedRows")
  void aBadValueIsRefusedUnderTheNameThatTheUserWrote(int row) {
    int chat = row - COMPLETIONS.length;
    String[] expected = chat < 0 ? COMPLETIONS[row] : CHATS[chat];
    JsonNode error = ANSWERS.get(row).at("/response/body/error");
    String param = "body." + expected[1];
    assertThat(error.path("param").asText()).as("%s: %s", ROWS.get(row), error).isEqualTo(param);
    assertThat(error.path("message").asText())
        .startsWith("line " + (row + 1) + ": " + param + ": ")
        .contains(expected[2]);
    assertThat(ANSWERS.get(row).at("/response/status_code").asInt()).isEqualTo(400);
  }

  static Stream<String> takenRows() {
    return Stream.of(TAKEN);
  }

  @ParameterizedTest
  @MethodSource("takenRows")
  void valuesBeyondOpenAisLimitsAreTakenIfOtherEnginesTakeThem(String fields) {
    int row = COMPLETIONS.length + CHATS.length + List.of(TAKEN).indexOf(fields);
    JsonNode answer = ANSWERS.get(row);
    assertThat(answer.at("/response/status_code").asInt()).as("%s", answer).isEqualTo(200);
  }

  @Test
  void everyFieldOfThePageIsInTheTable() throws IOException {
    Map<String, Boolean> fields = new TreeMap<>();
    String page = Files.readString(Path.of("docs/run-batch.md"));
    String table =
        page.substring(page.indexOf("| field | meaning |"), page.indexOf("Any other field"));
    for (String line : table.lines().filter(l -> l.startsWith("| `")).toList()) {
      Pattern.compile("`([a-z_]+)`")
          .matcher(line.split("\\|")[1])
          .results()
          .forEach(name -> fields.put(name.group(1), false));
    }
    assertThat(fields).hasSizeGreaterThan(25);
    Stream.concat(Stream.of(COMPLETIONS), Stream.of(CHATS))
        .forEach(row -> fields.replace(row[1].replaceFirst("[\\[.].*", ""), true));
    Stream.of(TAKEN)
        .forEach(row -> fields.replaceAll((name, seen) -> seen || row.contains('"' + name + '"')));
    assertThat(fields).doesNotContainValue(false);
  }
}
