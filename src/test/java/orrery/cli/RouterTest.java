package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SGLang's own router, unmodified, in front of servers in processes of their own. */
class RouterTest {
  private static final Duration MOST = Duration.ofMinutes(30);

  @TempDir Path directory;

  @BeforeAll
  static void requireTheRouter() {
    PythonClients.assume(RouterTest.class, "sglang_router");
  }

  /** A command as a shell reads it. */
  private static String shell(List<String> words) {
    return words.stream()
        .map(word -> "'" + word.replace("'", "'\\''") + "'")
        .collect(Collectors.joining(" "));
  }

  private static String orrery() {
    return shell(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "orrery.cli.Main"));
  }

  @Test
  void serversThatShareRequestsAnswerBehindItAsOneAndOutliveTheDeathOfEachOther() throws Exception {
    String router = shell(List.of(PythonClients.python(), "-m", "sglang_router.launch_router"));
    assertThat(PythonClients.run(directory, MOST, "pd_router.py", orrery(), router))
        .doesNotContain("FAIL")
        .contains("a decode server was killed", "a prefill server was killed")
        .endsWith("exit code 0");
  }
}
