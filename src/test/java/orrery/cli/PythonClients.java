package orrery.cli;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Scripts with official clients, unmodified. They need a Python with their packages: the one that
 * {@code ORRERY_CLIENTS_PYTHON} names, or {@code python3}.
 */
final class PythonClients {
  private static final Path SCRIPTS = Path.of("src/test/clients");

  private PythonClients() {}

  /** The command that starts Python. */
  static String python() {
    String named = System.getenv("ORRERY_CLIENTS_PYTHON");
    return named == null ? "python3" : named;
  }

  /** Lets a shell find the commands that Python's packages bring. */
  static void addTo(Map<String, String> environment) {
    Path directory = Path.of(python()).getParent();
    if (directory != null) {
      environment.merge("PATH", directory.toString(), (path, bin) -> bin + ":" + path);
    }
  }

  /** Skips a test, and says so, if Python lacks a module. */
  static void assume(Class<?> test, String... modules) {
    List<String> missing = List.of(modules).stream().filter(module -> !has(module)).toList();
    if (!missing.isEmpty()) {
      System.out.println(test.getSimpleName() + " was not run: " + python() + " has no " + missing);
    }
    assumeTrue(missing.isEmpty());
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

  /** Runs a script: what it says, and how it ends. */
  static String run(Path directory, Duration most, String script, String... arguments)
      throws IOException, InterruptedException {
    Path said = directory.resolve(script + ".txt");
    List<String> command = new ArrayList<>(List.of(python(), SCRIPTS.resolve(script).toString()));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    boolean ended = process.waitFor(most.toSeconds(), TimeUnit.SECONDS);
    if (!ended) {
      process.descendants().forEach(ProcessHandle::destroyForcibly); // servers that it started
      process.destroyForcibly();
    }
    return Files.readString(said) + (ended ? "exit code " + process.exitValue() : "still running");
  }
}
