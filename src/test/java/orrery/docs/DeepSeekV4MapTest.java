package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The places and tests that the map of DeepSeek-V4 and its chapters name exist. */
class DeepSeekV4MapTest {
  private static final Path DOCS = Path.of("docs");
  private static final Pattern PLACE = Pattern.compile("\\[`([\\w.]+)`]\\((\\S+\\.java)\\)");
  private static final Pattern TEST = Pattern.compile("`(\\w+(?:Test|Contract))\\.(\\w+)`");

  private static String pages;

  @BeforeAll
  static void read() throws IOException {
    StringBuilder all = new StringBuilder();
    for (String page : List.of("deepseek-v4-map.md", "hybrid-attention.md", "hybrid-kv-cache.md")) {
      all.append(Files.readString(DOCS.resolve(page)));
    }
    pages = all.toString();
  }

  @Test
  void everyPlaceIsAFileWithTheMethodThatIsNamed() throws IOException {
    Matcher place = PLACE.matcher(pages);
    int found = 0;
    while (place.find()) {
      Path file = DOCS.resolve(place.group(2));
      assertThat(file).exists();
      String[] name = place.group(1).split("\\.");
      assertThat(file.getFileName()).hasToString(name[0] + ".java");
      if (name.length > 1) {
        assertThat(Files.readString(file)).as(place.group()).contains(" " + name[1] + "(");
      }
      found++;
    }
    assertThat(found).isGreaterThan(60);
  }

  @Test
  void everyTestIsOneThatRuns() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(Path.of("src", "test", "java"))) {
      files = all.collect(Collectors.toList());
    }
    Matcher test = TEST.matcher(pages);
    int found = 0;
    while (test.find()) {
      String file = test.group(1) + ".java";
      List<Path> named =
          files.stream().filter(f -> f.getFileName().toString().equals(file)).toList();
      assertThat(named).as(test.group()).hasSize(1);
      String text = Files.readString(named.getFirst());
      assertThat(text).as(test.group()).contains("void " + test.group(2) + "(");
      found++;
    }
    assertThat(found).isGreaterThan(40);
  }
}
