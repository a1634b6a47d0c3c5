package orrery.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A JVM of its own, with the tests' classes. */
final class ForkedProgram {
  private ForkedProgram() {}

  /** Starts a main class; errors go where output goes. */
  static Process start(List<String> flags, String main) throws IOException {
    return start(flags, System.getProperty("java.class.path"), main);
  }

  static Process start(List<String> flags, String classPath, String main) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.addAll(List.of("-cp", classPath, main));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  static String output(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }
}
