package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/**
 * Official clients, unmodified, against {@code orrery serve} in a process of its own. They need a
 * Python with their packages: the one that {@code ORRERY_CLIENTS_PYTHON} names, or {@code python3}.
 */
@TestMethodOrder(OrderAnnotation.class)
class ClientsTest {
  private static final Path SCRIPTS = Path.of("src/test/clients");
  private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:\\d+");

  @TempDir static Path directory;
  private static Process server;
  private static String address;

  private static String python() {
    String named = System.getenv("ORRERY_CLIENTS_PYTHON");
    return named == null ? "python3" : named;
  }

  private static boolean has(String module) {
    try {
      Process process =
          new ProcessBuilder(python(), "-c", "import " + module).redirectErrorStream(true).start();
      process.getInputStream().transferTo(OutputStream.nullOutputStream());
      return process.waitFor() == 0;
    } catch (IOException noPython) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeAll
  static void startAServer() throws IOException {
    List<String> missing =
        List.of("openai", "prometheus_client").stream().filter(module -> !has(module)).toList();
    if (!missing.isEmpty()) {
      System.out.println("ClientsTest was not run: " + python() + " has no " + missing);
    }
    assumeTrue(missing.isEmpty());
    server =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                "orrery.cli.Main",
                "serve",
                "--port",
                "0",
                "--speculative-algorithm",
                "mtp")
            .redirectError(directory.resolve("err").toFile())
            .start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
    Matcher announced = ADDRESS.matcher(String.valueOf(out.readLine()));
    assertThat(announced.find()).as("%s", errors()).isTrue();
    address = announced.group();
  }

  private static String errors() throws IOException {
    return Files.readString(directory.resolve("err"));
  }

  @AfterAll
  static void stopTheServer() {
    if (server != null) {
      server.destroyForcibly();
    }
  }

  private static String run(String script) throws IOException, InterruptedException {
    Path said = directory.resolve(script + ".txt");
    Process process =
        new ProcessBuilder(python(), SCRIPTS.resolve(script).toString(), address)
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    boolean ended = process.waitFor(3, TimeUnit.MINUTES);
    process.destroyForcibly();
    return Files.readString(said) + (ended ? "exit code " + process.exitValue() : "still running");
  }

  @Test
  @Order(1)
  void openAisPythonClientGetsWhatItAsksFor() throws Exception {
    assertThat(run("openai_client.py")).doesNotContain("FAIL").endsWith("exit code 0");
  }

  @Test
  @Order(2)
  void prometheusOwnParserReadsTheMetricsOfAServerThatHasWorked() throws Exception {
    assertThat(run("prometheus_metrics.py")).doesNotContain("FAIL").endsWith("exit code 0");
  }

  @Test
  @Order(3)
  void afterATerminationSignalTheServerEndsWithExitCode0() throws Exception {
    server.destroy();
    assertThat(server.waitFor(30, TimeUnit.SECONDS)).isTrue();
    assertThat(server.exitValue()).as("%s", errors()).isZero();
  }
}
