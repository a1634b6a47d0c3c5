package orrery.grammar;

import static orrery.grammar.Syntax.character;
import static orrery.grammar.Syntax.choice;
import static orrery.grammar.Syntax.sequence;

import java.util.ArrayList;
import java.util.List;
import orrery.grammar.Syntax.Characters;
import orrery.grammar.Syntax.Repeat;

/**
 * The whole numbers from one to another, digit by digit:
 *
 * <pre>
 *   8 to 217      8 to 9          [89]
 *                 10 to 99        [1-9][0-9]
 *                 100 to 217      1[0-9][0-9] | 2(0[0-9] | 1[0-7])
 * </pre>
 */
final class IntegerRange {
  /** The largest number that is ever written. */
  static final long MOST = 999_999_999_999_999L; // JsonForms.DIGITS nines

  private IntegerRange() {}

  /** The numbers {@code low} to {@code high}, which lie within ±{@link #MOST}. */
  static Syntax of(long low, long high) {
    List<Syntax> options = new ArrayList<>();
    if (low < 0) {
      options.add(sequence(character('-'), natural(Math.max(1, -high), -low)));
    }
    if (high >= 0) {
      options.add(natural(Math.max(0, low), high));
    }
    return new Syntax.Choice(options);
  }

  /** Numbers that are not negative, by their count of digits. */
  private static Syntax natural(long low, long high) {
    List<Syntax> options = new ArrayList<>();
    long first = 0; // with this many digits
    for (long last = 9; first <= high; first = last + 1, last = 10 * last + 9) {
      if (last >= low) {
        String from = Long.toString(Math.max(low, first));
        options.add(digits(from, Long.toString(Math.min(high, last))));
      }
    }
    return new Syntax.Choice(options);
  }

  /** Numbers of as many digits as both ends have. */
  private static Syntax digits(String from, String to) {
    int length = from.length();
    if (from.equals("0".repeat(length)) && to.equals("9".repeat(length))) {
      return new Repeat(new Characters(CharacterSet.DIGITS), length, length);
    }
    char low = from.charAt(0);
    char high = to.charAt(0);
    if (low == high) {
      return sequence(character(low), digits(from.substring(1), to.substring(1)));
    }
    String zeros = "0".repeat(length - 1);
    String nines = "9".repeat(length - 1);
    Syntax between = new Characters(CharacterSet.of(low + 1, high - 1));
    return choice(
        sequence(character(low), digits(from.substring(1), nines)),
        sequence(between, digits(zeros, nines)),
        sequence(character(high), digits(zeros, to.substring(1))));
  }
}
