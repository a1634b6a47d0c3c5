package orrery.docs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The list of chapters has every page, and the chapters follow each other as it says. */
class ChaptersTest {
  private static final Path DOCS = Path.of("docs");
  private static final Pattern PAGE = Pattern.compile("\\[([^]]+)]\\(([\\w-]+\\.md)\\)");
  private static final Pattern QUARTILES = Pattern.compile("\\|.*\\d \\[[\\d.]+, [\\d.]+].*");
  private static final String HOW = "[How to read a table](README.md#how-to-read-a-table)";

  /** Chapters that have not all sections, as the page of all chapters says. */
  private static final Set<String> FOR_LOOKING_UP = Set.of("naive.md", "deepseek-v4-map.md");

  private static final Set<String> PARTS_FOR_LOOKING_UP = Set.of("Using Orrery", "Contributing");

  /** The sections of a chapter, as its headings begin or end. */
  private static final List<String> SECTIONS =
      List.of("Watch it", "xperiment", "Break it", "easured", "Where the big engines do it");

  /**
   * A chapter of the list.
   *
   * @param part the heading above it
   * @param pages its page, then those that belong to it
   */
  private record Chapter(String part, int number, String title, List<String> pages) {}

  private static List<String> lines(String page) throws IOException {
    return Files.readAllLines(DOCS.resolve(page));
  }

  private static List<Chapter> chapters() throws IOException {
    List<Chapter> all = new ArrayList<>();
    String part = "";
    for (String line : String.join("\n", lines("README.md")).split("\n(?! )")) {
      part = line.startsWith("## ") ? line.substring(3).strip() : part;
      if (line.matches("(?s)\\d+\\. \\[.*")) {
        List<MatchResult> links = PAGE.matcher(line).results().toList();
        int number = Integer.parseInt(line.substring(0, line.indexOf('.')));
        List<String> pages = links.stream().map(l -> l.group(2)).toList();
        all.add(new Chapter(part, number, links.getFirst().group(1), pages));
      }
    }
    return all;
  }

  @Test
  void thePagesOfTheListAreThoseOfTheDirectoryAndItsNumbersCount() throws IOException {
    List<Chapter> chapters = chapters();
    Set<String> files =
        Page.all().stream()
            .map(Page::path)
            .filter(p -> p.startsWith(DOCS))
            .map(p -> p.getFileName().toString())
            .collect(Collectors.toCollection(HashSet::new));
    files.remove("README.md");
    List<String> listed = chapters.stream().flatMap(c -> c.pages.stream()).toList();
    assertThat(listed).containsExactlyInAnyOrderElementsOf(files);
    for (int i = 0; i < chapters.size(); i++) {
      assertThat(chapters.get(i).number).as(chapters.get(i).title).isEqualTo(i);
    }
  }

  @Test
  void theLastLineOfEachPageNamesTheNextChapter() throws IOException {
    List<Chapter> chapters = chapters();
    for (int i = 0; i + 1 < chapters.size(); i++) {
      Chapter next = chapters.get(i + 1);
      for (String page : chapters.get(i).pages) {
        assertThat(lines(page).getLast())
            .as("last line of docs/%s", page)
            .isEqualTo("Next: [" + next.title + "](" + next.pages.getFirst() + ")");
      }
    }
    assertThat(lines(chapters.getLast().pages.getFirst()).getLast()).doesNotStartWith("Next");
  }

  @Test
  void aChapterAboutATechniqueHasAllSections() throws IOException {
    List<String> missing = new ArrayList<>();
    for (Chapter chapter : chapters()) {
      String page = chapter.pages.getFirst();
      if (PARTS_FOR_LOOKING_UP.contains(chapter.part) || FOR_LOOKING_UP.contains(page)) {
        continue;
      }
      List<String> headings = lines(page).stream().filter(l -> l.startsWith("## ")).toList();
      for (String section : SECTIONS) {
        if (headings.stream().noneMatch(heading -> heading.contains(section))) {
          missing.add(page + ": " + section);
        }
      }
    }
    assertThat(missing).isEmpty();
  }

  @Test
  void noPageShowsQuartilesBeforeItSaysHowToReadThem() throws IOException {
    List<String> silent = new ArrayList<>();
    int found = 0;
    for (Chapter chapter : chapters()) {
      for (String page : chapter.pages) {
        List<String> lines = lines(page);
        for (int i = 0; i < lines.size(); i++) {
          boolean measured = lines.get(i).matches("## (What was m|M)easured");
          if (measured || QUARTILES.matcher(lines.get(i).strip()).matches()) {
            found++;
            // the link is in the first line of the section, or above the table
            List<String> before = lines.subList(0, Math.min(i + 3, lines.size()));
            if (before.stream().noneMatch(line -> line.startsWith(HOW))) {
              silent.add(page + ":" + (i + 1));
            }
            break;
          }
        }
      }
    }
    assertThat(silent).isEmpty();
    assertThat(found).isGreaterThan(25);
    assertThat(lines("README.md")).contains("## How to read a table");
  }
}
