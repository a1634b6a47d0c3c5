package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.FloatNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.server.Chunks;
import orrery.server.OpenAiServer;
import orrery.speculation.SpeculationOptions.Algorithm;

/** A body gets the same answer from a server and in a file of requests, with any switches. */
class ServedAsBatchTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Path STORYTELLER = Path.of("tiny-models/storyteller-moe");

  /** Bodies whose answers end in all ways that a file can show. */
  private static final String[][] BODIES = {
    {"/v1/completions", "\"prompt\":\"One windy morning,\",\"max_tokens\":20,\"seed\":4,\"n\":2"},
    {"/v1/completions", "\"prompt\":\"sort: 9 4 7 =>\",\"temperature\":0,\"stop\":\"\\n\""},
    {"/v1/completions", "\"prompt\":[5,6,7],\"seed\":2,\"max_tokens\":40,\"stop\":[\"e \",\".\"]"},
    {"/v1/completions", "\"prompt\":\"Long ago\",\"seed\":8,\"presence_penalty\":1.5,\"top_k\":9"},
    {"/v1/chat/completions", chat("What is 21 plus 14?") + ",\"temperature\":0"},
    {"/v1/chat/completions", chat("Tell me a story.") + ",\"seed\":3,\"max_tokens\":30"},
  };

  @TempDir Path directory;

  private static String chat(String text) {
    return "\"messages\":[{\"role\":\"user\",\"content\":\"" + text + "\"}]";
  }

  private static String body(String[] ask, String more) {
    String logprobs =
        ask[0].contains("chat") ? "\"logprobs\":true,\"top_logprobs\":3" : "\"logprobs\":3";
    return "{" + ask[1] + "," + logprobs + ",\"return_token_ids\":true" + more + "}";
  }

  private List<JsonNode> batch() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String[] ask : BODIES) {
      lines.add(
          "{\"custom_id\":\"x\",\"method\":\"POST\",\"url\":\"%s\",\"body\":%s}"
              .formatted(ask[0], body(ask, "")));
    }
    Path in = Files.write(directory.resolve("in.jsonl"), BatchIds.numbered(lines));
    Path out = directory.resolve("out.jsonl");
    StringWriter err = new StringWriter();
    String[] args = {
      "run-batch", "-m", STORYTELLER.toString(), "-i", in.toString(), "-o", out.toString()
    };
    assertThat(Main.run(new PrintWriter(err), new PrintWriter(err), args)).as("%s", err).isZero();
    List<JsonNode> answers = new ArrayList<>();
    for (String line : Files.readAllLines(out)) {
      answers.add(JSON.readTree(line).at("/response/body"));
    }
    return answers;
  }

  @Test
  void aServerAndAFileSayTheSameToTheCharacterAndTheLogProbability() throws IOException {
    List<JsonNode> batch = batch();
    EngineOptions defaults = EngineOptions.defaults();
    List<EngineOptions> switches =
        List.of(
            defaults,
            defaults
                .withSpeculation(s -> s.withAlgorithm(Algorithm.MTP))
                .withKv(k -> k.withPageSize(4)));
    for (EngineOptions options : switches) {
      LoadedModel loaded = LoadedModel.load(STORYTELLER);
      try (OpenAiServer server = OpenAiServer.of(loaded, options, EventSink.NONE, s -> s)) {
        for (int i = 0; i < BODIES.length; i++) {
          JsonNode expected = served(batch.get(i));
          String path = BODIES[i][0];
          JsonNode whole = server.whole(path, body(BODIES[i], ""));
          assertThat(Chunks.comparable(whole)).isEqualTo(expected);
          String stream = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";
          assertThat(Chunks.joined(server.chunks(path, body(BODIES[i], stream))))
              .isEqualTo(expected);
        }
      }
    }
  }

  /** The body of a file as a server writes it: floats, and what a message refuses. */
  private static JsonNode served(JsonNode batch) throws IOException {
    ObjectNode body = batch.deepCopy();
    body.remove(List.of("id", "created"));
    for (JsonNode choice : body.get("choices")) {
      if (choice.has("message")) {
        ((ObjectNode) choice.get("message")).putNull("refusal");
      }
    }
    return JSON.readTree(floats(body).toString());
  }

  private static JsonNode floats(JsonNode value) {
    if (value.isObject()) {
      ObjectNode object = JsonNodeFactory.instance.objectNode();
      value.properties().forEach(f -> object.set(f.getKey(), floats(f.getValue())));
      return object;
    }
    if (value.isArray()) {
      var array = JsonNodeFactory.instance.arrayNode();
      value.forEach(item -> array.add(floats(item)));
      return array;
    }
    return value.isDouble() ? FloatNode.valueOf((float) value.doubleValue()) : value;
  }
}
