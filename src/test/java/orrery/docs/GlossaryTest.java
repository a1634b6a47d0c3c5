package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The glossary has every term once, and names places that exist. */
class GlossaryTest {
  private static final Pattern ROW = Pattern.compile("\\| ([^|]+) \\| .+ \\| (.+) \\|");
  private static final Pattern NAME = Pattern.compile("`([^`]+)`");
  private static final int HEADING = 2; // lines of the table

  private static List<String> rows() throws IOException {
    List<String> lines = Files.readAllLines(Path.of("docs/glossary.md"));
    return lines.stream().filter(line -> line.startsWith("|")).skip(HEADING).toList();
  }

  private static Matcher row(String line) {
    Matcher row = ROW.matcher(line);
    assertThat(row.matches()).as(line).isTrue();
    return row;
  }

  @Test
  void everyTermStandsOnceAndInOrder() throws IOException {
    List<String> terms = new ArrayList<>();
    for (String line : rows()) {
      terms.add(row(line).group(1));
    }
    assertThat(terms).hasSizeGreaterThan(80).doesNotHaveDuplicates();
    assertThat(terms).isSortedAccordingTo(String.CASE_INSENSITIVE_ORDER);
  }

  @Test
  void everyClassAndMemberThatItNamesExists() throws IOException {
    List<String> missing = new ArrayList<>();
    for (String line : rows()) {
      List<String> names = NAME.matcher(row(line).group(2)).results().map(m -> m.group(1)).toList();
      assertThat(names).as("places of the term in: %s", line).isNotEmpty();
      names.stream().filter(name -> !exists(name)).forEach(missing::add);
    }
    assertThat(missing).as("names in docs/glossary.md that nothing has").isEmpty();
  }

  /** A file of the models, or {@code package.Class}, or {@code package.Class.member}. */
  private static boolean exists(String name) {
    if (name.startsWith("tiny-models/")) {
      return Files.exists(Path.of(name.replace("speck-*", "speck-mtp")));
    }
    if (found(name) != null) {
      return true;
    }
    int dot = name.lastIndexOf('.');
    Class<?> owner = found(name.substring(0, dot));
    String member = name.substring(dot + 1);
    return owner != null
        && Stream.of(
                Arrays.stream(owner.getDeclaredMethods()).map(Method::getName),
                Arrays.stream(owner.getDeclaredFields()).map(Field::getName),
                Arrays.stream(owner.getDeclaredClasses()).map(Class::getSimpleName))
            .flatMap(names -> names)
            .anyMatch(member::equals);
  }

  private static Class<?> found(String name) {
    try {
      return Class.forName("orrery." + name, false, GlossaryTest.class.getClassLoader());
    } catch (ClassNotFoundException e) {
      return null;
    }
  }
}
