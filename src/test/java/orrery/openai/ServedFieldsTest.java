package orrery.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.prefix.Retention;
import orrery.prefix.RetentionConfig;
import orrery.prefix.RetentionConfig.TokenRange;
import orrery.sampling.SamplingParams;

/** What a body may ask of a server, and which field an error names. */
class ServedFieldsTest {
  private static final String HI = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

  private static final String RANGES =
      "\"kv_cache_retention_config\":{\"token_range_retention_configs\":[";

  /** Fields beside a prompt or a message, the param of the error, part of its message. */
  private static final String[][] REFUSED = {
    {"\"tools\":[{\"type\":\"function\"}]", "tools", "not supported here: expected no value"},
    {"\"tool_choice\":\"required\"", "tool_choice", "expected no value or \"none\" or \"auto\""},
    {"\"tool_choice\":{\"type\":\"function\"}", "tool_choice", "not supported here"},
    {"\"functions\":[{\"name\":\"f\"}]", "functions", "not supported here"},
    {"\"function_call\":{\"name\":\"f\"}", "function_call", "not supported here"},
    {"\"modalities\":[\"text\",\"audio\"]", "modalities", "no value or [\"text\"]"},
    {"\"audio\":{\"voice\":\"alloy\"}", "audio", "not supported here"},
    {"\"web_search_options\":{\"a\":1}", "web_search_options", "not supported here"},
    {"\"suffix\":\"the end\"", "suffix", "not supported here"},
    {"\"best_of\":2", "best_of", "expected the same number as n (1), since the best of more"},
    {"\"best_of\":0", "best_of", "expected the same number as n (1)"},
    {"\"use_beam_search\":true", "use_beam_search", "not supported here"},
    {"\"length_penalty\":0.5", "length_penalty", "not supported here"},
    {"\"skip_special_tokens\":false", "skip_special_tokens", "no value or true"},
    {"\"no_stop_trim\":true", "no_stop_trim", "not supported here"},
    {"\"include_stop_str_in_output\":true", "include_stop_str_in_output", "not supported here"},
    {"\"return_hidden_states\":true", "return_hidden_states", "not supported here"},
    {"\"return_routed_experts\":true", "return_routed_experts", "not supported here"},
    {"\"lora_path\":\"x\"", "lora_path", "not supported here"},
    {"\"continue_final_message\":true", "continue_final_message", "not supported here"},
    {"\"chat_template\":\"{{x}}\"", "chat_template", "not supported here"},
    {"\"documents\":[{}]", "documents", "not supported here"},
    {"\"truncate_prompt_tokens\":5", "truncate_prompt_tokens", "not supported here"},
    {"\"prompt_logprobs\":1", "prompt_logprobs", "not supported here"},
    {"\"allowed_token_ids\":[1]", "allowed_token_ids", "not supported here"},
    {"\"bad_words\":[\"x\"]", "bad_words", "not supported here"},
    {"\"logits_processors\":[\"x\"]", "logits_processors", "not supported here"},
    {"\"custom_logit_processor\":\"x\"", "custom_logit_processor", "not supported here"},
    {"\"stop_regex\":\"x\"", "stop_regex", "not supported here"},
    {"\"ebnf\":\"x\"", "ebnf", "not supported here"},
    {"\"guided_grammar\":\"x\"", "guided_grammar", "not supported here"},
    {"\"structural_tag\":\"x\"", "structural_tag", "not supported here"},
    {"\"prompt_embeds\":\"x\"", "prompt_embeds", "not supported here"},
    {"\"input_embeds\":[[1.5]]", "input_embeds", "not supported here"},
    {"\"session_params\":{\"id\":\"x\"}", "session_params", "not supported here"},
    {"\"stream\":1", "stream", "expected true or false, found 1"},
    {"\"stream_options\":7", "stream_options", "expected an object, found 7"},
    {"\"stream_options\":{\"include_usage\":1}", "stream_options.include_usage", "true or false"},
    {"\"temperature\":-1", "temperature", "expected a finite number of at least 0"},
    {"\"max_tokens\":0", "max_tokens", "expected a number of at least 1, found 0"},
    {"\"max_completion_tokens\":0", "max_completion_tokens", "expected a number of at least 1"},
    {"\"seed\":1.5", "seed", "expected an integer of 64 bits"},
    {"\"stop\":[" + "\"x\",".repeat(256) + "\"x\"]", "stop", "at most 256 strings, found 257"},
    {"\"stop\":\"" + "x".repeat(1025) + "\"", "stop", "at most 1024 characters, found 1025"},
    {
      "\"stop\":[" + ("\"" + "x".repeat(1024) + "\",").repeat(16) + "\"y\"]",
      "stop",
      "at most 16384 characters in all strings, found 16385"
    },
    {"\"stop_token_ids\":[" + "1,".repeat(256) + "1]", "stop_token_ids", "at most 256 tokens"},
    {"\"cache_salt\":\"\"", "cache_salt", "expected a string that is not empty"},
    {"\"extra_key\":5", "extra_key", "expected a string, found 5"},
    {"\"kv_cache_retention_config\":5", "kv_cache_retention_config", "expected an object, found 5"},
    {
      "\"kv_cache_retention_config\":{\"decode_priority\":50}",
      "kv_cache_retention_config.decode_priority",
      "expected one of the fields decode_duration_ms, decode_retention_priority"
    },
    {
      "\"kv_cache_retention_config\":{\"decode_retention_priority\":101}",
      "kv_cache_retention_config.decode_retention_priority",
      "expected a number from 0 to 100, found 101"
    },
    {
      "\"kv_cache_retention_config\":{\"decode_duration_ms\":9}",
      "kv_cache_retention_config.decode_duration_ms",
      "expected together with decode_retention_priority, found 9"
    },
    {
      RANGES + "{\"token_start\":0}]}",
      "kv_cache_retention_config.token_range_retention_configs[0].priority",
      "expected a priority from 0 to 100, found none"
    },
    {
      RANGES + "{\"token_start\":4,\"token_end\":4,\"priority\":1}]}",
      "kv_cache_retention_config.token_range_retention_configs[0].token_end",
      "expected a number above token_start (4), found 4"
    },
    {
      RANGES + "{\"token_start\":4,\"priority\":1,\"duration_ms\":0}]}",
      "kv_cache_retention_config.token_range_retention_configs[0].duration_ms",
      "expected milliseconds from 1 to 3153600000000, found 0"
    },
    {
      RANGES
          + "{\"token_start\":4,\"priority\":1},"
          + "{\"token_start\":0,\"token_end\":5,\"priority\":1}]}",
      "kv_cache_retention_config.token_range_retention_configs",
      "expected ranges that do not overlap, found [0, 5) and [4, end)"
    },
    {"\"n\":129", "n", "expected a number from 1 to 128, found 129"},
    {"\"regex\":\"a(\"", "regex", "expected"},
    {"\"regex\":\"(?=a)b\"", "regex", "expected"},
    {"\"regex\":5", "regex", "expected a string, found 5"},
    {"\"regex\":\"a\",\"guided_regex\":\"b\"", "guided_regex", "found regex and guided_regex"},
    {"\"json_schema\":\"{\"", "json_schema", "expected a JSON schema, found the end of the text"},
    {"\"guided_choice\":[]", "guided_choice", "a list of strings, not empty, found []"},
    {"\"guided_choice\":[\"a\",1]", "guided_choice[1]", "expected a string, found 1"},
    {
      "\"guided_json\":{\"properties\":{\"a\":{\"type\":\"x\"}}}",
      "guided_json",
      "at #/properties/a"
    },
    {
      "\"structured_outputs\":{\"grammar\":\"x\"}",
      "structured_outputs.grammar",
      "not supported here"
    },
    {
      "\"structured_outputs\":{\"regexx\":\"a\"}",
      "structured_outputs.regexx",
      "did you mean regex?"
    },
    {"\"response_format\":{}", "response_format.type", "expected a string, found none"},
    {
      "\"response_format\":{\"type\":\"xml\"}",
      "response_format.type",
      "expected \"text\", \"json_object\" or \"json_schema\", found \"xml\""
    },
    {
      "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\"}}",
      "response_format.json_schema.schema",
      "expected a JSON schema, found none"
    },
  };

