package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.EditedModel;
import orrery.TinyModels;
import orrery.engine.Answer;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.openai.Fields;
import orrery.openai.OpenAiRequest;
import orrery.prefix.Retention;
import orrery.sampling.SamplingParams;

/** Files of requests, answered through the command line. */
class RunBatchTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");
  private static final Path SPECK = TinyModels.speck("groups");
  private static final Path EXAMPLE = Path.of("docs/examples/batch.jsonl");

  @TempDir Path directory;

  private record Run(int code, String err, byte[] output) {
    List<String> lines() {
      return new String(output, StandardCharsets.UTF_8).lines().toList();
    }

    List<JsonNode> answers() throws IOException {
      List<JsonNode> answers = new ArrayList<>();
      for (String line : lines()) {
        answers.add(JSON.readTree(line));
      }
      return answers;
    }
  }

  private Run run(Path model, Path input, String... flags) throws IOException {
    Path output = directory.resolve("out.jsonl");
    Files.deleteIfExists(output);
    List<String> args = new ArrayList<>(List.of("run-batch", "-m", model.toString()));
    args.addAll(List.of("-i", input.toString(), "-o", output.toString()));
    args.addAll(Arrays.asList(flags));
    StringWriter err = new StringWriter();
    int code =
        Main.run(
            new PrintWriter(new StringWriter()), new PrintWriter(err), args.toArray(String[]::new));
    byte[] written = Files.exists(output) ? Files.readAllBytes(output) : new byte[0];
    return new Run(code, err.toString(), written);
  }

  private Run answer(Path model, List<String> lines, String... flags) throws IOException {
    Path input = directory.resolve("in.jsonl");
    Files.write(input, BatchIds.numbered(lines));
    Run run = run(model, input, flags);
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  private static String completion(String id, String body) {
    return "{\"custom_id\":\"%s\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":%s}"
        .formatted(id, body);
  }

  private static String chat(String id, String fields) {
    String messages = "\"messages\":[{\"role\":\"user\",\"content\":\"What is 21 plus 14?\"}]";
    return completion(id, "{" + messages + fields + "}")
        .replace("/v1/completions", "/v1/chat/completions");
  }

  private static String error(JsonNode answer) {
    assertThat(answer.at("/response/status_code").asInt()).isEqualTo(400);
    assertThat(answer.at("/response/body/error/message")).isEqualTo(answer.at("/error/message"));
    return answer.at("/error/message").asText();
  }

  @Test
  void linesWithoutASeedDrawAgainWhatTheyDrewAndOthersWithAnotherRandomSeed() throws IOException {
    String draws =
        "{\"prompt\":[1,2],\"max_tokens\":20,\"ignore_eos\":true,\"temperature\":2,"
            + "\"return_token_ids\":true%s}";
    List<String> unseeded =
        List.of(completion("a", draws.formatted("")), completion("b", draws.formatted("")));
    List<String> seeded = List.of(completion("c", draws.formatted(",\"seed\":5")));
    List<String> all = new ArrayList<>(unseeded);
    all.addAll(seeded);
    List<String> plain = choices(answer(SPECK, all));
    List<String> seven = choices(answer(SPECK, all, "--random-seed", "7"));
    assertThat(choices(answer(SPECK, all, "--random-seed", "0"))).isEqualTo(plain);
    assertThat(choices(answer(SPECK, all, "--random-seed", "7"))).isEqualTo(seven);
    assertThat(seven.get(2)).as("its own seed").isEqualTo(plain.get(2));
    assertThat(seven.subList(0, 2)).doesNotContainAnyElementsOf(plain.subList(0, 2));
    assertThat(seven.get(0)).as("another line").isNotEqualTo(seven.get(1));
  }

  private static List<String> choices(Run run) throws IOException {
    return run.answers().stream()
        .map(answer -> answer.at("/response/body/choices/0").toString())
        .toList();
  }

  @Test
  void theExampleIsAnsweredLineByLineInOrder() throws IOException {
    Run run = run(STORYTELLER, EXAMPLE);
    assertThat(run.code()).as(run.err()).isZero();
    List<JsonNode> answers = run.answers();
    List<String> ids = new ArrayList<>();
    for (String line : Files.readAllLines(EXAMPLE)) {
      ids.add(JSON.readTree(line).get("custom_id").asText());
    }
    assertThat(answers.stream().map(a -> a.get("custom_id").asText())).isEqualTo(ids);
    assertThat(answers.get(ids.indexOf("opposite")).at("/response/body/choices/0/message/content"))
        .hasToString("\"The opposite of hot is cold.\"");
    assertThat(error(answers.get(ids.indexOf("slip")))).contains("line 5: body.temprature");
    assertThat(run.err()).contains("6 answered, 1 failed", "TTFT", "TPOT", "p99");
    assertThat(directory.toFile().list()).containsExactly("out.jsonl");
  }

  @Test
  void switchesOfTheEngineDoNotChangeAByte() throws IOException {
    byte[] expected = run(STORYTELLER, EXAMPLE).output();
    for (String flags :
        new String[] {
          "--schedule-policy vllm --page-size 4",
          "--schedule-policy trtllm --prefix-cache hash --threads 2",
          "--schedule-policy static --page-size 0 --max-running-requests 2 --graph off",
          "--max-queued-requests 1 --chunked-prefill-size 3",
          "--speculative-algorithm mtp",
          "--speculative-algorithm mtp --speculative-num-steps 5 --speculative-adaptive --page-size"
              + " 4",
          "--speculative-algorithm mtp --speculative-coupled-drafts off --prefix-cache hash",
          "--speculative-algorithm mtp --speculative-disable-by-batch-size 2 --graph off",
          "--speculative-algorithm ngram --speculative-ngram-min 1 --speculative-ngram-max 3",
          "--speculative-algorithm ngram --schedule-policy vllm --max-running-requests 2"
        }) {
      Run run = run(STORYTELLER, EXAMPLE, flags.split(" "));
      assertThat(run.code()).as(run.err()).isZero();
      assertThat(run.output()).as(flags).isEqualTo(expected);
      if (flags.contains("speculative")) {
        assertThat(run.err()).as(flags).containsPattern("drafts +[1-9]\\d* in [1-9]");
      }
    }
  }

  @Test
  void everyParameterReachesTheSampler() {
    String body =
        """
        {"model": "m", "prompt": [1, 2, 3], "max_tokens": 9, "temperature": 0.5, "top_p": 0.75,
         "top_k": 11, "min_p": 0.125, "seed": -9000000000, "stop": ["a", "b"],
         "stop_token_ids": [7, 8], "presence_penalty": 0.25, "frequency_penalty": -0.5,
         "repetition_penalty": 1.5, "logit_bias": {"4": -100, "6": 2.5}, "logprobs": 3, "n": 2,
         "min_tokens": 4, "ignore_eos": true, "priority": 5, "cache_salt": "tenant",
         "kv_cache_retention_config": {"decode_retention_priority": 9},
         "return_token_ids": true, "user": "somebody", "stream": false, "echo": null}\
        """;
    OpenAiRequest read = read(body, false);
    SamplingParams p = read.request().params();
    assertThat(p.logitBias())
        .containsExactlyInAnyOrder(
            new SamplingParams.TokenBias(4, -100), new SamplingParams.TokenBias(6, 2.5));
    SamplingParams expected =
        SamplingParams.defaults()
            .withMaxTokens(9)
            .withTemperature(0.5)
            .withTopP(0.75)
            .withTopK(11)
            .withMinP(0.125)
            .withSeed(-9_000_000_000L)
            .withStop(List.of("a", "b"))
            .withStopTokenIds(List.of(7, 8))
            .withPresencePenalty(0.25)
            .withFrequencyPenalty(-0.5)
            .withRepetitionPenalty(1.5)
            .withLogitBias(p.logitBias())
            .withLogprobs(3)
            .withN(2)
            .withMinTokens(4)
            .withIgnoreEos(true);
    assertThat(p).isEqualTo(expected);
    assertThat(read.request().prompt()).containsExactly(1, 2, 3);
    assertThat(read.request().priority()).isEqualTo(5);
    assertThat(read.request().salt()).isEqualTo("tenant");
    assertThat(read.request().retention().decode()).contains(new Retention(9));
    assertThat(read.model()).isEqualTo("m");
    assertThat(read.tokenIds()).isTrue();
  }

  @Test
  void fieldsThatABodyLeavesOutHaveOpenAisDefaults() {
    OpenAiRequest text = read("{\"prompt\":[1]}", false);
    SamplingParams defaults = SamplingParams.defaults().withMaxTokens(16).withSeed(77);
    assertThat(text.request().params()).isEqualTo(defaults);
    assertThat(text.request().params().temperature()).isEqualTo(1);
    assertThat(text.model()).isEqualTo("storyteller-moe");
    String messages = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    OpenAiRequest chat = read("{" + messages + "}", true);
    int room = 200 - chat.request().prompt().length;
    assertThat(chat.request().params().maxTokens()).isEqualTo(room);
    String both = ",\"max_tokens\":3,\"max_completion_tokens\":5,\"logprobs\":true";
    SamplingParams p = read("{" + messages + both + "}", true).request().params();
    assertThat(p.maxTokens()).isEqualTo(5);
    assertThat(p.logprobs()).isZero();
    String parts = messages.replace("\"Hi\"", "[{\"type\":\"text\",\"text\":\"Hi\"}]");
    assertThat(read("{" + parts + "}", true).request().prompt()).isEqualTo(chat.request().prompt());
  }

  private static OpenAiRequest read(String body, boolean chat) {
    try (LoadedModel model = LoadedModel.load(STORYTELLER)) {
      return new OpenAiRequest.Reader(model, 200).read(Fields.parse(body), chat, 77);
    }
  }

  @Test
  void answersAreTheEnginesOwn() throws IOException {
    String body =
        "{\"prompt\":\"One windy morning,\",\"max_tokens\":12,\"seed\":4,\"n\":2,\"logprobs\":2,"
            + "\"return_token_ids\":true}";
    JsonNode read = answer(STORYTELLER, List.of(completion("a", body))).answers().getFirst();
    List<Answer> expected;
    try (LoadedModel model = LoadedModel.load(STORYTELLER);
        Engine engine = Engine.start(model, EngineOptions.defaults())) {
      SamplingParams params =
          SamplingParams.defaults().withMaxTokens(12).withSeed(4).withN(2).withLogprobs(2);
      int[] prompt = model.requireTokenizer().encode("One windy morning,");
      expected = engine.submit(Request.of(prompt, params)).join();
    }
    JsonNode choices = read.at("/response/body/choices");
    assertThat(choices.size()).isEqualTo(2);
    for (Answer a : expected) {
      JsonNode choice = choices.get(a.choice());
      assertThat(choice.get("index").asInt()).isEqualTo(a.choice());
      assertThat(choice.get("text").asText()).isEqualTo(a.text());
      assertThat(choice.get("finish_reason").asText()).isEqualTo(a.finish().type());
      JsonNode logprobs = choice.get("logprobs");
      StringBuilder joined = new StringBuilder();
      for (int t = 0; t < a.tokens().length; t++) {
        assertThat(choice.get("token_ids").get(t).asInt()).isEqualTo(a.tokens()[t]);
        assertThat(logprobs.get("token_logprobs").get(t).asDouble())
            .isEqualTo(a.logprobs().get(t).chosen().logprob());
        JsonNode top = logprobs.get("top_logprobs").get(t);
        boolean among = a.logprobs().get(t).rank() <= 2;
        assertThat(top.size()).isEqualTo(among ? 2 : 3);
        assertThat(top.get(logprobs.get("tokens").get(t).asText()))
            .isEqualTo(logprobs.get("token_logprobs").get(t));
        assertThat(logprobs.get("text_offset").get(t).asInt()).isEqualTo(joined.length());
        joined.append(logprobs.get("tokens").get(t).asText());
      }
      assertThat(joined).hasToString(a.text());
    }
    assertThat(read.at("/response/body/usage/completion_tokens").asInt()).isEqualTo(24);
    assertThat(choices.get(0).get("text")).isNotEqualTo(choices.get(1).get("text"));
  }

  @Test
  void chatLogprobsNameTokensAndTheirBytes() throws IOException {
    String fields = ",\"temperature\":0,\"logprobs\":true,\"top_logprobs\":2";
    JsonNode body =
        answer(STORYTELLER, List.of(chat("c", fields))).answers().getFirst().at("/response/body");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    JsonNode content = body.at("/choices/0/logprobs/content");
    for (JsonNode token : content) {
      assertThat(token.get("top_logprobs").size()).isEqualTo(2);
      assertThat(token.get("top_logprobs").get(0).get("token")).isEqualTo(token.get("token"));
      token.get("bytes").forEach(b -> bytes.write(b.asInt()));
    }
    String text = body.at("/choices/0/message/content").asText();
    assertThat(text).contains("35");
    assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(text + "<|end|>");
    assertThat(content.size()).isEqualTo(body.at("/usage/completion_tokens").asInt());
  }

  @Test
  void cachedTokensAreReportedIfAskedFor() throws IOException {
    String body = "{\"prompt\":[1,2,3,4,5,6,7,8,9],\"max_tokens\":2}";
    List<String> lines = List.of(completion("a", body), completion("b", body));
    String[] flags = {"--page-size", "4", "--max-running-requests", "1"};
    Run quiet = answer(SPECK, lines, flags);
    assertThat(quiet.lines()).noneMatch(line -> line.contains("cached_tokens"));
    String[] told = Arrays.copyOf(flags, 5);
    told[4] = "--enable-prompt-tokens-details";
    List<JsonNode> answers = answer(SPECK, lines, told).answers();
    String path = "/response/body/usage/prompt_tokens_details/cached_tokens";
    assertThat(answers.get(0).at(path).asInt()).isZero();
    assertThat(answers.get(1).at(path).asInt()).isEqualTo(8);
  }

  @Test
  void everyBadLineGetsAnErrorThatNamesFieldExpectedAndFound() throws IOException {
    String[][] cases = {
      {"no json", "expected valid JSON, found \"no json\" at line 1, column 1"},
      {"[1]", "expected a JSON object, found [1]"},
      {
        "{\"custom_id\":\"x\"} {}", "expected valid JSON, found more after",
      },
      {"{\"a\":1,\"a\":2}", "found \"a\" a second time at line 1, column 8"},
      {"[".repeat(5000), "expected valid JSON, found more than 1000 levels of nesting"},
      {"{}", "custom_id: expected a string, found none"},
      {"{\"custom_id\":5}", "custom_id: expected a string, found 5"},
      {"{\"custom_id\":\"\\ud800\"}", "custom_id: expected whole Unicode"},
      {completion("x", "{}").replace("POST", "GET"), "method: expected \"POST\", found \"GET\""},
      {completion("x", "{}").replace("/v1/c", "/v1/embeddings/c"), "url: expected \"/v1/comp"},
      {completion("x", "3"), "body: expected an object, found 3"},
      {completion("x", "{}").replace("\"body\"", "\"note\":1,\"body\""), "note: expected one of"},
      {completion("x", "{}"), "body.prompt: expected text or a list of token ids"},
      {body("\"prompt\":[1,1.0]"), "body.prompt[1]: expected a token id, found 1.0"},
      {body("\"prompt\":[]"), "body.prompt: expected text or a list of token ids, not empty"},
      {body("\"prompt\":\"hello\""), "body.prompt: expected token ids (the model has no tokeni"},
      {body("\"prompt\":[101]"), "prompt: expected token ids from 0 to 100, found 101"},
      {
        ids("\"temprature\":1"),
        "body.temprature: did you mean temperature? expected one of the fields cache_salt, echo"
      },
      {ids("\"temperature\":\"1\""), "body.temperature: expected a number, found \"1\""},
      {ids("\"temperature\":-1"), "body.temperature: expected a finite number of at least 0"},
      {ids("\"temperature\":1e999"), "body.temperature: expected a finite number"},
      {ids("\"top_p\":1.5"), "body.top_p: expected a number above 0, at most 1, found 1.5"},
      {ids("\"top_k\":1.0"), "body.top_k: expected an integer of 32 bits, found 1.0"},
      {ids("\"max_tokens\":0"), "body.max_tokens: expected a number of at least 1, found 0"},
      {ids("\"max_tokens\":99999999999"), "body.max_tokens: expected an integer of 32 bits"},
      {ids("\"seed\":99999999999999999999"), "body.seed: expected an integer of 64 bits"},
      {ids("\"n\":1000000"), "body.n: expected a number from 1 to 128, found 1000000"},
      {ids("\"stop\":[\"a\",1]"), "body.stop[1]: expected a string, found 1"},
      {ids("\"stop\":\"\""), "body.stop: expected strings that are not empty"},
      {
        ids("\"logit_bias\":{\"x\":1}"), "body.logit_bias: expected token ids as names, found \"x\""
      },
      {ids("\"logit_bias\":{\"1\":true}"), "body.logit_bias.1: expected a number, found true"},
      {ids("\"logit_bias\":{\"500\":1}"), "logit_bias: expected ids below the vocabulary size"},
      {ids("\"logit_bias\":{\"1\":1,\"01\":1}"), "body.logit_bias: expected each token once"},
      {ids("\"stream\":true"), "body.stream: expected false"},
      {ids("\"cache_salt\":\"\""), "body.cache_salt: expected a string that is not empty"},
      {chat("x", "").replace("user", "pope"), "body.messages[0].role: expected one of system"},
      {chat("x", "").replace("\"What", "[\"What").replace("?\"", "?\"]"), "content[0]: expected"},
      {chat("x", ""), "url: expected /v1/completions ("},
    };
    List<String> lines = new ArrayList<>();
    for (String[] c : cases) {
      lines.add(c[0]);
      lines.add(ids("\"max_tokens\":2"));
    }
    List<JsonNode> answers = answer(SPECK, lines).answers();
    assertThat(answers).hasSameSizeAs(lines);
    for (int i = 0; i < cases.length; i++) {
      assertThat(error(answers.get(2 * i)))
          .startsWith("line " + (2 * i + 1) + ": ")
          .contains(cases[i][1]);
      assertThat(answers.get(2 * i + 1).at("/response/status_code").asInt()).isEqualTo(200);
    }
  }

  @Test
  void topLogprobsWithoutLogprobsAreRefusedInAChat() {
    String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"top_logprobs\":2}";
    assertThatThrownBy(() -> read(body, true))
        .hasMessage("top_logprobs: expected together with logprobs true, found 2");
  }

  private static String body(String fields) {
    return completion("x", "{" + fields + "}");
  }

  private static String ids(String field) {
    return body("\"prompt\":[1,2]," + field);
  }

  @Test
  void hostileLinesHarmNoOtherLine() throws IOException {
    long seed = 20_260_101;
    System.out.println("hostile lines: seed " + seed);
    Random random = new Random(seed);
    List<byte[]> lines = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      String fields =
          "\"prompt\":[%d,2,3],\"max_tokens\":%d,\"temperature\":0.%d,\"top_p\":0.9,\"stop\":\"é😀\",%s"
              .formatted(i % 90, 1 + i % 5, i % 10, "\"logit_bias\":{\"7\":1},\"logprobs\":1");
      lines.add(completion("id-" + i, "{" + fields + "}").getBytes(StandardCharsets.UTF_8));
    }
    List<String> untouched = answerBytes(lines).lines();
    for (int i = 0; i < lines.size(); i += 2) {
      lines.set(i, mutated(lines.get(i), random));
    }
    lines.addAll(
        List.of(new byte[] {(byte) 0xFF, (byte) 0xFE}, "{".repeat(2000).getBytes("UTF-8")));
    Run run = answerBytes(lines);
    List<JsonNode> answers = run.answers();
    assertThat(answers).hasSize(502);
    int refused = 0;
    for (int i = 0; i < 502; i++) {
      assertThat(answers.get(i).get("id").asText()).isEqualTo("batch_req_" + (i + 1));
      refused += answers.get(i).get("error").isNull() ? 0 : 1;
      if (i % 2 == 1 && i < 500) {
        assertThat(run.lines().get(i)).as("line %d", i + 1).isEqualTo(untouched.get(i));
      }
    }
    assertThat(refused).isBetween(100, 251);
  }

  private Run answerBytes(List<byte[]> lines) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] line : lines) {
      all.writeBytes(line);
      all.write('\n');
    }
    Path input = Files.write(directory.resolve("hostile.jsonl"), all.toByteArray());
    Run run = run(SPECK, input);
    assertThat(run.code()).as(run.err()).isZero();
    return run;
  }

  /** A few bytes changed, doubled, moved or cut off; never a line break, never blank. */
  private static byte[] mutated(byte[] line, Random random) {
    byte[] bytes = line.clone();
    for (int k = random.nextInt(3); k >= 0; k--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] = (byte) random.nextInt(256);
        case 1 -> bytes[at] = (byte) "{}[]\",:0-9eE+.\\tn".charAt(random.nextInt(17));
        case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
        default -> System.arraycopy(bytes, at / 2, bytes, 0, bytes.length - at);
      }
    }
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = bytes[i] == '\n' ? (byte) 'n' : bytes[i];
    }
    bytes[0] = bytes[0] == ' ' || bytes[0] == '\r' || bytes[0] == '\t' ? (byte) '{' : bytes[0];
    return bytes;
  }

  @Test
  void aRequestThatFailsInsideTheEngineFailsAlone() throws IOException {
    EditedModel edited = EditedModel.of(SPECK);
    EditedModel.Values rows = edited.tensors.get("model.embed_tokens.weight").asF32();
    rows.floats()[50 * 24] = Float.NaN; // the embedding of token 50
    edited.tensors.put("model.embed_tokens.weight", rows);
    edited.tensors.put(
        "lm_head.weight", EditedModel.of(SPECK).tensors.get("model.embed_tokens.weight"));
    edited.config.put("tie_word_embeddings", false);
    Path model = Files.createDirectory(directory.resolve("model"));
    edited.writeTo(model);
    String fine = ids("\"max_tokens\":3,\"logit_bias\":{\"50\":-1e999}");
    List<String> lines = List.of(fine, body("\"prompt\":[1,50]"), fine);
    List<JsonNode> answers = answer(model, lines).answers();
    assertThat(answers.stream().map(a -> a.at("/response/status_code").asInt()))
        .containsExactly(200, 500, 200);
    assertThat(answers.get(1).at("/error/message").asText()).startsWith("line 2: ").contains("NaN");
  }

  @Test
  void moreLinesThanTheWindowHoldsStayInOrder() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 2 * BatchRun.WINDOW + 100; i++) {
      lines.add(i % 50 == 0 ? ids("\"max_tokens\":" + (1 + i % 40)) : "no json");
      lines.add(i % 7 == 0 ? "  \r" : ""); // blank lines are no requests, but count
    }
    List<JsonNode> answers = answer(SPECK, lines, "--max-running-requests", "2").answers();
    assertThat(answers).hasSize(lines.size() / 2);
    for (int i = 0; i < answers.size(); i++) {
      assertThat(answers.get(i).get("id").asText()).isEqualTo("batch_req_" + (2 * i + 1));
      assertThat(answers.get(i).at("/response/status_code").asInt())
          .isEqualTo(i % 50 == 0 ? 200 : 400);
    }
  }

  @Test
  void aLineTooLongToBeARequestIsRefusedWithoutBeingKept() throws IOException {
    Path input = directory.resolve("long.jsonl");
    String good = ids("\"max_tokens\":1");
    Files.writeString(input, good + "\n" + "x".repeat(BatchLines.MAX_BYTES + 5) + "\n");
    Files.writeString(input, good.replace("\"x\"", "\"y\""), StandardOpenOption.APPEND);
    List<JsonNode> answers = run(SPECK, input).answers();
    assertThat(answers).hasSize(3);
    assertThat(error(answers.get(1))).contains("expected at most 16777216 bytes, found 16777221");
  }

  @Test
  void anIdThatALineBeforeHasIsRefusedAndThatLineIsNamed() throws IOException {
    List<String> lines =
        List.of(
            completion("a", "{\"prompt\":[1,2],\"max_tokens\":1}"),
            "",
            completion("b", "{\"prompt\":[1,2],\"max_tokens\":0}"),
            completion("a", "{\"prompt\":[1,2],\"max_tokens\":2}"),
            completion("b", "{\"prompt\":[1,2],\"max_tokens\":2}"),
            completion("c", "{\"prompt\":[1,2],\"max_tokens\":2}"));
    Run run = answer(SPECK, lines);
    List<JsonNode> answers = run.answers();
    assertThat(error(answers.get(2)))
        .isEqualTo(
            "line 4: custom_id: expected an id that no other line has, found \"a\", which line 1"
                + " has");
    assertThat(answers.get(2).get("custom_id").asText()).isEqualTo("a");
    assertThat(answers.get(2).at("/response/body/error/param").asText()).isEqualTo("custom_id");
    assertThat(error(answers.get(3))).contains("found \"b\", which line 3 has");
    assertThat(answers.get(0).get("error").isNull()).isTrue();
    assertThat(answers.get(4).get("error").isNull()).isTrue();
    assertThat(run.err()).contains("2 answered, 3 failed");
  }

  @Test
  void theFirstErrorsAreShownAndABatchOfErrorsAloneEndsWithExitCodeThree() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      lines.add(completion("id-" + i, "{\"prompt\":[1,2],\"maxTokens\":1}"));
    }
    Path input = Files.write(directory.resolve("in.jsonl"), lines);
    Run run = run(SPECK, input);
    assertThat(run.code()).isEqualTo(3);
    assertThat(run.answers()).hasSize(9);
    assertThat(run.err().lines().filter(l -> l.startsWith("line ")))
        .hasSize(5)
        .allMatch(l -> l.contains(": body.maxTokens: did you mean max_tokens? expected one of"))
        .allMatch(l -> l.length() < 210);
    assertThat(run.err()).contains("0 answered, 9 failed");
    Files.writeString(input, ids("\"max_tokens\":1") + "\n", StandardOpenOption.APPEND);
    assertThat(run(SPECK, input).code()).isZero();
  }

  /** In a process of its own, as its standard output is wanted. */
  @Test
  void aDashIsStandardInputOrOutputAndOnlyAnswersAreWrittenThere() throws Exception {
    byte[] expected = run(STORYTELLER, EXAMPLE).output();
    Path out = directory.resolve("piped.jsonl");
    Path err = directory.resolve("err.txt");
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules=jdk.incubator.vector",
            "-cp",
            System.getProperty("java.class.path"),
            Main.class.getName(),
            "run-batch",
            "-i",
            "-",
            "-o",
            "-",
            "-m",
            STORYTELLER.toString());
    Process process =
        builder
            .redirectInput(EXAMPLE.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(err)).isZero();
    assertThat(Files.readAllBytes(out)).isEqualTo(expected);
    assertThat(err).content().contains("6 answered, 1 failed");
    assertThat(directory.toFile().list())
        .containsExactlyInAnyOrder("out.jsonl", "piped.jsonl", "err.txt");
  }

  @Test
  void anEmptyFileHasNoAnswers() throws IOException {
    Run run = answer(SPECK, List.of());
    assertThat(run.output()).isEmpty();
    assertThat(directory.resolve("out.jsonl")).exists();
    assertThat(run.err()).contains("0 answered, 0 failed");
  }

  @Test
  void filesThatCannotBeReadOrWrittenAreNamed() throws IOException {
    Path missing = directory.resolve("missing.jsonl");
    Run run = run(SPECK, missing);
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains(missing + ": no such file").doesNotContain("Exception");
    Path in = Files.writeString(directory.resolve("in.jsonl"), ids("\"max_tokens\":1"));
    Run nowhere = run(SPECK, in, "-o", directory.resolve("no/out.jsonl").toString());
    assertThat(nowhere.code()).isEqualTo(2); // -o twice
    StringWriter err = new StringWriter();
    String out = directory.resolve("no/out.jsonl").toString();
    String[] args = {"run-batch", "-m", SPECK.toString(), "-i", in.toString(), "-o", out};
    PrintWriter writer = new PrintWriter(err);
    assertThat(Main.run(writer, writer, args)).isEqualTo(1);
    assertThat(err.toString()).contains(out + ": expected a file in an existing directory");
    args[6] = in.toString();
    assertThat(Main.run(writer, writer, args)).isEqualTo(2);
    assertThat(err.toString()).contains("-o: expected another file than -i");
    assertThat(in).hasContent(ids("\"max_tokens\":1"));
  }

  @Test
  void aTraceThatCannotBeWrittenFailsTheCommandButNotTheAnswers() throws IOException {
    assumeTrue(Files.exists(Path.of("/dev/full")));
    Path in = Files.writeString(directory.resolve("in.jsonl"), ids("\"max_tokens\":1"));
    Run run = run(SPECK, in, "--trace", "/dev/full");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("/dev/full: cannot be written").contains("1 answered");
    assertThat(run.answers()).hasSize(1);
  }

  @Test
  void everyCommandThatRunsTheEngineWritesATrace() throws IOException {
    Path in = Files.writeString(directory.resolve("in.jsonl"), ids("\"max_tokens\":3"));
    Path trace = directory.resolve("trace.json");
    assertThat(run(SPECK, in, "--trace", trace.toString()).code()).isZero();
    assertThat(JSON.readTree(trace.toFile()).findValuesAsText("name"))
        .contains("step 0", "prefill");
    Path lines = directory.resolve("trace.jsonl");
    PrintWriter ignored = new PrintWriter(new StringWriter());
    String[] generate = {
      "generate", "-m", SPECK.toString(), "--ids", "1,2", "-n", "3", "--trace", lines.toString()
    };
    assertThat(Main.run(ignored, ignored, generate)).isZero();
    assertThat(Files.readAllLines(lines)).anyMatch(l -> l.startsWith("{\"event\":\"Finished\""));
  }

  @Test
  void percentilesAreByNearestRank() {
    double[] ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assertThat(BatchTally.percentile(ten, 50)).isEqualTo(5);
    assertThat(BatchTally.percentile(ten, 99)).isEqualTo(10);
    assertThat(BatchTally.percentile(new double[] {3}, 50)).isEqualTo(3);
  }
}
