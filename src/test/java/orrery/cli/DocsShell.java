package orrery.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs shell commands of the docs as they stand: in bash, in a directory where {@code
 * target/orrery/bin/orrery} is a script that makes this JVM run the command. So a command starts no
 * JVM of its own, and code that the JIT compiled for one command is ready for the next. {@code mvn}
 * does nothing, except that the demo's command runs the demo.
 *
 * <p>Experiments that measure time run with {@code --quick}, and twins are twice as wide.
 */
final class DocsShell implements AutoCloseable {
  private static final int SECONDS = 900; // for a block; one of them takes seconds

  /**
   * Hands arguments over in a file, and gets output, errors and exit code back in others. A command
   * in a pipe, which reads or writes {@code -}, runs in a JVM of its own: this one has other
   * standard streams. So do commands that serve until a signal comes.
   */
  private static final String LAUNCHER =
      """
      #!/usr/bin/env bash
      for argument in "$@"; do
        { [ "$argument" != - ] && [ "$1" != serve ] && [ "$1" != trace ]; } || { cd '%s' && exec %s "$@"; }
      done
      call=$(mktemp -d "%s/call.XXXXXX")
      printf '%%s\\0' "$@" > "$call/args"
      exec 3<> /dev/tcp/127.0.0.1/%d
      echo "$call" >&3
      read -r code <&3
      cat "$call/out"
      cat "$call/err" >&2
      exit "$code"
      """;

  /** A block that fails leaves no server behind: the next one wants its port. */
  private static final String PRELUDE =
      """
      set -eu
      trap 'kill $(jobs -p) 2>/dev/null || :' EXIT
      mvn() { case "$*" in *exec@demo*) target/orrery/bin/orrery demo;; esac; }
      """;

  private final Path directory;
  private final ServerSocket server;
  private final Thread thread;

  /** The result of a block of commands: its exit code, and all that it printed. */
  record Result(int code, String output) {}

  DocsShell(Path directory) throws IOException {
    this.directory = directory;
    this.server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    Path launcher = directory.resolve("target/orrery/bin/orrery");
    Files.createDirectories(launcher.getParent());
    Files.createDirectories(directory.resolve("tmp"));
    Path models = Path.of("tiny-models");
    if (!Files.exists(directory.resolve(models))) {
      Files.createSymbolicLink(directory.resolve(models), models.toAbsolutePath());
    }
    Files.writeString(
        launcher,
        LAUNCHER.formatted(Path.of("").toAbsolutePath(), java(), directory, server.getLocalPort()));
    Files.setPosixFilePermissions(launcher, PosixFilePermissions.fromString("rwxr-xr-x"));
    this.thread = Thread.ofPlatform().name("docs-shell").start(this::serve);
  }

  private static String java() {
    return "'%s/bin/java' --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -cp '%s' orrery.cli.Main"
        .formatted(System.getProperty("java.home"), System.getProperty("java.class.path"));
  }

  /** Runs a block; its {@code /tmp} is a directory of this shell. */
  Result run(String commands) throws IOException, InterruptedException {
    Path script = directory.resolve("script");
    Path said = directory.resolve("said");
    String own = commands.replace("/tmp/", directory.resolve("tmp") + "/");
    Files.writeString(script, PRELUDE + own);
    ProcessBuilder shell =
        new ProcessBuilder("bash", script.toString())
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    PythonClients.addTo(shell.environment());
    Process bash = shell.start();
    try {
      if (!bash.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("still running after " + SECONDS + " s: " + commands);
      }
    } finally {
      bash.descendants().forEach(ProcessHandle::destroyForcibly); // first: later nothing names them
      bash.destroyForcibly();
    }
    return new Result(bash.exitValue(), Files.readString(said));
  }

  private void serve() {
    while (!server.isClosed()) {
      try (Socket call = server.accept();
          var in =
              new BufferedReader(
                  new InputStreamReader(call.getInputStream(), StandardCharsets.UTF_8))) {
        Path files = Path.of(in.readLine());
        call.getOutputStream().write((call(files) + "\n").getBytes(StandardCharsets.UTF_8));
      } catch (SocketException e) {
        if (!server.isClosed()) {
          throw new UncheckedIOException(e);
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** Experiments print to the standard output, other commands to the writer that they are given. */
  private static int call(Path files) throws IOException {
    String[] args = Files.readString(files.resolve("args")).split("\0");
    PrintStream standard = System.out;
    try (PrintStream out = new PrintStream(files.resolve("out").toFile(), StandardCharsets.UTF_8);
        PrintStream err = new PrintStream(files.resolve("err").toFile(), StandardCharsets.UTF_8)) {
      System.setOut(out);
      return Main.run(
          new PrintWriter(out, true, StandardCharsets.UTF_8),
          new PrintWriter(err, true, StandardCharsets.UTF_8),
          quickly(args));
    } finally {
      System.setOut(standard);
    }
  }

  private static String[] quickly(String[] args) {
    List<String> all = new ArrayList<>(Arrays.asList(args));
    if (all.subList(0, Math.min(2, all.size())).equals(List.of("lab", "ballast"))) {
      all.addAll(List.of("--factor", "2"));
    } else if (all.getFirst().equals("lab") && !all.contains("numbers")) {
      all.remove("--quick");
      all.add("--quick");
    }
    return all.toArray(String[]::new);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    server.close();
    thread.join();
  }
}
