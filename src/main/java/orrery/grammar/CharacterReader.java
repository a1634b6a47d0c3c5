package orrery.grammar;

import java.util.Map;

/**
 * The characters of a pattern, one after the other, and the sets of characters that it writes:
 *
 * <pre>
 *   a  .                            one character; any but a line feed
 *   [abc]  [a-z0-9]  [^a-z]  []a]   a set; all others; ] is in a set if it stands first
 *   \d \w \s \D \W \S               digits, letters of words, blanks, and all others
 *   \n \t \r \f \v \0 \a            control characters
 *   \x41  &#92;u0041  \U00000041        a character by its number
 *   \.  \[  \-                      a sign itself
 * </pre>
 *
 * <p>{@code \d}, {@code \w} and {@code \s} are ASCII, as in Java and JavaScript.
 */
final class CharacterReader {
  private static final int END = -1;
  private static final Map<Integer, Integer> CONTROLS =
      Map.of(
          (int) 'n', 0x0A, (int) 't', 0x09, (int) 'r', 0x0D, (int) 'f', 0x0C, (int) 'v', 0x0B,
          (int) '0', 0x00, (int) 'a', 0x07);
  private static final CharacterSet LINE_FEED = CharacterSet.of('\n', '\n');

  private final String name; // for the message of an error
  private final int[] pattern; // [length] code points
  private int at;

  CharacterReader(String name, String pattern) {
    this.name = name;
    this.pattern = pattern.codePoints().toArray();
  }

  boolean ended() {
    return at == pattern.length;
  }

  int at() {
    return at;
  }

  /** Goes back to a place that was read before. */
  void back(int place) {
    at = place;
  }

  boolean sees(int c) {
    return peek() == c;
  }

  /** Whether the character behind the next one is one of these. */
  boolean seesBehind(String any) {
    return at + 1 < pattern.length && any.indexOf(pattern[at + 1]) >= 0;
  }

  boolean take(int c) {
    boolean there = sees(c);
    if (there) {
      at++;
    }
    return there;
  }

  boolean takeAny(String any) {
    return any.indexOf(peek()) >= 0 && take(peek());
  }

  String digits() {
    int from = at;
    while (CharacterSet.DIGITS.has(peek())) {
      at++;
    }
    return new String(pattern, from, at - from);
  }

  /** Reads the name of a group, up to its {@code >}. */
  void groupName() {
    while (CharacterSet.WORD.has(peek())) {
      at++;
    }
    if (!take('>')) {
      throw unexpected("a group's name of letters, digits and _, and then >", "something else");
    }
  }

  /** Reads one character, or a set of them. */
  CharacterSet characters() {
    int c = next("a character");
    return switch (c) {
      case '.' -> LINE_FEED.not();
      case '[' -> set();
      case '\\' -> escape();
      default -> single(c);
    };
  }

  private CharacterSet set() {
    boolean others = take('^');
    CharacterSet set = CharacterSet.NONE;
    boolean first = true;
    while (first || !sees(']')) {
      first = false;
      if (ended()) {
        throw unexpected("a ] for each [", "the end of the pattern");
      }
      CharacterSet from = member();
      if (sees('-') && !seesBehind("]")) {
        take('-');
        from = range(from, member());
      }
      set = set.or(from);
    }
    take(']');
    return others ? set.not() : set;
  }

  private CharacterSet member() {
    int c = next("a ] for each [");
    return c == '\\' ? escape() : single(c);
  }

  private CharacterSet range(CharacterSet from, CharacterSet to) {
    if (!from.isSingle() || !to.isSingle() || from.first() > to.first()) {
      throw unexpected("a range of characters that rises", "another");
    }
    return CharacterSet.of(from.first(), to.first());
  }

  private CharacterSet escape() {
    int c = next("a character after \\");
    Integer control = c == '0' && CharacterSet.DIGITS.has(peek()) ? null : CONTROLS.get(c);
    if (control != null) {
      return single(control);
    }
    return switch (c) {
      case 'd' -> CharacterSet.DIGITS;
      case 'D' -> CharacterSet.DIGITS.not();
      case 'w' -> CharacterSet.WORD;
      case 'W' -> CharacterSet.WORD.not();
      case 's' -> CharacterSet.BLANKS;
      case 'S' -> CharacterSet.BLANKS.not();
      case 'x' -> single(number(2));
      case 'u' -> single(number(4));
      case 'U' -> single(number(8));
      case 'b', 'B' -> throw unsupported("a word boundary", 2);
      case 'A', 'Z', 'z', 'G' -> throw unsupported("an anchor", 2);
      case 'p', 'P' -> throw unsupported("a Unicode class", 2);
      case '1', '2', '3', '4', '5', '6', '7', '8', '9', 'k' ->
          throw unsupported("a reference to a group", 2);
      default -> {
        if (Character.isLetterOrDigit(c)) {
          throw unsupported("an escape", 2);
        }
        yield single(c);
      }
    };
  }

  private int number(int digits) {
    long value = 0;
    for (int i = 0; i < digits; i++) {
      int digit = ended() ? -1 : Character.digit(pattern[at], 16);
      if (digit < 0) {
        throw unexpected(digits + " hexadecimal digits", "another character, or the end");
      }
      value = 16 * value + digit;
      at++;
    }
    return (int) Math.min(value, Integer.MAX_VALUE);
  }

  private CharacterSet single(int c) {
    CharacterSet set = Character.isValidCodePoint(c) ? CharacterSet.of(c, c) : CharacterSet.NONE;
    if (set.isEmpty()) {
      throw unexpected("a Unicode character", "half a surrogate pair, or too large a number");
    }
    return set;
  }

  private int next(String expected) {
    if (ended()) {
      throw unexpected(expected, "the end of the pattern");
    }
    return pattern[at++];
  }

  private int peek() {
    return ended() ? END : pattern[at];
  }

  /** Refuses what was read last, or the next character. */
  GrammarException unexpected(String expected, String found) {
    return new GrammarException(name, expected, found + ", at character " + (at + 1));
  }

  /** Refuses a feature by its name; its sign is the last {@code length} characters read. */
  GrammarException unsupported(String feature, int length) {
    String sign = new String(pattern, at - length, length);
    return new GrammarException(
        name,
        "what an automaton of texts can have",
        "%s, %s at character %d".formatted(feature, sign, at - length + 1));
  }
}
