package orrery.xray;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import orrery.batching.StepPlan.Stop;
import orrery.events.Event.Origin;

/** The files of the page's pictures: they name what is there, and their colours can be read. */
class PicturesTest {
  private static final Path PAGE = Path.of("src/main/resources/orrery/xray");
  private static final Path DOCS = Path.of("docs");
  private static final int REQUEST_COLOURS = 7;

  private static String file(String name) {
    try {
      return Files.readString(PAGE.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The first groups of all matches. */
  private static Set<String> all(String regex, String text) {
    return Pattern.compile(regex)
        .matcher(text)
        .results()
        .map(m -> m.group(1))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** All scripts of a directory, one behind the other. */
  private static String scripts(String directory) {
    try (Stream<Path> files = Files.list(PAGE.resolve(directory))) {
      return files
          .filter(f -> f.toString().endsWith(".js"))
          .sorted()
          .map(f -> file(PAGE.relativize(f).toString()))
          .collect(Collectors.joining());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void everyCheckThatStopsAdmissionHasWords() {
    String words = file("views/words.js");
    String stops = words.substring(words.indexOf("const STOPS"), words.indexOf("const stopOf"));
    assertThat(all("(?m)^  ([A-Z_]+): \\{", stops)).isEqualTo(names(Stop.values()));
  }

  @Test
  void everyOriginOfATokenHasWordsAndALookOfItsOwn() {
    String words = file("views/words.js");
    String origins = words.substring(words.indexOf("const ORIGINS"), words.indexOf("const KINDS"));
    assertThat(all("(?m)^  ([A-Z]+): \\{", origins)).isEqualTo(names(Origin.values()));
    Set<String> drawn = all("\\.token\\[data-origin=\"([A-Z]+)\"\\]", file("views.css"));
    drawn.add(Origin.PLAIN.name()); // the look of any text
    assertThat(drawn).isEqualTo(names(Origin.values()));
  }

  @Test
  void everyReasonToSettleAStepFirstHasWords() throws Exception {
    Object[] reasons = Class.forName("orrery.engine.SettledFirst").getEnumConstants();
    String step = file("views/step.js");
    String words = step.substring(step.indexOf("const SETTLED_FIRST"));
    assertThat(all("(?m)^  ([A-Z_]+): \"", words.substring(0, words.indexOf("};"))))
        .isEqualTo(names((Enum<?>[]) reasons));
  }

  private static Set<String> names(Enum<?>[] values) {
    return Arrays.stream(values).map(Enum::name).collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void everyKindOfEventThatTheStateMarksHasASignAndASentence() {
    Set<String> marked = all("mark\\(state, \"([a-zA-Z]+)\"", file("rules.js"));
    assertThat(marked).contains("hit", "retracted", "rejectedDraft", "tombstone");
    String words = file("views/words.js");
    String kinds = words.substring(words.indexOf("const KINDS"));
    assertThat(all("(?m)^  ([a-zA-Z]+): \\{ sign", kinds)).containsAll(marked);
    assertThat(all("case \"([a-zA-Z]+)\":", words)).containsAll(marked);
  }

  @Test
  void everySignOfTheTimeBarIsExplainedInTheHelp() {
    String bar = file("views/timebar.js");
    String shown =
        bar.substring(bar.indexOf("const SHOWN"), bar.indexOf("];", bar.indexOf("const SHOWN")));
    String words = file("views/words.js");
    String help = file("index.html");
    for (String kind : all("\"([a-zA-Z]+)\"", shown)) {
      String title =
          all(kind + ": \\{ sign: \"[^\"]+\", title: \"([^\"]+)\"", words).iterator().next();
      assertThat(all("<li><b>[^<]</b> ([^<]+)</li>", help)).as(kind).contains(title);
    }
  }

  @Test
  void everyChapterThatThePageNamesExists() {
    Set<String> chapters = all("/docs/([a-z0-9-]+\\.md)", file("index.html"));
    assertThat(chapters).hasSizeGreaterThan(6);
    assertThat(chapters).allMatch(name -> Files.exists(DOCS.resolve(name)));
  }

  @Test
  void everyPictureHasOneSentenceThatSaysWhatToLookFor() {
    String html = file("index.html");
    List<String> cards = new ArrayList<>();
    for (String section : html.split("<section ")) {
      if (section.contains("<h2>")) {
        cards.add(section);
        assertThat(all("<p class=\"look\">([^<]+)</p>", section)).as(section).hasSize(1);
        assertThat(section).contains("href=\"/docs/");
      }
    }
    assertThat(cards).hasSize(7);
  }

  @Test
  void everyPlaceThatAScriptAsksForIsOnThePage() {
    String html = file("index.html");
    Set<String> places = all("getElementById\\(\"([a-z-]+)\"\\)", scripts("views"));
    assertThat(all(" id=\"([a-z-]+)\"", html)).containsAll(places);
    Set<String> lessons = all("section: \"([a-z]+)\"", file("views/guide.js"));
    assertThat(all("<section id=\"([a-z]+)\"", html)).containsAll(lessons);
    String page = file("views/page.js");
    String views = page.substring(page.indexOf("const VIEWS"), page.indexOf("};"));
    assertThat(all(" data-view=\"([a-z]+)\"", html)).isEqualTo(all("([a-z]+): [a-z]+View", views));
  }

  /** The colours of a theme: the dark one changes some of the light one's. */
  private static Map<String, double[]> colours(String theme) {
    String css = file("style.css");
    Map<String, double[]> colours = new HashMap<>();
    for (String selector :
        theme.equals("dark") ? List.of(":root {", "[data-theme=\"dark\"] {") : List.of(":root {")) {
      int from = css.indexOf(selector);
      Pattern.compile("--([\\w-]+): (#[0-9a-f]{6})")
          .matcher(css.substring(from, css.indexOf("\n}", from)))
          .results()
          .forEach((MatchResult m) -> colours.put(m.group(1), linear(m.group(2))));
    }
    return colours;
  }

  /** Red, green and blue of a colour, as light: the inverse of sRGB's curve. */
  private static double[] linear(String hex) {
    double[] rgb = new double[3];
    for (int i = 0; i < 3; i++) {
      double v = Integer.parseInt(hex.substring(1 + 2 * i, 3 + 2 * i), 16) / 255.0;
      rgb[i] = v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
    }
    return rgb;
  }

  /** The contrast of two colours as WCAG 2.2 defines it: 1 to 21. */
  private static double contrast(double[] a, double[] b) {
    double one = 0.2126 * a[0] + 0.7152 * a[1] + 0.0722 * a[2] + 0.05;
    double other = 0.2126 * b[0] + 0.7152 * b[1] + 0.0722 * b[2] + 0.05;
    return Math.max(one, other) / Math.min(one, other);
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void lettersHaveTheContrastThatWcagAsksFor(String theme) {
    Map<String, double[]> colours = colours(theme);
    for (String letters : List.of("ink", "dim", "brass", "bad", "good")) {
      for (String ground : List.of("card", "bg", "well")) {
        assertThat(contrast(colours.get(letters), colours.get(ground)))
            .as("%s on %s, %s", letters, ground, theme)
            .isGreaterThan(4.5);
      }
    }
    for (int i = 0; i < REQUEST_COLOURS; i++) {
      assertThat(contrast(colours.get("i" + i), colours.get("c" + i)))
          .as("number of colour %d, %s", i, theme)
          .isGreaterThan(4.5);
    }
  }

  /** What an eye without red or without green cones sees: Viénot, Brettel, Mollon 1999. */
  private static final Map<String, double[][]> EYES =
      Map.of(
          "all cones", new double[][] {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
          "no red cones",
              new double[][] {{0.11238, 0.88762, 0}, {0.11238, 0.88762, 0}, {0.00401, -0.00401, 1}},
          "no green cones",
              new double[][] {
                {0.29275, 0.70725, 0}, {0.29275, 0.70725, 0}, {-0.02234, 0.02234, 1}
              });

  /** A colour in CIELAB, in which a distance of 2 can just be seen. */
  private static double[] lab(double[] rgb, double[][] eye) {
    double[] c = new double[3];
    for (int i = 0; i < 3; i++) {
      double sum = eye[i][0] * rgb[0] + eye[i][1] * rgb[1] + eye[i][2] * rgb[2];
      c[i] = Math.clamp(sum, 0, 1);
    }
    double x = bend((0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.95047);
    double y = bend(0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]);
    double z = bend((0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.08883);
    return new double[] {116 * y - 16, 500 * (x - y), 200 * (y - z)};
  }

  private static double bend(double t) {
    return t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16.0 / 116;
  }

  @ParameterizedTest
  @ValueSource(strings = {"light", "dark"})
  void theColoursOfRequestsDifferForEveryEye(String theme) {
    Map<String, double[]> colours = colours(theme);
    EYES.forEach(
        (eye, matrix) -> {
          for (int i = 0; i < REQUEST_COLOURS; i++) {
            for (int j = 0; j < i; j++) {
              double[] a = lab(colours.get("c" + i), matrix);
              double[] b = lab(colours.get("c" + j), matrix);
              assertThat(Math.hypot(Math.hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]))
                  .as("colours %d and %d, %s, %s", i, j, theme, eye)
                  .isGreaterThan(15);
            }
          }
        });
  }
}
