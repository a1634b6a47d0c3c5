package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** Commands that serve the X-ray page, each in a process of its own. */
@Timeout(600)
class PageProcessTest {
  private static final Pattern ADDRESS =
      Pattern.compile("open (http://127\\.0\\.0\\.1:\\d+)/\\S* ", 2);

  @TempDir Path directory;
  private final HttpClient client = HttpClient.newHttpClient();
  private File err;
  private Process process;
  private BufferedReader out;
  private String address;

  @BeforeEach
  void onUnix() {
    assumeTrue(Files.isExecutable(Path.of("/bin/kill")));
    err = directory.resolve("err").toFile();
  }

  @AfterEach
  void end() {
    if (process != null) {
      process.destroyForcibly();
    }
    client.shutdownNow(); // close() would wait for a stream that nobody reads on
  }

  private void start(String... args) throws IOException {
    process = OrreryJvm.command(List.of(args)).redirectError(err).start();
    out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** Reads what is printed up to the line with the page's address. */
  private void awaitAddress() throws IOException {
    Matcher found = ADDRESS.matcher("");
    while (!found.find()) {
      String line = out.readLine();
      assertThat(line).as("%s", Files.readString(err.toPath())).isNotNull();
      found = ADDRESS.matcher(line);
    }
    address = found.group(1);
  }

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(
        HttpRequest.newBuilder(URI.create(address + path)).build(), BodyHandlers.ofString());
  }

  /** Opens the page's stream of events and leaves it open. */
  private BufferedReader events() throws IOException, InterruptedException {
    var stream =
        client.send(
            HttpRequest.newBuilder(URI.create(address + "/xray/events")).build(),
            BodyHandlers.ofInputStream());
    return new BufferedReader(new InputStreamReader(stream.body(), StandardCharsets.UTF_8));
  }

  private void awaitEvent(BufferedReader events, String name) throws IOException {
    String line = events.readLine();
    while (line != null && !line.contains("\"event\":\"" + name + "\"")) {
      line = events.readLine();
    }
    assertThat(line).as("the stream ended before " + name).isNotNull();
  }

  private void signal() throws Exception {
    new ProcessBuilder("/bin/kill", "-TERM", process.pid() + "").start().waitFor();
    assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
  }

  private void endBySignal() throws Exception {
    signal();
    assertThat(process.exitValue()).as(Files.readString(err.toPath())).isZero();
  }

  @Test
  void serveTellsThePagesAddressAndEndsWhileAPageIsOpen() throws Exception {
    start("serve", "-m", TinyModels.speck("bias").toString(), "--port", "0");
    awaitAddress();
    assertThat(get("/").body()).contains("<!doctype html>");
    BufferedReader events = events();
    assertThat(events.readLine())
        .as("nothing is told of the warm-up")
        .contains("\"events\":[{\"event\":\"Keyframe\"", "\"sequences\":[],\"blocks\":[]")
        .doesNotContain("\"event\":\"Submitted\"", "\"event\":\"StepDone\"");
    endBySignal();
  }

  @Test
  void withXrayOffThereIsNoPage() throws Exception {
    String model = TinyModels.speck("bias").toString();
    start("serve", "-m", model, "--port", "0", "--xray", "off", "--skip-server-warmup");
    Matcher found = Pattern.compile("at (http://127.*)\\. To try it:").matcher(out.readLine());
    assertThat(found.find()).isTrue();
    address = found.group(1);
    assertThat(out.readLine()).startsWith("curl ");
    assertThat(get("/").statusCode()).isEqualTo(404);
    assertThat(get("/xray/engine").statusCode()).isEqualTo(404);
    assertThat(get("/health").statusCode()).isEqualTo(200);
    endBySignal();
    assertThat(out.readLine()).as("nothing is said of a page").isNull();
  }

  @Test
  void severalKeysKeepThePageAwayUnlessItIsAskedFor() throws Exception {
    String model = TinyModels.speck("bias").toString();
    start("serve", "-m", model, "--port", "0", "--api-key", "a,b", "--skip-server-warmup");
    Matcher found = Pattern.compile("at (http://127.*)\\. To try it:").matcher(out.readLine());
    assertThat(found.find()).isTrue();
    address = found.group(1);
    assertThat(get("/xray/state.js").statusCode()).as("no such path, and no key").isEqualTo(401);
    endBySignal();
  }

  @Test
  void theDemoServesItsPromptsWhenAPageHasOpenedAndTheTraceIsShownAgain() throws Exception {
    Path trace = directory.resolve("trace.jsonl");
    start(
        "demo",
        "--page",
        "--port",
        "0",
        "--trace",
        trace.toString(),
        "--temperature",
        "0",
        "sort: 5 3 9 =>");
    awaitAddress();
    BufferedReader events = events();
    awaitEvent(events, "Finished");
    assertThat(get("/xray/engine").body())
        .contains("\"live\":true")
        .contains("\"flags\":\"--speculative-algorithm mtp\"");
    endBySignal();
    assertThat(out.lines()).anyMatch(line -> line.startsWith("sort: 5 3 9 =>"));

    start("trace", "replay", trace.toString(), "--port", "0");
    awaitAddress();
    awaitEvent(events(), "Finished");
    assertThat(get("/xray/engine").body())
        .isEqualTo("{\"live\":false,\"model\":\"storyteller-moe\",\"file\":\"trace.jsonl\"}");
    endBySignal();
  }

  @Test
  void aSignalEndsADemoThatAPageHasPaused() throws Exception {
    Path trace = directory.resolve("trace.jsonl");
    start("demo", "--page", "--port", "0", "--trace", trace.toString());
    awaitAddress();
    HttpRequest pause =
        HttpRequest.newBuilder(URI.create(address + "/xray/pause"))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    assertThat(client.send(pause, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
    awaitEvent(events(), "Submitted");
    signal();
    assertThat(process.exitValue()).isEqualTo(128 + 15);
    assertThat(Files.readString(trace)).as("not halted").contains("\"event\":\"Finished\"");
  }

  @Test
  void aFileThatIsNoTraceGetsOneLine() throws Exception {
    Path bad = Files.writeString(directory.resolve("bad.jsonl"), "{\"event\":\"Nothing\"}\n");
    start("trace", "replay", bad.toString(), "--port", "0");
    assertThat(process.waitFor(3, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).isEqualTo(1);
    assertThat(Files.readString(err.toPath()).lines().filter(l -> !l.startsWith("WARNING")))
        .containsExactly(
            "orrery trace replay: "
                + bad
                + ": line 1: event: expected the name of an event of Orrery, found \"Nothing\"");
  }
}
