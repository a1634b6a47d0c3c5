package orrery.docs;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A page of the docs, as the tests of the docs read it.
 *
 * @param path from the repository's root
 * @param blocks its fenced code blocks, in order
 */
public record Page(Path path, List<Block> blocks) {
  private static final String FENCE = "```";

  /**
   * A fenced code block.
   *
   * @param section the heading it stands under
   * @param line where its first line is, from 1
   * @param kind what stands behind the opening fence, "" for nothing
   */
  public record Block(Path page, String section, int line, String kind, List<String> lines) {
    public String text() {
      return String.join("\n", lines) + "\n";
    }

    @Override
    public String toString() {
      return page + ":" + line;
    }
  }

  /** README and everything in docs, in the order of their names. */
  public static List<Page> all() {
    try (Stream<Path> docs = Files.list(Path.of("docs"))) {
      Stream<Path> pages = docs.filter(p -> p.toString().endsWith(".md")).sorted();
      return Stream.concat(Stream.of(Path.of("README.md")), pages)
          .map(Page::read)
          .collect(Collectors.toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Page read(Path path) {
    try {
      return parse(path, Files.readAllLines(path));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads a page; a block that is not closed is an error that names its first line. */
  static Page parse(Path path, List<String> lines) {
    List<Block> blocks = new ArrayList<>();
    String section = "";
    Block open = null;
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (open != null) {
        if (line.equals(FENCE)) {
          blocks.add(open);
          open = null;
        } else {
          open.lines.add(line);
        }
      } else if (line.startsWith(FENCE)) {
        String kind = line.substring(FENCE.length()).strip();
        open = new Block(path, section, i + 2, kind, new ArrayList<>());
      } else if (line.startsWith("#")) {
        section = line.replaceFirst("^#+ *", "");
      }
    }
    if (open != null) {
      throw new IllegalArgumentException(open + ": the block is not closed");
    }
    return new Page(path, List.copyOf(blocks));
  }
}
