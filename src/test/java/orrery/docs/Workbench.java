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
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * Applies edits to a copy of the sources, compiles the copy, and runs tests with it in a JVM of
 * their own. The sources and classes of the build stay as they are.
 *
 * @param edits of different files
 * @param everything whether all sources are compiled, not only the edited ones: an edit can break
 *     another file
 * @param tests as {@code Class#method}, or {@code Class} for all its methods; the class with or
 *     without its package
 */
record Workbench(List<Edit> edits, boolean everything, List<String> tests) {
  private static final Path MAIN = Path.of("src", "main", "java");
  private static final Path TEST = Path.of("src", "test", "java");
  private static final Path MAIN_CLASSES = Path.of("target", "classes");
  private static final Path TEST_CLASSES = Path.of("target", "test-classes");
  private static final int SECONDS = 900; // a run that an edit makes hang is stopped

  /**
   * The result of a run.
   *
   * @param ran {@code Class.method} of the tests that ran
   * @param red messages by {@code Class.method}
   */
  record Outcome(List<String> ran, Map<String, String> red) {}

  /**
   * Runs the tests.
   *
   * @param directory an empty one, for the copy
   * @throws IOException if an edit does not apply or compile, or if the JVM gives no result
   */
  Outcome run(Path directory) throws IOException, InterruptedException {
    Path main = compiled(directory.resolve("main"), MAIN, MAIN_CLASSES, MAIN_CLASSES);
    Path test = compiled(directory.resolve("test"), TEST, TEST_CLASSES, main);
    Path result = directory.resolve("result");
    Path log = directory.resolve("log");
    String javaHome = System.getProperty("java.home");
    List<String> command = new ArrayList<>(List.of(Path.of(javaHome, "bin", "java").toString()));
    command.addAll(List.of("--add-modules=jdk.incubator.vector", "-ea", "-Xmx1g"));
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC"));
    command.addAll(List.of("-cp", classPath(main, test)));
    command.addAll(List.of(RedTests.class.getName(), result.toString()));
    for (String one : tests) {
      String[] parts = one.split("#", 2);
      parts[0] = named(parts[0], test);
      command.add(String.join("#", parts));
    }
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("still running after " + SECONDS + " s");
      }
    } finally {
      process.destroyForcibly();
    }
    if (!Files.exists(result)) {
      throw new IOException("no result; the JVM said " + Files.readString(log));
    }
    List<String> lines = Files.readAllLines(result);
    int blank = lines.indexOf("");
    Map<String, String> messages = new TreeMap<>();
    for (String line : lines.subList(blank + 1, lines.size())) {
      messages.put(line.substring(0, line.indexOf(' ')), line.substring(line.indexOf(' ') + 1));
    }
    return new Outcome(lines.subList(0, blank), messages);
  }

  /** The outcome of a run on another thread; throws what the run threw. */
  static Outcome of(Future<Outcome> outcome) throws Throwable {
    try {
      return outcome.get();
    } catch (ExecutionException e) {
      throw e.getCause();
    }
  }

  /**
   * Compiles the sources of one tree with its edits.
   *
   * @param main classes of the engine, for the tests
   * @return the classes, which are those of the build if there is nothing to compile
   */
  private Path compiled(Path directory, Path sources, Path original, Path main) throws IOException {
    List<Path> files = new ArrayList<>();
    List<Path> edited = new ArrayList<>();
    for (Edit edit : edits) {
      if (edit.file().startsWith(sources)) {
        Path copy = directory.resolve(sources.relativize(edit.file()).toString());
        Files.createDirectories(copy.getParent());
        files.add(Files.write(copy, edit.applied()));
        edited.add(edit.file());
      }
    }
    if (everything) {
      try (Stream<Path> all = Files.walk(sources)) {
        all.filter(f -> f.toString().endsWith(".java") && !edited.contains(f)).forEach(files::add);
      }
    }
    if (files.isEmpty()) {
      return original;
    }
    Path classes = directory.resolve("classes");
    copy(original, classes);
    compile(
        files,
        classes,
        sources.equals(MAIN) ? classPath(classes, TEST_CLASSES) : classPath(main, classes));
    return classes;
  }

  private static void compile(List<Path> files, Path classes, String classPath) throws IOException {
    JavaCompiler javac = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    List<String> options = new ArrayList<>(List.of("--add-modules=jdk.incubator.vector"));
    options.addAll(List.of("-proc:none", "-parameters", "-nowarn"));
    options.addAll(List.of("-d", classes.toString(), "-cp", classPath));
    try (StandardJavaFileManager manager = javac.getStandardFileManager(null, null, null)) {
      Iterable<? extends javax.tools.JavaFileObject> sources =
          manager.getJavaFileObjectsFromPaths(files);
      if (!javac.getTask(said, manager, null, options, null, sources).call()) {
        throw new IOException("the edits do not compile: " + said);
      }
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> all = Files.walk(from)) {
      for (Path path : all.toList()) { // a directory before what is in it
        Files.copy(path, to.resolve(from.relativize(path).toString()));
      }
    }
  }

  /** The class path of this JVM, with other classes in the place of the build's. */
  private static String classPath(Path main, Path test) {
    String own =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    return Arrays.stream(own.split(File.pathSeparator))
        .map(entry -> Path.of(entry).toAbsolutePath())
        .map(
            entry ->
                entry.equals(MAIN_CLASSES.toAbsolutePath())
                    ? main
                    : entry.equals(TEST_CLASSES.toAbsolutePath()) ? test : entry)
        .map(Path::toString)
        .collect(Collectors.joining(File.pathSeparator));
  }

  /** The full name of a test class; if the test gives no package, the file of the class does. */
  private static String named(String name, Path classes) throws IOException {
    if (name.contains(".")) {
      return name;
    }
    try (Stream<Path> files = Files.walk(classes)) {
      List<Path> found = files.filter(f -> f.endsWith(name + ".class")).toList();
      if (found.size() != 1) {
        throw new IOException(name + ": expected one test class, found " + found);
      }
      String file = classes.relativize(found.getFirst()).toString();
      return file.replace(".class", "").replace(File.separatorChar, '.');
    }
  }
}