  private static final String[][] PROMPTS = {
    {
      "\"prompt\":[\"a\",5]",
      "prompt[1]",
      "expected text or a list of token ids, not empty, found 5"
    },
    {"\"prompt\":[\"a\",\"\"]", "prompt[1]", "not empty, found \"\""},
    {"\"prompt\":[[1,2],[]]", "prompt[1]", "not empty, found []"},
    {"\"prompt\":[[1],[2,\"x\"]]", "prompt[1][1]", "expected a token id, found \"x\""},
    {"\"prompt\":[[[1]]]", "prompt[0][0]", "expected a token id, found [1]"},
    {"\"prompt\":[]", "prompt", "not empty, found []"},
    {"\"prompt\":[null]", "prompt[0]", "not empty, found null"},
    {"\"prompt\":{\"a\":1}", "prompt", "expected text or a list of token ids, not empty"},
    {"\"suffix\":\"\"", "prompt", "found none"},
    {
      "\"prompt\":[" + "\"a\",".repeat(1024) + "\"a\"]",
      "prompt",
      "at most 1024 prompts, found 1025"
    },
    {"\"prompt\":[" + "[1],".repeat(99) + "[1]],\"n\":11", "n", "found 100 prompts times n 11"},
    {"\"prompt\":\"" + "a ".repeat(6401) + "\"", "prompt", "expected at most 12800 characters"},
    {"\"prompt\":\"a\",\"echo\":\"yes\"", "echo", "expected true or false"},
    {"\"prompt\":\"a\",\"logprobs\":true", "logprobs", "expected an integer"},
  };

