package orrery.docs;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.engine.support.descriptor.MethodSource;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs some test methods in a JVM of its own and writes down which of them are red, as {@code mvn
 * test -Dtest=...} would, but without Maven. {@link Workbench} starts it.
 */
final class RedTests {
  private RedTests() {}

  /** Remembers the messages of tests that failed, and the names of tests that ran. */
  private static final class Listener implements TestExecutionListener {
    final TreeMap<String, String> red = new TreeMap<>(); // Class.method to its messages
    final TreeSet<String> ran = new TreeSet<>(); // Class.method

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      test.getSource()
          .filter(source -> source instanceof MethodSource)
          .map(source -> name((MethodSource) source))
          .ifPresent(
              method -> {
                if (test.isTest()) {
                  ran.add(method);
                }
                result.getThrowable().ifPresent(t -> red.merge(method, t + "\n", String::concat));
              });
    }
  }

  /**
   * Writes the methods that ran as {@code Class.method}, one a line, a blank line, and for each red
   * one its name and its messages on one line.
   *
   * @param args the file to write, then {@code class#method} or {@code class} of each, the class
   *     with its package
   */
  public static void main(String[] args) throws IOException, ClassNotFoundException {
    List<DiscoverySelector> selectors = new ArrayList<>();
    for (String test : Arrays.asList(args).subList(1, args.length)) {
      String[] parts = test.split("#", 2);
      Class<?> type = Class.forName(parts[0]);
      selectors.add(
          parts.length == 1
              ? DiscoverySelectors.selectClass(type)
              : DiscoverySelectors.selectMethod(type, method(type, parts[1])));
    }
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request().selectors(selectors).build();
    Listener listener = new Listener();
    LauncherFactory.create().execute(request, listener);
    List<String> lines = new ArrayList<>(listener.ran);
    lines.add("");
    listener.red.forEach((name, text) -> lines.add(name + " " + text.replaceAll("\\s+", " ")));
    Files.write(Path.of(args[0]), lines);
  }

  /** {@code Class.method} without the package, as the docs write it. */
  private static String name(MethodSource source) {
    String type = source.getClassName();
    return type.substring(type.lastIndexOf('.') + 1) + "." + source.getMethodName();
  }

  /** A method by its name, also one that the class inherits from a contract. */
  private static Method method(Class<?> type, String name) {
    for (Class<?> c = type; c != null; c = c.getSuperclass()) {
      for (Method m : c.getDeclaredMethods()) {
        if (m.getName().equals(name)) {
          return m;
        }
      }
    }
    throw new IllegalArgumentException(type.getName() + " has no method " + name);
  }
}
