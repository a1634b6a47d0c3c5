package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import orrery.ArchitectureRules;

/** The page of the house, its picture and the README's list agree with the plan and the sources. */
class HouseTest {
  private static final Path SOURCES = Path.of("src/main/java/orrery");
  private static final Path HOUSE = Path.of("docs/house.md");
  private static final int MOST_LINES = 4_000; // of code, for one evening
  private static final Pattern FILE = Pattern.compile("\\(\\.\\./(src/[^)]*\\.java)\\)");
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/|//[^\n]*", Pattern.DOTALL);

  /** The packages that exist, the highest first, without the packages inside a package. */
  private static List<String> packages() {
    return ArchitectureRules.rooms().reversed().stream()
        .filter(room -> !room.contains("."))
        .filter(room -> Files.isDirectory(SOURCES.resolve(room)))
        .toList();
  }

  private static List<String> found(String pattern, String text) {
    return Pattern.compile(pattern).matcher(text).results().map(m -> m.group(1)).toList();
  }

  @Test
  void thePictureShowsThePackagesInTheOrderOfThePlan() throws IOException {
    String svg = Files.readString(Path.of("docs/images/house.svg"));
    assertThat(found("font-weight=\"600\" font-family=\"ui-mono[^>]*>(\\w+)<", svg))
        .isEqualTo(packages());
  }

  @Test
  void theReadmeListsThePackagesInTheOrderOfThePlan() throws IOException {
    assertThat(found("(?m)^  ([a-z]+)  .*\\d$", Files.readString(Path.of("README.md"))))
        .isEqualTo(packages());
  }

  @Test
  void everyFileAndPackageThatThePageNamesExists() throws IOException {
    List<String> links = found("\\]\\(([^)#]+)[^)]*\\)", Files.readString(HOUSE));
    assertThat(links).hasSizeGreaterThan(70);
    assertThat(links).allMatch(link -> Files.exists(HOUSE.resolveSibling(link)));
  }

  @Test
  void everyTestThatThePageNamesExists() throws IOException {
    Set<String> tests;
    try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
      tests = files.map(p -> p.getFileName().toString()).collect(Collectors.toSet());
    }
    List<String> named = found("`(\\w+(?:Test|Contract))`", Files.readString(HOUSE));
    assertThat(named).hasSizeGreaterThan(15);
    assertThat(named).allMatch(name -> tests.contains(name + ".java"));
  }

  @Test
  void anEveningsReadingHasAtMost4000LinesOfCode() throws IOException {
    String page = Files.readString(HOUSE);
    String evening = page.substring(page.indexOf("## An evening's reading"));
    Set<String> files = new LinkedHashSet<>();
    FILE.matcher(evening).results().map(MatchResult::group).forEach(files::add);
    long lines = 0;
    for (String link : files) {
      lines += linesOfCode(Files.readString(Path.of(link.substring(4, link.length() - 1))));
    }
    assertThat(files).hasSizeGreaterThan(50);
    assertThat(lines).isBetween(2_000L, (long) MOST_LINES);
  }

  @Test
  void commentsBlankLinesAndImportsAreNoCode() {
    String source =
        """
        package a;

        import b.C;

        /**
         * A class.
         */
        class D { // one
          /* two */ int e; // three

          // four
        }
        """;
    assertThat(linesOfCode(source)).isEqualTo(3);
  }

  private static long linesOfCode(String source) {
    return COMMENT
        .matcher(source)
        .replaceAll("")
        .lines()
        .filter(line -> !line.isBlank())
        .filter(line -> !line.startsWith("import ") && !line.startsWith("package "))
        .count();
  }
}