  private static final String[][] CHATS = {
    {HI + ",\"echo\":true", "echo", "not supported here"},
    {HI + ",\"logprobs\":5", "logprobs", "expected true or false"},
    {"\"messages\":[{\"role\":\"tool\",\"content\":\"x\"}]", "messages[0].role", "one of system"},
    {
      "\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[{\"id\":\"a\"}]}]",
      "messages[0].tool_calls",
      "not supported here"
    },
    {
      "\"messages\":[{\"role\":\"assistant\",\"content\":null}]",
      "messages[0].content",
      "found null"
    },
    {
      "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]",
      "messages[0].content[0].type",
      "expected \"text\", found \"image_url\""
    },
    {
      "\"messages\":[{\"role\":\"user\",\"content\":\"" + "hi ".repeat(4300) + "\"}]",
      "messages",
      "expected at most 12800 characters"
    },
  };

  /** Values of the same fields that ask for nothing. */
  private static final String[] TAKEN = {
    "\"tools\":[],\"tool_choice\":\"none\"",
    "\"tools\":null,\"tool_choice\":\"auto\",\"parallel_tool_calls\":false",
    "\"functions\":[],\"function_call\":\"auto\"",
    "\"modalities\":[\"text\"],\"audio\":null",
    "\"suffix\":null,\"best_of\":1",
    "\"best_of\":3,\"n\":3",
    "\"use_beam_search\":false,\"length_penalty\":1.0",
    "\"skip_special_tokens\":true,\"spaces_between_special_tokens\":true",
    "\"response_format\":{\"type\":\"text\"}",
    "\"reasoning_effort\":\"high\",\"verbosity\":\"low\",\"prediction\":{\"type\":\"content\"}",
    "\"stream_options\":{\"include_usage\":true}",
    "\"temprature\":5,\"user\":5",
  };

  private static LoadedModel loaded;
  private static ServedReader reader;

  @BeforeAll
  static void open() {
    loaded = LoadedModel.load(Path.of("tiny-models/storyteller-moe"));
    reader = new ServedReader(loaded, new ServedModel("m", loaded.directory(), 7, 200));
  }

  @AfterAll
  static void close() {
    loaded.close();
  }

  private static OpenAiRequest read(String fields, boolean chat) {
    Fields body = Fields.parse(("{" + fields + "}").getBytes(StandardCharsets.UTF_8));
    return reader.read(body, chat);
  }

  private static void refused(String fields, boolean chat, String param, String problem) {
    FieldException e = catchThrowableOfType(FieldException.class, () -> read(fields, chat));
    assertThat(e).as(fields).isNotNull();
    assertThat(e.field()).isEqualTo(param);
    assertThat(e.getMessage()).startsWith(param + ": ").contains(problem);
  }

  static Stream<Boolean> bothApis() {
    return Stream.of(false, true);
  }

  @ParameterizedTest
  @MethodSource("bothApis")
  void whatCannotBeHonouredIsRefusedByNameInBothApis(boolean chat) {
    for (String[] row : REFUSED) {
      refused((chat ? HI : "\"prompt\":\"a\"") + "," + row[0], chat, row[1], row[2]);
    }
    Arrays.stream(chat ? CHATS : PROMPTS).forEach(row -> refused(row[0], chat, row[1], row[2]));
  }

  @ParameterizedTest
  @MethodSource("bothApis")
  void valuesThatAskForNothingAndUnknownFieldsPass(boolean chat) {
    for (String fields : TAKEN) {
      assertThat(read((chat ? HI : "\"prompt\":\"a\"") + "," + fields, chat)).isNotNull();
    }
  }

  @Test
  void promptsAreTextOrIdsOrListsOfEither() {
    int[] a = loaded.requireTokenizer().encode("a");
    Object[][] cases = {
      {"\"a\"", List.of(a)},
      {"[5,6]", List.of(new int[] {5, 6})},
      {"[\"a\"]", List.of(a)},
      {"[[5],[6,7]]", List.of(new int[] {5}, new int[] {6, 7})},
      {"[\"a\",[6,7]]", List.of(a, new int[] {6, 7})},
    };
    for (Object[] c : cases) {
      List<Request> requests = read("\"prompt\":" + c[0], false).requests();
      List<?> expected = (List<?>) c[1];
      assertThat(requests).hasSameSizeAs(expected);
      IntStream.range(0, requests.size())
          .forEach(i -> assertThat(requests.get(i).prompt()).isEqualTo(expected.get(i)));
    }
  }

