package orrery.grammar;

import java.util.List;
import java.util.Random;

/**
 * Random regular expressions in the notation that Java shares, over few characters, so that random
 * texts often match in part.
 */
record RandomPattern(Random random) {
  private static final List<String> ATOMS =
      List.of(
          "a",
          "b",
          "c",
          ".",
          "[ab]",
          "[^a]",
          "[b-d]",
          "[^b-d\\n]",
          "\\d",
          "\\w",
          "\\s",
          "\\D",
          "é",
          "[à-ü]",
          "\\u20ac",
          "[€-₿x]",
          "😀",
          "[😀-😏]",
          "[^😀]",
          "\\n",
          "\\.",
          "[\\]^-]",
          "\\x41",
          "[\\w-]",
          "\\S");
  private static final List<String> REPEATS =
      List.of("*", "+", "?", "{2}", "{1,}", "{0,2}", "{2,3}", "*?", "+?", "??", "{1,2}?");

  /** A pattern of a few parts; a long one may have too large an automaton. */
  String next() {
    String pattern = "";
    do {
      String begin = random.nextInt(8) == 0 ? "^" : "";
      pattern = begin + choice(2) + (random.nextInt(8) == 0 ? "$" : "");
    } while (pattern.length() > 50);
    return pattern;
  }

  private String choice(int depth) {
    // ^ and $ belong to one choice only, so the outermost level has one.
    int options = depth == 2 ? 1 : 1 + random.nextInt(3);
    StringBuilder all = new StringBuilder(parts(depth));
    for (int i = 1; i < options; i++) {
      all.append('|').append(parts(depth));
    }
    return all.toString();
  }

  private String parts(int depth) {
    StringBuilder all = new StringBuilder();
    for (int i = random.nextInt(10) == 0 ? 0 : 1 + random.nextInt(3); i > 0; i--) {
      all.append(part(depth));
      all.append(random.nextInt(3) == 0 ? pick(REPEATS) : "");
    }
    return all.toString();
  }

  private String part(int depth) {
    if (depth == 0 || random.nextInt(3) > 0) {
      return pick(ATOMS);
    }
    return pick(List.of("(", "(?:", "(?<g>")).replace("<g>", "<g" + random.nextInt(1 << 30) + ">")
        + choice(depth - 1)
        + ")";
  }

  /** A text of characters that the patterns know. */
  String text() {
    int[] alphabet = "aaabbbcdAx.0_ -]\n\r\u0085\u2028é€₿ü😀😏😐\t".codePoints().toArray();
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(7); i > 0; i--) {
      text.appendCodePoint(alphabet[random.nextInt(alphabet.length)]);
    }
    return text.toString();
  }

  private String pick(List<String> of) {
    return of.get(random.nextInt(of.size()));
  }
}
