package orrery.grammar;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A set of characters, as ranges of code points that rise and do not touch. Surrogates are never in
 * a set: they are no characters, and UTF-8 has no bytes for them.
 */
record CharacterSet(List<Range> ranges) {
  private static final int FIRST_SURROGATE = 0xD800;
  private static final int LAST_SURROGATE = 0xDFFF;

  static final CharacterSet NONE = new CharacterSet(List.of());
  static final CharacterSet ALL = of(0, Character.MAX_CODE_POINT);
  static final CharacterSet DIGITS = of('0', '9');
  static final CharacterSet WORD = DIGITS.or(of('A', 'Z')).or(of('a', 'z')).or(of('_', '_'));
  static final CharacterSet BLANKS = of('\t', '\r').or(of(' ', ' '));
  static final CharacterSet HEX = DIGITS.or(of('A', 'F')).or(of('a', 'f'));

  /** The code points {@code from} to {@code to}. */
  record Range(int from, int to) {}

  /** The code points {@code from} to {@code to}, without surrogates. */
  static CharacterSet of(int from, int to) {
    List<Range> ranges = new ArrayList<>();
    if (from < FIRST_SURROGATE) {
      ranges.add(new Range(from, Math.min(to, FIRST_SURROGATE - 1)));
    }
    if (to > LAST_SURROGATE) {
      ranges.add(new Range(Math.max(from, LAST_SURROGATE + 1), to));
    }
    return normal(ranges);
  }

  /** Joins ranges that overlap or touch; an empty range vanishes. */
  private static CharacterSet normal(List<Range> ranges) {
    List<Range> sorted = new ArrayList<>(ranges);
    sorted.removeIf(r -> r.from() > r.to());
    sorted.sort(Comparator.comparingInt(Range::from));
    List<Range> joined = new ArrayList<>();
    for (Range r : sorted) {
      Range last = joined.isEmpty() ? null : joined.getLast();
      if (last != null && r.from() <= last.to() + 1) {
        joined.set(joined.size() - 1, new Range(last.from(), Math.max(last.to(), r.to())));
      } else {
        joined.add(r);
      }
    }
    return new CharacterSet(List.copyOf(joined));
  }

  CharacterSet or(CharacterSet other) {
    List<Range> all = new ArrayList<>(ranges);
    all.addAll(other.ranges);
    return normal(all);
  }

  /** All other characters. */
  CharacterSet not() {
    CharacterSet others = NONE;
    int next = 0;
    for (Range r : ranges) {
      others = others.or(of(next, r.from() - 1));
      next = r.to() + 1;
    }
    return others.or(of(next, Character.MAX_CODE_POINT));
  }

  CharacterSet and(CharacterSet other) {
    return not().or(other.not()).not();
  }

  boolean has(int codePoint) {
    return ranges.stream().anyMatch(r -> r.from() <= codePoint && codePoint <= r.to());
  }

  /** Whether it is one character alone. */
  boolean isSingle() {
    return ranges.size() == 1 && ranges.getFirst().from() == ranges.getFirst().to();
  }

  /** The lowest character. */
  int first() {
    return ranges.getFirst().from();
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }
}
