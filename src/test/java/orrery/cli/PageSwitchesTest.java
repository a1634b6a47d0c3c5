package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import orrery.engine.EngineOptions;

/** The switches that the X-ray page offers to try are switches that an engine takes. */
class PageSwitchesTest {
  private static final Path FILE = Path.of("src/main/resources/orrery/xray/views/engine.js");

  @Test
  void everySwitchToTryIsTakenByARestartAndChangesTheEngine() throws IOException {
    String script = Files.readString(FILE);
    String tries = script.substring(script.indexOf("const TRIES"), script.indexOf("];"));
    List<EngineOptions> engines = new ArrayList<>();
    Pattern.compile("\\{([^}]*)\\}")
        .matcher(tries)
        .results()
        .forEach(
            change -> {
              List<String> words = // null takes a flag away
                  Pattern.compile("\"(--[^\"]+)\": \"([^\"]+)\"")
                      .matcher(change.group(1))
                      .results()
                      .flatMap(pair -> Stream.of(pair.group(1), pair.group(2)))
                      .toList();
              engines.add(RestartFlags.read(words.toArray(String[]::new)));
            });
    assertThat(engines).hasSizeGreaterThan(4).doesNotHaveDuplicates();
    // Drafts are off by default, and the page says "no drafts" to an engine that has them.
    assertThat(engines.stream().filter(EngineOptions.defaults()::equals)).hasSizeLessThan(2);
  }
}
