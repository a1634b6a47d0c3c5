package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;

/** Tests that need a process of their own: signals, pipes, locales. */
class ProcessTest {
  private static final Path SPECK = TinyModels.speck("groups");
  private static final String LAUNCHER = "src/assembly/orrery.sh";

  @TempDir Path directory;
  private File err;

  @BeforeEach
  void onUnix() {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    err = directory.resolve("err").toFile();
  }

  /** Orrery in a JVM that starts quickly. */
  private ProcessBuilder orrery(String... args) {
    return OrreryJvm.command(List.of(args)).redirectError(err);
  }

  private int exitCode(Process process) throws InterruptedException {
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    process.destroyForcibly();
    assertThat(ended).as("ends").isTrue();
    return process.exitValue();
  }

  /** Standard error without the lines of the JVM itself. */
  private List<String> errors() throws IOException {
    return Files.readAllLines(err.toPath()).stream().filter(l -> !l.contains("WARNING")).toList();
  }

  @Test
  void argumentsAndOutputAreUtf8InTheCLocale() throws Exception {
    String prompt = "Zo\\303\\253 caf\\303\\251"; // bytes, whatever the locale of this test is
    ProcessBuilder builder = orrery("generate", "-m", "tiny-models/storyteller-moe", "-n", "1");
    String quoted = "'" + String.join("' '", builder.command()) + "'";
    builder.command("/bin/sh", "-c", "exec " + quoted + " -p \"$(printf '" + prompt + "')\"");
    builder.environment().keySet().removeIf(name -> name.startsWith("LC_") || name.equals("LANG"));
    builder.environment().put("LC_ALL", "C");
    Process process = builder.start();
    byte[] out = process.getInputStream().readAllBytes();
    assertThat(exitCode(process)).as("%s", errors()).isZero();
    assertThat(new String(out, StandardCharsets.UTF_8)).startsWith("Zoë café");
  }

  @Test
  void theLauncherTakesALocaleThatEncodesInUtf8() throws Exception {
    Path java = javaThatRuns("locale charmap; for a; do echo \"$a\"; done");
    for (String locale : new String[] {"C", "POSIX", "xx_XX.UTF-8", "C.UTF-8"}) {
      ProcessBuilder builder = new ProcessBuilder("/bin/sh", LAUNCHER, "demo", "a b");
      builder.environment().keySet().removeIf(n -> n.startsWith("LC_") || n.equals("LANG"));
      builder.environment().put("LANG", locale); // the third is not installed
      String out = outputOf(builder, java);
      assertThat(out.lines()).as(locale).startsWith("UTF-8").endsWith("demo", "a b");
    }
  }

  @Test
  void theLauncherOpensAStandardInputThatWasClosed() throws Exception {
    Path java = javaThatRuns("[ -e /dev/fd/0 ] && cat && echo nothing more");
    for (String input : List.of("<&-", "</dev/null")) {
      String command = "exec /bin/sh " + LAUNCHER + " demo " + input;
      String out = outputOf(new ProcessBuilder("/bin/sh", "-c", command), java);
      assertThat(out).as(input).isEqualTo("nothing more\n");
    }
  }

  @Test
  void onlyAServerGetsACollectorThatComputesBesideTheEngine() throws Exception {
    Path java = javaThatRuns("for a; do echo \"$a\"; done");
    for (String command : List.of("serve", "demo")) {
      String out = outputOf(new ProcessBuilder("/bin/sh", LAUNCHER, command), java);
      assertThat(out.lines().anyMatch("-XX:+UseZGC"::equals)).isEqualTo(command.equals("serve"));
    }
  }

  @Test
  void theLauncherTakesTheArchiveOfItsPackageAndStartsWithoutOne() throws Exception {
    Path launcher = launcherIn("a b");
    Path lib = Files.createDirectories(launcher.resolveSibling("../lib").normalize());
    assertThat(archives(launcher, "demo", "")).isEmpty();
    Path archive = Files.createFile(lib.resolve("orrery.jsa"));
    assertThat(archives(launcher, "demo", ""))
        .containsExactly("-XX:SharedArchiveFile=" + archive.toRealPath());
  }

  @Test
  void theLauncherNamesNoArchiveThatTheOptionsOfTheJvmDoNotFit() throws Exception {
    Path launcher = launcherIn("home");
    Files.createFile(
        Files.createDirectories(launcher.resolveSibling("../lib").normalize())
            .resolve("orrery.jsa"));
    assertThat(archives(launcher, "serve", "")).as("ZGC").isEmpty();
    assertThat(archives(launcher, "serve", "-XX:+UseG1GC")).hasSize(1);
    assertThat(archives(launcher, "demo", "-XX:+UseZGC")).isEmpty();
    assertThat(archives(launcher, "demo", "-XX:AOTCache=mine")).isEmpty();
    assertThat(archives(launcher, "demo", "-XX:SharedArchiveFile=mine"))
        .containsExactly("-XX:SharedArchiveFile=mine");
  }

  private Path launcherIn(String home) throws IOException {
    Path bin = Files.createDirectories(directory.resolve(home).resolve("bin"));
    return Files.copy(Path.of(LAUNCHER), bin.resolve("orrery"));
  }

  /** The archives that a launcher names to the JVM. */
  private List<String> archives(Path launcher, String command, String options) throws Exception {
    Path java = javaThatRuns("for a; do echo \"$a\"; done");
    ProcessBuilder builder = new ProcessBuilder("/bin/sh", launcher.toString(), command);
    builder.environment().put("ORRERY_JAVA_OPTS", options);
    return outputOf(builder, java)
        .lines()
        .filter(a -> a.startsWith("-XX:SharedArchiveFile="))
        .toList();
  }

