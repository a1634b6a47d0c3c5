package orrery.xray;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import orrery.engine.Engine;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.engine.Request;
import orrery.events.Event;
import orrery.events.EvictedPages;
import orrery.observe.TraceSink;
import orrery.sampling.SamplingParams;
import orrery.server.HttpServer;
import orrery.server.Routes;
import orrery.server.ServerOptions;

/**
 * A recorded trace in the page: the same events in the same order, and clear words for bad files.
 */
class TraceTest {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  @TempDir private Path directory;

  /** The lines of a real run. */
  private List<String> recorded(int runs) throws IOException {
    Path file = directory.resolve("trace.jsonl");
    try (TraceSink sink = TraceSink.open(file);
        LoadedModel loaded = LoadedModel.load(TinyModels.speck("v4-mtp"))) {
      for (int i = 0; i < runs; i++) {
        try (Engine engine = Engine.start(loaded, EngineOptions.defaults(), sink)) {
          SamplingParams params =
              SamplingParams.defaults().withMaxTokens(200).withLogprobs(2).withSeed(i).withN(6);
          engine.submit(Request.of(new int[] {1, 2, 3}, params)).join();
        }
      }
    }
    return Files.readAllLines(file);
  }

  private Path file(List<String> lines) throws IOException {
    return Files.writeString(directory.resolve("other.jsonl"), String.join("\n", lines) + "\n");
  }

  private static List<JsonNode> messages(Path file) throws Exception {
    Ring ring = Trace.read(file, remark -> {}).ring();
    ring.close();
    Ring.Place place = ring.new Place();
    List<JsonNode> all = new ArrayList<>();
    for (var m = ring.next(place, 0); m.isPresent(); m = ring.next(place, 0)) {
      for (Batch batch : m.get().batches()) {
        for (JsonNode event : JSON.readTree("[" + new String(batch.json()) + "]")) {
          all.add(JSON.createObjectNode().put("run", batch.run()).set("event", event));
        }
      }
    }
    return all;
  }

  @Test
  void aPageGetsEveryEventOfATrace() throws Exception {
    List<String> lines = recorded(1);
    assertThat(lines.size()).isGreaterThan(Batch.MOST);
    List<JsonNode> all = messages(file(lines));
    assertThat(all).hasSameSizeAs(lines);
    for (int i = 0; i < lines.size(); i++) {
      assertThat(all.get(i).get("event")).isEqualTo(JSON.readTree(lines.get(i)));
    }
  }

  @Test
  void eachEngineOfATraceIsARun() throws Exception {
    List<JsonNode> all = messages(file(recorded(3)));
    assertThat(all.stream().map(m -> m.get("run").asInt()).distinct()).containsExactly(0, 1, 2);
    for (int run = 0; run < 3; run++) {
      int number = run;
      JsonNode first =
          all.stream().filter(m -> m.get("run").asInt() == number).findFirst().orElseThrow();
      assertThat(first.at("/event/step").asInt()).isEqualTo(-1);
    }
  }

  @Test
  void anEngineThatBeginsLateByTheClockIsARunToo() throws Exception {
    List<String> late = new ArrayList<>(recorded(1)); // a speck has no vocabulary
    late.replaceAll(line -> line.replaceFirst("\"nanos\":", "\"nanos\":1000"));
    List<String> both = new ArrayList<>(recorded(1));
    int first = both.size();
    both.addAll(late);
    List<JsonNode> all = messages(file(both));
    assertThat(all.get(first - 1).get("run").asInt()).isZero();
    assertThat(all.get(first).get("run").asInt()).isEqualTo(1);
    assertThat(all.getLast().get("run").asInt()).isEqualTo(1);
    String words = "{\"event\":\"Vocabulary\",\"nanos\":9,\"texts\":[\"a\"]}";
    String frame = late.getFirst();
    assertThat(messages(file(List.of(words, frame, words, frame))).stream())
        .extracting(m -> m.get("run").asInt())
        .containsExactly(0, 0, 1, 1);
  }

  @Test
  void aSecondKeyframeBeforeTheFirstStepIsOfTheSameRun() throws Exception {
    String frame = recorded(1).getFirst();
    String idle = "{\"event\":\"Flushed\",\"nanos\":999999999999,\"blocks\":0}";
    String later = frame.replaceFirst("\"nanos\":", "\"nanos\":1000");
    assertThat(messages(file(List.of(frame, idle, later))).stream())
        .extracting(m -> m.get("run").asInt())
        .containsOnly(0);
  }

  @Test
  void bytesThatAreNoTextAreRefusedWithTheirLine() throws Exception {
    List<String> lines = recorded(1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < 6; i++) {
      bytes.writeBytes(lines.get(i).getBytes(UTF_8));
      bytes.writeBytes(i == 3 ? new byte[] {(byte) 0xE2, '\n'} : new byte[] {'\n'});
    }
    Path bad = Files.write(directory.resolve("bytes.jsonl"), bytes.toByteArray());
    assertThatThrownBy(() -> Trace.read(bad, remark -> {}))
        .isInstanceOf(IOException.class)
        .hasMessage(bad + ": line 4: expected text in UTF-8");
  }

