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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.batching.SchedulePolicy;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.events.EventSink;
import orrery.kernels.KernelSet;
import orrery.prefix.PrefixCacheKind;
import orrery.prefix.RadixCache;
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

  private static final String STREAM =
      ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";

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

  /** Each switch with another value than its default at least once. */
  private static List<EngineOptions> switches() {
    EngineOptions plain = EngineOptions.defaults();
    EngineOptions mtp = plain.withSpeculation(s -> s.withAlgorithm(Algorithm.MTP));
    return List.of(
        plain,
        mtp.withKv(k -> k.withPageSize(4)),
        mtp.withSpeculation(s -> s.withNumSteps(5).withAdaptive(true).withCoupledDrafts(false))
            .withBatching(b -> b.withSchedulePolicy(SchedulePolicy.VLLM))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.HASH)),
        mtp.withSpeculation(s -> s.withDisableByBatchSize(2))
            .withBatching(b -> b.withSchedulePolicy(SchedulePolicy.TRTLLM_MAX_UTILIZATION))
            .withKv(k -> k.withPageSize(8).withContextLength(256).withMaxTotalTokens(272)),
        plain
            .withSpeculation(s -> s.withAlgorithm(Algorithm.NGRAM))
            .withBatching(b -> b.withEnableMixedChunk(true).withChunkedPrefillSize(3))
            .withPrefix(p -> p.withRadixEvictionPolicy(RadixCache.Eviction.LFU)),
        plain
            .withBatching(b -> b.withSchedulePolicy(SchedulePolicy.STATIC))
            .withPrefix(p -> p.withPrefixCache(PrefixCacheKind.OFF))
            .withKv(k -> k.withPageSize(0))
            .withCompute(c -> c.withGraph(false).withThreads(2)),
        plain
            .withBatching(b -> b.withLpm(true).withMaxRunningRequests(2))
            .withBatching(b -> b.withScheduleConservativeness(0.3))
            .withCompute(c -> c.withKernels(KernelSet.SCALAR)));
  }

  @Test
  void aServerAndAFileSayTheSameToTheCharacterAndTheLogProbability() throws Exception {
    List<JsonNode> batch = batch();
    for (EngineOptions options : switches()) {
      LoadedModel loaded = LoadedModel.load(STORYTELLER);
      try (OpenAiServer server = OpenAiServer.of(loaded, options, EventSink.NONE, s -> s);
          ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Future<?>> asked = new ArrayList<>();
        for (int i = 0; i < BODIES.length; i++) {
          String[] ask = BODIES[i];
          JsonNode expected = served(batch.get(i));
          asked.add(
              clients.submit(
                  () ->
                      assertThat(Chunks.comparable(server.whole(ask[0], body(ask, ""))))
                          .as("%s", options)
                          .isEqualTo(expected)));
          asked.add(
              clients.submit(
                  () ->
                      assertThat(Chunks.joined(server.chunks(ask[0], body(ask, STREAM))))
                          .as("%s", options)
                          .isEqualTo(expected)));
        }
        for (Future<?> one : asked) {
          one.get(10, TimeUnit.MINUTES);
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
