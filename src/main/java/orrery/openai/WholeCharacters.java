package orrery.openai;

import java.util.List;
import java.util.Map;
import orrery.checkpoint.CheckpointException;

/**
 * Refuses half a surrogate pair ({@code "&#92;ud83d"}) in any text of a JSON value: no encoding can
 * write it, so neither a tokenizer nor an answer could have it.
 */
final class WholeCharacters {
  private WholeCharacters() {}

  /**
   * Checks a value and all that it holds, names of fields too.
   *
   * @param at its path; empty for a whole body
   * @throws FieldException naming the field
   */
  static void require(String at, Object value) {
    if (!isWhole(value)) { // only then it is worth to spell the path of each item
      requireEach(at, value);
    }
  }

  private static boolean isWhole(Object value) {
    return switch (value) {
      case String text -> isWholeText(text);
      case List<?> items -> items.stream().allMatch(WholeCharacters::isWhole);
      case Map<?, ?> fields ->
          fields.entrySet().stream()
              .allMatch(field -> isWhole(field.getKey()) && isWhole(field.getValue()));
      default -> true; // a number, true, false or null
    };
  }

  private static void requireEach(String at, Object value) {
    switch (value) {
      case String text -> requireText(at, text);
      case List<?> items -> {
        for (int i = 0; i < items.size(); i++) {
          require(at + "[" + i + "]", items.get(i));
        }
      }
      case Map<?, ?> fields -> fields.forEach((name, item) -> requireField(at, name, item));
      default -> {} // a number, true, false or null
    }
  }

  private static void requireField(String at, Object name, Object item) {
    String shown = CheckpointException.shown((String) name);
    String path = at.isEmpty() ? shown : at + "." + shown;
    requireText(path, (String) name);
    require(path, item);
  }

  private static void requireText(String at, String text) {
    if (!isWholeText(text)) {
      throw new FieldException(at, "whole Unicode characters", "half a surrogate pair");
    }
  }

  private static boolean isWholeText(String text) {
    for (int i = 0; i < text.length(); i++) {
      int point = text.codePointAt(i);
      if (Character.isSupplementaryCodePoint(point)) {
        i++;
      } else if (Character.isSurrogate((char) point)) {
        return false;
      }
    }
    return true;
  }
}
