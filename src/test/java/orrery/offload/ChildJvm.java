package orrery.offload;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Another Java process, which runs a class of the tests. */
public record ChildJvm(Process process, BufferedReader out) implements AutoCloseable {

  /** Starts it; what it writes to standard error comes here too. */
  public static ChildJvm start(Class<?> main, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx64m", "-ea", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.add(main.getName());
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    return new ChildJvm(process, process.inputReader());
  }

  /** Ends it as {@code kill -9} does; what it has written to standard output can still be read. */
  public void kill() {
    process.toHandle().destroyForcibly(); // the process's own method closes our end of its output
  }

  /** Waits until it has ended. */
  @Override
  public void close() throws IOException {
    process.destroyForcibly();
    boolean interrupted = false;
    while (process.isAlive()) {
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    out.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