  @Test
  void aGivenSeedIsForAllPromptsAndNoneIsLeftToTheEngine() {
    assertThat(read("\"prompt\":[\"a\",\"b\"]", false).requests())
        .allMatch(r -> r.params().seed().isEmpty());
    assertThat(read("\"prompt\":[\"a\",\"b\"],\"seed\":-3", false).requests())
        .extracting(r -> r.params().seed().orElseThrow())
        .containsExactly(-3L, -3L);
  }

  @Test
  void saltAndExtraKeySeparateTenantsHoweverTheyAreSplit() {
    String[][] pairs = {
      {"ab", "c"}, {"a", "bc"}, {"abc", null}, {null, "abc"}, {null, null}, {"2:abc", null}
    };
    long different =
        Arrays.stream(pairs)
            .map(
                p ->
                    (p[0] == null ? "" : ",\"cache_salt\":\"" + p[0] + "\"")
                        + (p[1] == null ? "" : ",\"extra_key\":\"" + p[1] + "\""))
            .map(fields -> read("\"prompt\":\"a\"" + fields, false).request().salt())
            .distinct()
            .count();
    assertThat(different).isEqualTo(pairs.length);
  }

  @Test
  void aRetentionReachesEachRequest() {
    String config =
        RANGES
            + "{\"token_start\":8,\"priority\":1},"
            + "{\"token_start\":0,\"token_end\":5,\"priority\":90,\"duration_ms\":30000}],"
            + "\"decode_retention_priority\":50,\"decode_duration_ms\":7}";
    RetentionConfig expected =
        new RetentionConfig(
            List.of(
                TokenRange.of(0, 5, new Retention(90).lasting(Duration.ofSeconds(30))),
                TokenRange.from(8, new Retention(1))),
            Optional.of(new Retention(50).lasting(Duration.ofMillis(7))));
    assertThat(read("\"prompt\":[\"a\",\"b\"]," + config, false).requests())
        .extracting(Request::retention)
        .containsExactly(expected, expected);
  }

  @Test
  void anEchoWithLogProbabilitiesScoresThePrompt() {
    SamplingParams plain = read("\"prompt\":\"a\",\"logprobs\":2", false).request().params();
    assertThat(plain.promptLogprobs()).isEqualTo(-1);
    String echo = "\"prompt\":\"a\",\"echo\":true";
    assertThat(read(echo, false).request().params().promptLogprobs()).isEqualTo(-1);
    OpenAiRequest scored = read(echo + ",\"logprobs\":2,\"max_tokens\":0", false);
    assertThat(scored.request().params().promptLogprobs()).isEqualTo(2);
    assertThat(scored.request().params().maxTokens()).isEqualTo(1);
    assertThat(scored.echoAlone()).isTrue();
  }

  @Test
  void theTextOfARepeatedPromptOfIdsHasTheNamesOfSpecialTokens() {
    int[] ids = loaded.requireTokenizer().encode("Zoë <|end|> 😀 ok");
    Echo.Prompt ours = Echo.of(loaded.requireTokenizer(), null, ids);
    assertThat(ours.text()).isEqualTo("Zoë <|end|> 😀 ok");
    assertThat(ours.offsets()).hasSameSizeAs(ids).isSorted().startsWith(0);
    assertThat(Echo.of(null, null, ids).text()).isEmpty();
    int spare = loaded.requireTokenizer().vocabSize();
    assertThat(Echo.of(loaded.requireTokenizer(), null, new int[] {spare, -1}).text()).isEmpty();
  }

  @Test
  void thePageNamesEveryFieldThatIsKnownAndNotSupported() throws IOException {
    String page = Files.readString(Path.of("docs/openai-api.md"));
    String list = page.substring(page.indexOf("**Known and not"), page.indexOf("**Limits**"));
    Set<String> named =
        Pattern.compile("`([a-z_]+)`[,;.]")
            .matcher(list.substring(list.indexOf("`tools`")))
            .results()
            .map(m -> m.group(1))
            .collect(Collectors.toSet());
    assertThat(named).isEqualTo(Unsupported.names());
    Stream.of(REFUSED)
        .filter(row -> row[2].contains("not supported") || row[2].contains("no value"))
        .filter(row -> !row[1].contains("."))
        .forEach(row -> assertThat(named).contains(row[1]));
  }
}