  @Test
  void aLastLineThatIsCutInsideACharacterIsLeftOut() throws Exception {
    List<String> lines = recorded(1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes((String.join("\r\n", lines) + "\r\n{\"event\":\"").getBytes(UTF_8));
    bytes.write(0xE2); // the first of three
    Path file = Files.write(directory.resolve("cut.jsonl"), bytes.toByteArray());
    List<String> remarks = new ArrayList<>();
    Trace.read(file, remarks::add);
    assertThat(remarks).hasSize(1);
    assertThat(messages(file)).hasSameSizeAs(lines);
  }

  @Test
  void badFilesAreRefusedWithLineAndField() throws Exception {
    List<String> lines = recorded(1);
    String token = lines.stream().filter(l -> l.contains("\"TokenOut\"")).findFirst().orElseThrow();
    int at = lines.indexOf(token);
    String line = "line " + (at + 1) + ": ";
    refused(
        changed(lines, at, token.replaceFirst("\"token\":\\d+", "\"token\":\"x\"")),
        line + "TokenOut.token: expected an integer of 32 bits, found \"x\"");
    refused(
        changed(lines, at, token.replaceFirst("\"token\":\\d+,", "")),
        line + "TokenOut.token: expected an integer of 32 bits, found none");
    refused(
        changed(lines, at, token.replaceFirst("\"nanos\":\\d+", "\"nanos\":9999999999999999999")),
        line + "TokenOut.nanos: expected an integer of 64 bits, found 9999999999999999999");
    refused(
        changed(lines, at, token.replaceFirst("\"origin\":\"\\w+\"", "\"origin\":\"LUCK\"")),
        line + "TokenOut.origin: expected one of PLAIN, ACCEPTED");
    refused(
        changed(
            lines,
            at,
            token.replaceFirst("\"top\":\\[\\{\"token\":\\d+", "\"top\":[{\"token\":null")),
        line + "TokenOut.top[0].token: expected an integer of 32 bits, found null");
    refused(
        changed(lines, at, token.replace("TokenOut", "TokenIn")),
        line + "event: expected the name of an event of Orrery, found \"TokenIn\"");
    refused(changed(lines, at, token.substring(1)), line + "expected an event as JSON, found");
    refused(changed(lines, at, "[]"), line + "expected an object, found");
    refused(
        lines.subList(1, lines.size()).stream().filter(l -> !l.contains("\"Keyframe\"")).toList(),
        "line 1: event: expected a Vocabulary or a Keyframe, with which a trace begins, found ");
    refused(List.of(), "line 1: ");
    assertThatThrownBy(() -> Trace.read(directory.resolve("none.jsonl"), r -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageEndingWith("none.jsonl: no such file");
    Path empty = Files.writeString(directory.resolve("empty.jsonl"), "");
    assertThatThrownBy(() -> Trace.read(empty, r -> {})).hasMessageContaining("an empty file");
  }

  @Test
  void aTraceOfAnotherVersionIsRefusedByTheFirstFieldThatItLacks() throws Exception {
    List<String> lines = new ArrayList<>(recorded(1));
    lines.add(WatchedRuns.json(new Event.Evicted(9, "all", 2, List.of(new EvictedPages(35, 2)))));
    requireMissed(lines, "\"BlockKept\"", ",\"priority\":\\d+", "BlockKept.priority");
    requireMissed(lines, "\"blocks\":[{", ",\"priority\":\\d+", "Keyframe.blocks[0].priority");
    requireMissed(lines, "\"Evicted\"", ",\"by\":\\[.*\\]", "Evicted.by");
  }

  private void requireMissed(List<String> lines, String event, String field, String named)
      throws IOException {
    String line = lines.stream().filter(l -> l.contains(event)).findFirst().orElseThrow();
    int at = lines.indexOf(line);
    Path old = file(changed(lines, at, line.replaceAll(field, "")));
    assertThatThrownBy(() -> Trace.read(old, remark -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(old + ": line " + (at + 1) + ": " + named + ": expected ")
        .hasMessageEndingWith(", found none, as in a trace of another version of Orrery");
  }

  private static List<String> changed(List<String> lines, int at, String line) {
    List<String> all = new ArrayList<>(lines);
    assertThat(all.set(at, line)).isNotEqualTo(line);
    return all;
  }

  private void refused(List<String> lines, String why) throws IOException {
    Path bad = file(lines);
    assertThatThrownBy(() -> Trace.read(bad, remark -> {}))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith(bad + ": " + why);
  }

  @Test
  void aLastLineThatIsCutShortIsLeftOut() throws Exception {
    List<String> lines = recorded(1);
    String cut = lines.getLast().substring(0, 20);
    Path file = file(changed(lines, lines.size() - 1, cut));
    List<String> remarks = new ArrayList<>();
    Trace.read(file, remarks::add);
    assertThat(remarks).containsExactly(file + ": the last line is cut short, and left out");
    assertThat(messages(file)).hasSize(lines.size() - 1);
  }

  @Test
  void whatOnlyAnEngineCouldDoIsRefused() throws Exception {
    Path file = file(recorded(1));
    try (HttpServer server =
            HttpServer.listen(ServerOptions.defaults().withPort(0), (call, bug) -> {});
        Xray page = Xray.replay(file, remark -> {});
        HttpClient client = HttpClient.newHttpClient()) {
      server.open(page.addTo(new Routes()));
      String base = "http://127.0.0.1:" + server.port();
      var engine =
          client.send(
              HttpRequest.newBuilder(URI.create(base + "/xray/engine")).build(),
              BodyHandlers.ofString());
      assertThat(engine.body())
          .isEqualTo("{\"live\":false,\"model\":\"speck-v4-mtp\",\"file\":\"other.jsonl\"}");
      for (String control : new String[] {"pause", "step", "prompts", "load", "restart"}) {
        var refused =
            client.send(
                HttpRequest.newBuilder(URI.create(base + "/xray/" + control))
                    .POST(HttpRequest.BodyPublishers.noBody())
                    .build(),
                BodyHandlers.ofString());
        assertThat(refused.statusCode()).isEqualTo(409);
        assertThat(refused.body()).contains("the page shows a recorded trace");
      }
    }
  }
}
