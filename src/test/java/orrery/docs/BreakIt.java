package orrery.docs;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orrery.docs.Page.Block;
import orrery.docs.Workbench.Outcome;

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

  /**
   * Reads the three blocks.
   *
   * @throws IllegalArgumentException if the diff is not followed by a command and by messages
   */
  static BreakIt parse(Block diff, Block command, Block messages) {
    List<String> tests = tests(command);
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

  /**
   * Reads a command that runs some tests.
   *
   * @return {@code Class#method}, or {@code Class} for all its methods
   * @throws IllegalArgumentException if the block is another command
   */
  static List<String> tests(Block command) {
    Matcher m = COMMAND.matcher(command.text().strip());
    if (!m.matches()) {
      throw new IllegalArgumentException(
          command + ": expected mvn -q test -Dtest=Class#method, found " + command.text());
    }
    List<String> tests = new ArrayList<>();
    for (String one : m.group(1).split(",")) {
      String[] parts = one.split("#");
      if (parts.length == 1) {
        tests.add(one);
      } else {
        Arrays.stream(parts[1].split("\\+"))
            .map(method -> parts[0] + "#" + method)
            .forEach(tests::add);
      }
    }
    return tests;
  }

  /** What the command runs, as {@code Class.method} without packages. */
  List<String> names() {
    return tests.stream()
        .map(t -> t.substring(t.lastIndexOf('.', t.indexOf('#')) + 1).replace('#', '.'))
        .toList();
  }

  /** Edits a copy, compiles it and runs the tests with it, in a JVM of their own. */
  Outcome run(Path directory) throws IOException, InterruptedException {
    return new Workbench(List.of(edit), false, tests).run(directory);
  }
}
