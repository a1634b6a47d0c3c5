package orrery.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads a regular expression in the notation that Python, Java and JavaScript share:
 *
 * <pre>
 *   a  .                                      a character; {@code .} is any but a line feed
 *   [a-z_]  [^"]  \d \w \s \D \W \S           one of a set, see {@link CharacterReader}
 *   \n \t \x41 &#92;u0041  \.  \[                 one character
 *   ab  a|b  (ab)  (?:ab)  (?&lt;name&gt;ab)        sequence, choice, group
 *   a*  a+  a?  a{3}  a{3,}  a{3,5}  a{,5}    repeats; a lazy one, as in a*?, is the same
 *   ^ $                                       at the beginning and at the end, where they hold
 * </pre>
 *
 * <p>The whole text must match, so {@code ^} and {@code $} change nothing where they hold always. A
 * brace that begins no repeat is a character, as in Python. What the notation has besides is
 * refused by its name: it asks for more than a set of texts, or no automaton has it.
 */
final class RegexParser {
  private static final int MAX_DEPTH = 100; // groups inside each other
  private static final int MAX_LENGTH = 20_000; // characters of a pattern
  private static final int MAX_COUNT_DIGITS = 5;

  private final CharacterReader in;
  private final Syntax around; // what stands around a choice that ^ or $ does not fix
  private int depth;

  private RegexParser(CharacterReader in, Syntax around) {
    this.in = in;
    this.around = around;
  }

  /**
   * The texts that match as a whole.
   *
   * @param name for the message of an error
   * @throws GrammarException naming what is wrong, and where
   */
  static Syntax whole(String name, String pattern) {
    return parse(name, pattern, Syntax.EMPTY);
  }

  /** The texts with a match in them, as JSON Schema's {@code pattern} asks for. */
  static Syntax search(String name, String pattern) {
    Syntax any = new Syntax.Characters(CharacterSet.ALL);
    return parse(name, pattern, new Syntax.Repeat(any, 0, Syntax.UNBOUNDED));
  }

  private static Syntax parse(String name, String pattern, Syntax around) {
    int length = pattern.codePointCount(0, pattern.length());
    if (length > MAX_LENGTH) {
      throw new GrammarException(
          name, "at most " + MAX_LENGTH + " characters", length + " characters");
    }
    RegexParser parser = new RegexParser(new CharacterReader(name, pattern), around);
    Syntax all = parser.choices();
    if (!parser.in.ended()) {
      throw parser.in.unexpected("a ( before it", ")");
    }
    return all;
  }

  private Syntax choices() {
    List<Syntax> options = new ArrayList<>();
    do {
      options.add(parts());
    } while (in.take('|'));
    return options.size() == 1 ? options.getFirst() : new Syntax.Choice(options);
  }

  private Syntax parts() {
    List<Syntax> parts = new ArrayList<>();
    boolean opened = depth == 0 && in.take('^');
    boolean closed = false;
    if (depth == 0 && !opened) {
      parts.add(around);
    }
    while (!in.ended() && !in.sees('|') && !in.sees(')') && !closed) {
      if (depth == 0 && in.take('$')) {
        closed = true;
      } else {
        parts.add(repeats(part()));
      }
    }
    if (closed && !in.ended() && !in.sees('|')) {
      throw in.unsupported("an anchor inside the pattern", 1);
    }
    if (depth == 0 && !closed) {
      parts.add(around);
    }
    parts.removeIf(Syntax.EMPTY::equals);
    return parts.size() == 1 ? parts.getFirst() : new Syntax.Sequence(parts);
  }

  private Syntax part() {
    if (in.sees('*') || in.sees('+') || in.sees('?')) {
      throw in.unexpected("something to repeat", "a repeat");
    }
    if (in.takeAny("^$")) {
      throw in.unsupported("an anchor inside the pattern", 1);
    }
    return in.take('(') ? group() : new Syntax.Characters(in.characters());
  }

  private Syntax group() {
    if (++depth > MAX_DEPTH) {
      throw in.unexpected("at most " + MAX_DEPTH + " groups inside each other", "one more");
    }
    if (in.take('?')) {
      kind();
    }
    Syntax inside = choices();
    if (!in.take(')')) {
      throw in.unexpected("a ) for each (", "the end of the pattern");
    }
    depth--;
    return inside;
  }

  /** Reads what stands behind {@code (?}. */
  private void kind() {
    if (in.take(':')) {
      return;
    }
    if (in.takeAny("=!")) {
      throw in.unsupported("a lookahead", 3);
    }
    if (in.take('>')) {
      throw in.unsupported("an atomic group", 3);
    }
    if (in.take('#')) {
      throw in.unsupported("a comment", 3);
    }
    if (in.take('(')) {
      throw in.unsupported("a conditional group", 3);
    }
    boolean python = in.take('P');
    if (python && in.takeAny("=>")) {
      throw in.unsupported("a reference to a group", 4);
    }
    if (!in.take('<')) {
      throw in.unsupported("a flag", python ? 3 : 2);
    }
    if (!python && in.takeAny("=!")) {
      throw in.unsupported("a lookbehind", 4);
    }
    in.groupName();
  }

  private Syntax repeats(Syntax part) {
    Syntax repeated = repeated(part);
    if (repeated == part) {
      return part;
    }
    if (in.take('+')) {
      throw in.unsupported("a possessive repeat", 1);
    }
    in.take('?'); // a lazy repeat: the same texts
    int before = in.at();
    if (repeated(part) != part) {
      in.back(before);
      throw in.unexpected("something to repeat", "a second repeat");
    }
    return repeated;
  }

  private Syntax repeated(Syntax part) {
    if (in.take('*')) {
      return new Syntax.Repeat(part, 0, Syntax.UNBOUNDED);
    }
    if (in.take('+')) {
      return new Syntax.Repeat(part, 1, Syntax.UNBOUNDED);
    }
    if (in.take('?')) {
      return Syntax.optional(part);
    }
    return in.sees('{') ? counted(part) : part;
  }

  private Syntax counted(Syntax part) {
    int before = in.at();
    in.take('{');
    if (in.sees('}')) {
      in.back(before);
      return part;
    }
    String low = in.digits();
    boolean range = in.take(',');
    String high = range ? in.digits() : low;
    if (!in.take('}') || low.isEmpty() && !range) {
      in.back(before);
      return part; // the brace is a character
    }
    if (Math.max(low.length(), high.length()) > MAX_COUNT_DIGITS) {
      throw in.unexpected("counts below 100000", low + "," + high);
    }
    int min = low.isEmpty() ? 0 : Integer.parseInt(low);
    int max = high.isEmpty() ? Syntax.UNBOUNDED : Integer.parseInt(high);
    if (max != Syntax.UNBOUNDED && max < min) {
      throw in.unexpected("counts that rise", "{" + min + "," + max + "}");
    }
    return new Syntax.Repeat(part, min, max);
  }
}
