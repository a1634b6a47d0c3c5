package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import org.jline.utils.AttributedString;

/**
 * Texts on a terminal, measured in columns: an emoji or a Chinese character takes two; an accent on
 * another character, or a colour code, takes none.
 */
final class Columns {
  private Columns() {}

  /** The beginning of a text. */
  static String first(String text, int columns) {
    AttributedString all = AttributedString.fromAnsi(text);
    return all.columnLength() <= columns ? text : all.columnSubSequence(0, columns).toAnsi();
  }

  /** The end of a text. */
  static String last(String text, int columns) {
    AttributedString all = AttributedString.fromAnsi(text);
    int length = all.columnLength();
    if (length <= columns) {
      return text;
    }
    int from = length - columns;
    AttributedString end = all.columnSubSequence(from, length);
    // Where the cut goes through a wide character, the whole of it stays.
    return (end.columnLength() > columns ? all.columnSubSequence(from + 1, length) : end).toAnsi();
  }

  /**
   * Words in as few lines as they need; a word that is wider than a line gets a line of its own.
   */
  static List<String> wrap(List<String> words, String between, int columns) {
    List<String> lines = new ArrayList<>();
    String line = "";
    for (String word : words) {
      String longer = line.isEmpty() ? word : line + between + word;
      if (!line.isEmpty() && AttributedString.fromAnsi(longer).columnLength() > columns) {
        lines.add(line);
        longer = word;
      }
      line = longer;
    }
    if (!line.isEmpty()) {
      lines.add(line);
    }
    return lines;
  }

  /** A line as it is if it fits, else cut between its words. */
  static List<String> wrap(String line, int columns) {
    return AttributedString.fromAnsi(line).columnLength() <= columns
        ? List.of(line)
        : wrap(List.of(line.split(" ")), " ", columns);
  }
}
