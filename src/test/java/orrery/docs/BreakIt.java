package orrery.docs;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import orrery.docs.Page.Block;

/**
 * A "break it" of a chapter: an edit as a diff, the command that runs some tests, and the messages
 * of the tests that go red.
 *
 * @param where the diff stands
 * @param tests what the command runs, as {@code Class#method}, the class as the command has it
 * @param red messages by {@code Class.method}; other tests of the command stay green
 */
record BreakIt(Block where, Edit edit, List<String> tests, Map<String, String> red) {
  private static final Pattern COMMAND = Pattern.compile("mvn -q test -Dtest='?([^' ]+)'?");
  private static final Pattern RED = Pattern.compile("([\\w$]+\\.\\w+):(.*)");
  private static final Path TEST_CLASSES = Path.of("target", "test-classes");
  private static final int SECONDS = 180; // a run that an edit makes hang is stopped

  /**
   * The result of a run.
   *
   * @param ran {@code Class.method} of the tests that ran
   * @param red messages by {@code Class.method}
   */
  record Outcome(List<String> ran, Map<String, String> red) {}

  /**
   * Reads the three blocks.
   *
   * @throws IllegalArgumentException if the diff is not followed by a command and by messages
   */
  static BreakIt parse(Block diff, Block command, Block messages) {
    Matcher m = COMMAND.matcher(command.text().strip());
    if (!m.matches()) {
      throw new IllegalArgumentException(
          command + ": expected mvn -q test -Dtest=Class#method, found " + command.text());
    }
    List<String> tests = new ArrayList<>();
    for (String one : m.group(1).split(",")) {
      String[] parts = one.split("#");
      Arrays.stream(parts[1].split("\\+"))
          .map(method -> parts[0] + "#" + method)
          .forEach(tests::add);
    }
    Map<String, String> red = new TreeMap<>();
    String last = null;
    for (String line : messages.lines()) {
      Matcher r = RED.matcher(line);
      if (r.matches()) {
        last = r.group(1);
        red.put(last, r.group(2).strip());
      } else if (last == null) {
        throw new IllegalArgumentException(messages + ": expected Class.method: message");
      } else {
        red.merge(last, line.strip(), (a, b) -> (a + " " + b).strip());
      }
    }
    return new BreakIt(diff, Edit.parse(diff.lines()), tests, red);
  }

  /** What the command runs, as {@code Class.method} without packages. */
  List<String> names() {
    return tests.stream()
        .map(t -> t.substring(t.lastIndexOf('.', t.indexOf('#')) + 1).replace('#', '.'))
        .toList();
  }

  /** Edits a copy, compiles it and runs the tests with it, in a JVM of their own. */
  Outcome run(Path directory) throws IOException, InterruptedException {
    Path classes = compile(directory);
    Path result = directory.resolve("result");
    Path log = directory.resolve("log");
    String javaHome = System.getProperty("java.home");
    List<String> command = new ArrayList<>(List.of(Path.of(javaHome, "bin", "java").toString()));
    command.addAll(List.of("--add-modules=jdk.incubator.vector", "-ea", "-Xmx1g"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", classPath(classes)));
    command.addAll(List.of(RedTests.class.getName(), result.toString()));
    for (String test : tests) {
      command.add(named(test.substring(0, test.indexOf('#'))) + test.substring(test.indexOf('#')));
    }
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException(where + ": still running after " + SECONDS + " s");
      }
    } finally {
      process.destroyForcibly();
    }
    if (!Files.exists(result)) {
      throw new IOException(where + ": no result; the JVM said " + Files.readString(log));
    }
    List<String> lines = Files.readAllLines(result);
    int blank = lines.indexOf("");
    Map<String, String> messages = new TreeMap<>();
    for (String line : lines.subList(blank + 1, lines.size())) {
      messages.put(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' ') + 1));
    }
    return new Outcome(lines.subList(0, blank), messages);
  }

  private Path compile(Path directory) throws IOException {
    Path source = directory.resolve(edit.file().getFileName());
    Files.write(source, edit.apply(Files.readAllLines(edit.file())));
    Path classes = directory.resolve("classes");
    copy(replaced(), classes);
    JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    List<String> options =
        List.of(
            "--add-modules=jdk.incubator.vector",
            "-proc:none",
            "-parameters",
            "-nowarn",
            "-d",
            classes.toString(),
            "-cp",
            classPath(classes));
    try (StandardJavaFileManager files = javac.getStandardFileManager(null, null, null)) {
      boolean compiled =
          javac.getTask(said, files, null, options, null, files.getJavaFileObjects(source)).call();
      if (!compiled) {
        throw new IOException(where + ": the edit does not compile: " + said);
      }
    }
    return classes;
  }

  /** The classes of which an edited copy is made. */
  private Path replaced() {
    boolean test = edit.file().startsWith(Path.of("src", "test"));
    return test ? TEST_CLASSES : Path.of("target", "classes");
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) { // a directory before what is in it
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  /** The class path of this JVM, with the edited copy in the place of the original classes. */
  private String classPath(Path copy) {
    String own =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String original = replaced().toAbsolutePath().toString();
    return Arrays.stream(own.split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath().toString())
        .map(entry -> entry.equals(original) ? copy.toString() : entry)
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The full name of a test class; if the command gives no package, the file of the class does. */
  private static String named(String simpleName) throws IOException {
    if (simpleName.contains(".")) {
      return simpleName;
    }
    try (Stream<Path> files = Files.walk(TEST_CLASSES)) {
      List<Path> found = files.filter(f -> f.endsWith(simpleName + ".class")).toList();
      if (found.size() != 1) {
        throw new IOException(simpleName + ": expected one test class, found " + found);
      }
      String file = TEST_CLASSES.relativize(found.getFirst()).toString();
      return file.replace(".class", "").replace(File.separatorChar, '.');
    }
  }
}