  /** A program that the launcher takes for the java of a JDK 25. */
  private Path javaThatRuns(String script) throws IOException {
    Path jdk = directory.resolve("jdk");
    Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25.0.1\"\n");
    Files.writeString(java, "#!/bin/sh\n" + script + "\n");
    assertThat(java.toFile().setExecutable(true)).isTrue();
    return java;
  }

  private String outputOf(ProcessBuilder launcher, Path java) throws Exception {
    launcher.redirectError(err).environment().put("ORRERY_JAVA", java.toString());
    Process process = launcher.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(exitCode(process)).as("%s", errors()).isZero();
    return out;
  }

  @Test
  void outputThatNothingReadsEndsTheCommandWithOneLine() throws Exception {
    Process process =
        orrery("generate", "-m", SPECK.toString(), "--ids", "1", "-n", "200", "--ignore-eos")
            .start();
    process.getInputStream().close(); // as head does when it has its lines
    assertThat(exitCode(process)).isEqualTo(1);
    assertThat(errors())
        .singleElement()
        .asString()
        .startsWith("orrery generate: standard output: cannot be written: ");
  }

  @Test
  void progressIsLiveOnlyIfStandardErrorIsTheTerminal() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script"))); // runs a command in a terminal
    Path requests = Files.writeString(directory.resolve("in"), "{}\n");
    Path log = directory.resolve("log");
    ProcessBuilder builder = orrery("run-batch", "-m", SPECK.toString(), "-i", requests.toString());
    String command = "'" + String.join("' '", builder.command()) + "' -o /dev/null";
    builder.environment().put("TERM", "xterm");
    for (String where : new String[] {"", " 2>'" + log + "'"}) {
      Process process =
          builder.command("/usr/bin/script", "-qc", command + where, "/dev/null").start();
      process.getOutputStream().close();
      String shown = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      exitCode(process);
      assertThat(shown.contains("\u001b[K")).as(shown).isEqualTo(where.isEmpty());
    }
    assertThat(log).content().contains("requests  0 answered, 1 failed").doesNotContain("\u001b");
  }

  @Test
  void aHelpOnAFullDiskIsAFailure() throws Exception {
    assumeTrue(Files.exists(Path.of("/dev/full")));
    Process process = orrery("run-batch", "--help").redirectOutput(new File("/dev/full")).start();
    assertThat(exitCode(process)).isEqualTo(1);
    assertThat(errors())
        .singleElement()
        .asString()
        .startsWith("orrery: standard output: cannot be written: ");
  }

  private Path input(int lines) throws IOException {
    List<String> all = new ArrayList<>();
    for (int i = 0; i < lines; i++) {
      all.add(
          "{\"custom_id\":\"%d\",\"method\":\"POST\",\"url\":\"/v1/completions\",\"body\":{\"prompt\":[%d,2],\"max_tokens\":%d,\"ignore_eos\":true}}"
              .formatted(i, 1 + i % 90, 20 + i % 50));
    }
    return Files.write(directory.resolve("in.jsonl"), all);
  }

  private String[] batch(Path in, String out, String... flags) {
    List<String> args = new ArrayList<>(List.of("run-batch", "-m", SPECK.toString()));
    args.addAll(List.of("-i", in.toString(), "-o", out, "--kernels", "scalar")); // soon warm
    args.addAll(List.of(flags));
    return args.toArray(String[]::new);
  }

  @Test
  void answersGoToTheEndOfWhatStandardOutputHolds() throws Exception {
    assumeTrue(Files.exists(Path.of("/dev/stdout")));
    File log = Files.writeString(directory.resolve("log"), "precious\n").toFile();
    Process process =
        orrery(batch(input(3), "/dev/stdout"))
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log))
            .start();
    assertThat(exitCode(process)).as("%s", errors()).isZero();
    List<String> lines = Files.readAllLines(log.toPath());
    assertThat(lines).hasSize(4).startsWith("precious");
    assertThat(lines.getLast()).startsWith("{\"id\":\"batch_req_3\"");
  }

  @Test
  void aSignalKeepsWhatIsAnsweredAndAResumedRunEndsWithTheSameBytes() throws Exception {
    int lines = 800;
    Path in = input(lines);
    Path out = directory.resolve("out.jsonl");
    Path part = directory.resolve("out.jsonl.part");
    Path trace = directory.resolve("trace.jsonl");
    String[] slowly = {"--trace", trace.toString(), "--max-running-requests", "1"};
    Process process = orrery(batch(in, out.toString(), slowly)).start();
    while (process.isAlive() && (!Files.exists(part) || Files.size(part) < 10_000)) {
      TimeUnit.MILLISECONDS.sleep(5);
    }
    process.destroy(); // SIGTERM
    assertThat(exitCode(process)).isEqualTo(128 + 15);
    List<String> kept = Files.readAllLines(part);
    assertThat(kept).hasSizeBetween(20, lines - 1);
    assertThat(errors())
        .contains(
            part.toRealPath()
                + ": "
                + kept.size()
                + " of 800 lines are answered; the same command with --resume goes on after them")
        .endsWith("orrery run-batch: interrupted");
    assertThat(out).doesNotExist();
    assertThat(Files.readString(trace)).endsWith("}\n");

    assertThat(run(batch(in, out.toString(), "--resume"))).isZero();
    Path whole = directory.resolve("whole.jsonl");
    assertThat(run(batch(in, whole.toString()))).isZero();
    assertThat(out).hasSameBinaryContentAs(whole);
    assertThat(part).doesNotExist();
    assertThat(run("trace-svg", trace.toString(), directory.resolve("t.svg").toString())).isZero();
  }

  private static int run(String... args) {
    var nothing = new java.io.PrintWriter(java.io.Writer.nullWriter());
    return Main.run(nothing, nothing, args);
  }
}
