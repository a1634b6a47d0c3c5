package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
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

/** Official clients, unmodified, against {@code orrery serve} in a process of its own. */
@TestMethodOrder(OrderAnnotation.class)
class ClientsTest {
  private static final Duration MOST = Duration.ofMinutes(15); // for a script
  private static final Pattern ADDRESS = Pattern.compile("http://127\\.0\\.0\\.1:\\d+");

  @TempDir static Path directory;
  private static Process server;
  private static String address;

  @BeforeAll
  static void startAServer() throws IOException {
    PythonClients.assume(ClientsTest.class, "openai", "prometheus_client");
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

  @Test
  @Order(1)
  void openAisPythonClientGetsWhatItAsksFor() throws Exception {
    assertThat(PythonClients.run(directory, MOST, "openai_client.py", address))
        .doesNotContain("FAIL")
        .endsWith("exit code 0");
  }

  @Test
  @Order(2)
  void prometheusOwnParserReadsTheMetricsOfAServerThatHasWorked() throws Exception {
    assertThat(PythonClients.run(directory, MOST, "prometheus_metrics.py", address))
        .doesNotContain("FAIL")
        .endsWith("exit code 0");
  }

  @Test
  @Order(3)
  void afterATerminationSignalTheServerEndsWithExitCode0() throws Exception {
    server.destroy();
    assertThat(server.waitFor(3, TimeUnit.MINUTES)).isTrue();
    assertThat(server.exitValue()).as("%s", errors()).isZero();
  }
}
