package orrery.grammar;

import static orrery.grammar.Syntax.UNBOUNDED;
import static orrery.grammar.Syntax.character;
import static orrery.grammar.Syntax.choice;
import static orrery.grammar.Syntax.optional;
import static orrery.grammar.Syntax.sequence;
import static orrery.grammar.Syntax.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import orrery.checkpoint.JsonText;
import orrery.grammar.Syntax.Characters;
import orrery.grammar.Syntax.Repeat;
import orrery.grammar.Syntax.Separated;

/**
 * How values are written as JSON. JSON lets the same value be written in endless ways, and a model
 * that is not sure what comes next likes to write blanks and digits without end. So there are few
 * ways here: one blank or none behind <code>{ [ : ,</code> and before <code>} ]</code>, and numbers
 * of at most {@value #DIGITS} digits before and behind the point.
 */
final class JsonForms {
  static final int DIGITS = 15; // a double holds them all

  static final Syntax BLANK = optional(character(' '));
  private static final Syntax COMMA = sequence(character(','), BLANK);

  private static final CharacterSet CONTROLS = CharacterSet.of(0, 0x1F);
  private static final CharacterSet QUOTE = CharacterSet.of('"', '"');
  private static final CharacterSet BACKSLASH = CharacterSet.of('\\', '\\');

  /** Characters that stand in a string as they are. */
  private static final CharacterSet RAW = CONTROLS.or(QUOTE).or(BACKSLASH).not();

  /** Characters with a short escape of their own, and the letters of these escapes. */
  private static final String ESCAPED = "\"\\\b\f\n\r\t";

  private static final String LETTERS = "\"\\bfnrt";

  /** The four digits of {@code \}{@code u} for a character that is no surrogate. */
  private static final String FOUR_DIGITS =
      "([0-9A-CE-Fa-ce-f][0-9A-Fa-f]|[Dd][0-7])[0-9A-Fa-f]{2}";

  static final Syntax BOOLEAN = choice(text("true"), text("false"));
  static final Syntax NULL = text("null");
  static final Syntax INTEGER = pattern("0|-?[1-9][0-9]{0,%d}".formatted(DIGITS - 1));
  static final Syntax NUMBER =
      pattern(
          "-?(0|[1-9][0-9]{0,%d})(\\.[0-9]{1,%d})?([eE][+-]?[0-9]{1,2})?"
              .formatted(DIGITS - 1, DIGITS));

  /** One character of a string, in any spelling. */
  private static final Syntax STRING_CHARACTER =
      choice(
          new Characters(RAW),
          pattern("\\\\[\"\\\\/bfnrt]"),
          sequence(text("\\u"), pattern(FOUR_DIGITS)));

  static final Syntax STRING = string(0, UNBOUNDED);

  private JsonForms() {}

  /** A regular expression of this program. */
  static Syntax pattern(String pattern) {
    return RegexParser.whole("regex", pattern);
  }

  static Syntax quoted(Syntax inside) {
    return sequence(character('"'), inside, character('"'));
  }

  /** A string of so many characters. */
  static Syntax string(int min, int max) {
    return quoted(new Repeat(STRING_CHARACTER, min, max));
  }

  /** Values between brackets. */
  static Syntax array(Syntax item, int min, int max) {
    if (max == 0) {
      return bracketed('[', Syntax.EMPTY, ']');
    }
    Syntax items = sequence(new Separated(item, COMMA, Math.max(1, min), max), BLANK);
    return bracketed('[', min == 0 ? optional(items) : items, ']');
  }

  /** Any number of members, with any names. */
  static Syntax map(Syntax value) {
    Syntax members = new Separated(member(STRING, value), COMMA, 1, UNBOUNDED);
    return bracketed('{', optional(sequence(members, BLANK)), '}');
  }

  /**
   * An object with these members, in this order.
   *
   * @param members name and value of each, in JSON
   * @param required [members] whether it must be there
   * @param small refuses what would be too large: it sees each part before the next one is made,
   *     since members that may all be left out have many ways to be written
   */
  static Syntax object(List<Syntax> members, boolean[] required, Consumer<Syntax> small) {
    int must = 0;
    while (must < required.length && !required[must]) {
      must++;
    }
    if (must < required.length) {
      return bracketed('{', sequence(around(members, required, must), BLANK), '}');
    }
    List<Syntax> byFirst = new ArrayList<>(); // what is written if a member is the first one there
    for (int first = 0; first < members.size(); first++) {
      byFirst.add(behind(members, required, first));
      small.accept(byFirst.getLast());
    }
    Syntax some = new Syntax.Choice(byFirst);
    return bracketed('{', byFirst.isEmpty() ? Syntax.EMPTY : optional(sequence(some, BLANK)), '}');
  }

