package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The archive of classes of a package: written by its script, taken by its launcher, and ignored
 * without a word when it does not fit.
 */
class ArchiveTest {
  private static final String MODEL = "tiny-models/storyteller-moe";

  @TempDir Path directory;
  private Path home; // has a space in its name

  /** A package as the assembly makes it, of the classes under test. */
  @BeforeEach
  void assemble() throws IOException {
    assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
    home = directory.resolve("a b");
    Path lib = Files.createDirectories(home.resolve("lib"));
    Path launcher = Files.createDirectories(home.resolve("bin")).resolve("orrery");
    Files.copy(Path.of("src/assembly/orrery.sh"), launcher);
    assertThat(launcher.toFile().setExecutable(true)).isTrue();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path from = Path.of(entry);
      boolean needed =
          Stream.of("picocli", "jackson-core", "tokenizers", "api-", "jna", "slf4j", "gson")
              .anyMatch(from.getFileName().toString()::startsWith);
      if (needed) {
        Files.copy(from, lib.resolve(from.getFileName()));
      } else if (Files.isDirectory(from) && Files.exists(from.resolve("orrery/cli/Main.class"))) {
        pack(from, lib.resolve("orrery.jar"));
      }
    }
  }

  private static void pack(Path classes, Path jar) throws IOException {
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar));
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        out.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
        Files.copy(file, out);
      }
    }
  }

  private record Run(int code, String out, List<String> err) {}

  private Run run(String javaOptions, String... command) throws Exception {
    File err = home.resolve("err").toFile();
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(err);
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    builder.environment().put("ORRERY_JAVA", java);
    builder.environment().put("ORRERY_JAVA_OPTS", javaOptions);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
    return new Run(process.exitValue(), out, Files.readAllLines(err.toPath()));
  }

  private Run generate(String javaOptions) throws Exception {
    String launcher = home.resolve("bin/orrery").toString();
    return run(javaOptions, launcher, "generate", "-m", MODEL, "-p", "Once upon", "-n", "3");
  }

  private long fromArchive() throws Exception {
    return shared("] orrery.", "");
  }

  /** How many classes of a name come from an archive when a JVM has these options. */
  private long shared(String name, String javaOptions) throws Exception {
    Path log = directory.resolve("classes");
    Run run = generate("-Xlog:class+load:file=" + log + " " + javaOptions);
    assertThat(run.code()).as("%s", run.err()).isZero();
    try (Stream<String> lines = Files.lines(log)) {
      return lines.filter(l -> l.contains(name) && l.contains("shared objects")).count();
    }
  }

  private Run writeArchive() throws Exception {
    return run("", "/bin/sh", "src/assembly/archive.sh", home.toString(), MODEL);
  }

  @Test
  void anArchiveIsTakenAndOneThatDoesNotFitIsIgnoredWithoutAWord() throws Exception {
    Run without = generate("");
    assertThat(without.code()).as("%s", without.err()).isZero();
    assertThat(fromArchive()).isZero();

    Run script = writeArchive();
    assertThat(script.out()).isEmpty();
    assertThat(fromArchive()).isGreaterThan(200);
    assertThat(silent(generate(""))).isEqualTo(silent(without));

    Path archive = home.resolve("lib/orrery.jsa");
    Files.setLastModifiedTime(home.resolve("lib/orrery.jar"), FileTime.fromMillis(0));
    assertThat(fromArchive()).isZero(); // of another build
    assertThat(silent(generate(""))).isEqualTo(silent(without));

    Files.writeString(archive, "no archive");
    assertThat(fromArchive()).isZero();
    assertThat(silent(generate(""))).isEqualTo(silent(without));
  }

  /** ZGC has no compressed pointers, and refuses all of an archive that has. */
  @Test
  void aCollectorThatTheArchiveDoesNotFitSharesTheClassesOfTheJdk() throws Exception {
    long jdk = shared("] java.", "-XX:+UseZGC");
    writeArchive();
    assertThat(shared("] java.", "-XX:+UseZGC")).isEqualTo(jdk).isGreaterThan(200);
    assertThat(shared("] orrery.", "-XX:+UseZGC")).isZero();
  }

  /** All that was said, without figures of time. */
  private static List<String> silent(Run run) {
    assertThat(run.code()).as("%s", run.err()).isZero();
    return Stream.concat(run.out().lines(), run.err().stream())
        .map(line -> line.replaceAll("[0-9]+ (ms|tok/s)", "…"))
        .toList();
  }

  @Test
  void aPackageThatCannotRunGetsNoArchiveAndFailsNoBuild() throws Exception {
    Files.delete(home.resolve("lib/orrery.jar"));
    Run script = writeArchive();
    assertThat(script.code()).isZero();
    assertThat(script.out()).contains("no class archive could be written");
    assertThat(home.resolve("lib/orrery.jsa")).doesNotExist();
  }
}
