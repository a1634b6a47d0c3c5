package orrery.grammar;

import java.util.ArrayList;
import java.util.List;

/** A set of texts, put together from sets of characters. It is what patterns and schemas become. */
sealed interface Syntax {

  /** The empty text alone. */
  Syntax EMPTY = new Sequence(List.of());

  /** For {@link Repeat}: any number of times. */
  int UNBOUNDED = -1;

  /** One character of a set. */
  record Characters(CharacterSet set) implements Syntax {}

  /** One part after the other. */
  record Sequence(List<Syntax> parts) implements Syntax {}

  /** One of several; of none, there is no text at all. */
  record Choice(List<Syntax> options) implements Syntax {}

  /**
   * A part several times.
   *
   * @param max at least {@code min}, or {@link #UNBOUNDED}
   */
  record Repeat(Syntax part, int min, int max) implements Syntax {}

  /**
   * A part several times, with a separator between each two; neither can be empty.
   *
   * @param min at least 1
   * @param max at least {@code min}, or {@link #UNBOUNDED}
   */
  record Separated(Syntax part, Syntax separator, int min, int max) implements Syntax {}

  static Syntax sequence(Syntax... parts) {
    return new Sequence(List.of(parts));
  }

  static Syntax choice(Syntax... options) {
    return new Choice(List.of(options));
  }

  static Syntax optional(Syntax part) {
    return new Repeat(part, 0, 1);
  }

  static Syntax character(int codePoint) {
    return new Characters(CharacterSet.of(codePoint, codePoint));
  }

  /** Exactly this text. */
  static Syntax text(String text) {
    List<Syntax> parts = new ArrayList<>();
    text.codePoints().forEach(c -> parts.add(character(c)));
    return new Sequence(parts);
  }
}