  /** The members, of which number {@code must} is the first one that must be there. */
  private static Syntax around(List<Syntax> members, boolean[] required, int must) {
    List<Syntax> parts = new ArrayList<>();
    for (int i = 0; i < must; i++) {
      parts.add(optional(sequence(members.get(i), COMMA)));
    }
    parts.add(behind(members, required, must));
    return new Syntax.Sequence(parts);
  }

  /** A member, and those behind it, each with a comma before it. */
  private static Syntax behind(List<Syntax> members, boolean[] required, int first) {
    List<Syntax> parts = new ArrayList<>();
    parts.add(members.get(first));
    for (int i = first + 1; i < members.size(); i++) {
      Syntax next = sequence(COMMA, members.get(i));
      parts.add(required[i] ? next : optional(next));
    }
    return new Syntax.Sequence(parts);
  }

  static Syntax member(Syntax name, Syntax value) {
    return sequence(name, character(':'), BLANK, value);
  }

  private static Syntax bracketed(char open, Syntax inside, char close) {
    return sequence(character(open), BLANK, inside, character(close));
  }

  /** A value as {@link JsonText} reads it; strings in their shortest spelling. */
  static Syntax value(Object value) {
    return switch (value) {
      case String s -> literal(s);
      case JsonText.Num n -> text(n.text());
      case List<?> items -> {
        List<Syntax> parts = new ArrayList<>();
        for (Object item : items) {
          parts.add(parts.isEmpty() ? value(item) : sequence(COMMA, value(item)));
        }
        parts.add(parts.isEmpty() ? Syntax.EMPTY : BLANK);
        yield bracketed('[', new Syntax.Sequence(parts), ']');
      }
      case Map<?, ?> fields -> {
        List<Syntax> members = new ArrayList<>();
        fields.forEach((k, v) -> members.add(member(literal((String) k), value(v))));
        boolean[] required = new boolean[members.size()];
        Arrays.fill(required, true);
        yield object(members, required, all -> {}); // there is one way to write them
      }
      default -> text(value.toString()); // true, false, null
    };
  }

  /** One string. */
  static Syntax literal(String text) {
    StringBuilder spelled = new StringBuilder();
    for (char c : text.toCharArray()) {
      int escape = ESCAPED.indexOf(c);
      if (escape >= 0) {
        spelled.append('\\').append(LETTERS.charAt(escape));
      } else if (CONTROLS.has(c)) {
        spelled.append("\\u%04x".formatted((int) c));
      } else {
        spelled.append(c);
      }
    }
    return quoted(text(spelled.toString()));
  }

  /**
   * The same texts as they stand in a string: what needs an escape gets one. Control characters
   * without a short escape are left out.
   */
  static Syntax escaped(Syntax syntax) {
    return switch (syntax) {
      case Characters c -> escaped(c.set());
      case Syntax.Sequence s ->
          new Syntax.Sequence(s.parts().stream().map(JsonForms::escaped).toList());
      case Syntax.Choice c ->
          new Syntax.Choice(c.options().stream().map(JsonForms::escaped).toList());
      case Repeat r -> new Repeat(escaped(r.part()), r.min(), r.max());
      case Separated s ->
          new Separated(escaped(s.part()), escaped(s.separator()), s.min(), s.max());
    };
  }

  private static Syntax escaped(CharacterSet set) {
    CharacterSet letters = CharacterSet.NONE;
    for (int i = 0; i < ESCAPED.length(); i++) {
      char letter = LETTERS.charAt(i);
      letters = set.has(ESCAPED.charAt(i)) ? letters.or(CharacterSet.of(letter, letter)) : letters;
    }
    Syntax raw = new Characters(set.and(RAW));
    return letters.isEmpty()
        ? raw
        : choice(raw, sequence(character('\\'), new Characters(letters)));
  }
}
