package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** {@code orrery serve} in a process of its own: what it prints, and how signals end it. */
class ServeProcessTest {
  private static final String BODY = "{\"prompt\": [1, 2, 3], \"max_tokens\": 5}";

  @TempDir Path directory;
  private Path err;
  private Process process;
  private int port;
  private String curl;

  @BeforeEach
  void onUnix() {
    assumeTrue(Files.isExecutable(Path.of("/bin/kill")));
    err = directory.resolve("err");
  }

  @AfterEach
  void end() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private void serve(String... flags) throws IOException {
    ServerProcess server = ServerProcess.start(TinyModels.speck("bias"), err, flags);
    process = server.process();
    port = server.port();
    curl = server.curl();
  }

  private int exitCode() throws InterruptedException {
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("ends").isTrue();
    return process.exitValue();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(180_000);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
    socket.getOutputStream().flush();
  }

  private static String rest(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private String health() throws IOException {
    try (Socket socket = connect()) {
      send(socket, "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      return rest(socket).lines().findFirst().orElse("closed");
    }
  }

  private void signal(String name) throws IOException, InterruptedException {
    int code = new ProcessBuilder("/bin/kill", "-" + name, "" + process.pid()).start().waitFor();
    assertThat(code).isZero();
  }

  /** A call of which the server has the headers and a part of the body. */
  private Socket call() throws IOException {
    Socket socket = connect();
    send(
        socket,
        "POST /v1/completions HTTP/1.1\r\n"
            + "Host: localhost\r\n"
            + "Connection: close\r\n"
            + "Expect: 100-continue\r\n"
            + "Content-Length: "
            + BODY.length()
            + "\r\n\r\n");
    byte[] goOn = socket.getInputStream().readNBytes("HTTP/1.1 100 Continue\r\n\r\n".length());
    assertThat(goOn).asString().startsWith("HTTP/1.1 100");
    send(socket, BODY.substring(0, 10));
    return socket;
  }

  private void waitUntilItDrains() throws Exception {
    long end = System.nanoTime() + 180_000_000_000L;
    while (!health().equals("HTTP/1.1 503 Service Unavailable")) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.sleep(10);
    }
  }

  @Test
  void afterTheFirstSignalRunningCallsAreFinishedAndTheExitCodeIsZero() throws Exception {
    serve("--port", "0");
    assertThat(curl)
        .isEqualTo(
            "curl http://127.0.0.1:%d/v1/completions -H 'Content-Type: application/json' -d '{\"prompt\": [1, 2, 3], \"max_tokens\": 60}'"
                .formatted(port));
    assertThat(health()).isEqualTo("HTTP/1.1 200 OK");
    try (Socket running = call()) {
      signal("TERM");
      waitUntilItDrains();
      assertThat(process.isAlive()).isTrue();
      send(running, BODY.substring(10));
      assertThat(rest(running)).startsWith("HTTP/1.1 200 OK").contains("\"completion_tokens\":5");
    }
    assertThat(exitCode()).isZero();
    assertThat(Files.readString(err))
        .containsSubsequence(
            "orrery serve: loading",
            "warming up",
            "ready after",
            "orrery serve: ending: new calls are refused, those that run are finished");
  }

  @Test
  void aSecondSignalStopsAtOnce() throws Exception {
    serve("--port", "0", "--skip-server-warmup");
    try (Socket running = call()) {
      signal("INT");
      waitUntilItDrains();
      signal("TERM");
      assertThat(exitCode()).isEqualTo(128 + 15);
    }
  }

  @Test
  void aPortThatIsTakenIsOneLineBeforeTheModelIsLoaded() throws Exception {
    serve("--port", "0", "--skip-server-warmup");
    Process second =
        ServerProcess.command(
                TinyModels.speck("bias"), directory.resolve("second"), "--port", "" + port)
            .start();
    assertThat(second.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(second.exitValue()).isEqualTo(1);
    assertThat(Files.readString(directory.resolve("second")))
        .contains("orrery serve: http://127.0.0.1:" + port + ": cannot listen: ")
        .doesNotContain("\tat ");
    signal("TERM");
    assertThat(exitCode()).isZero();
  }
}
