package orrery.openai;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** Finds the known name that a misspelt one was probably meant to be. */
public final class Nearest {
  private Nearest() {}

  /** The nearest name; none if as much as a third of it would have to be changed. */
  public static Optional<String> to(String name, Collection<String> names) {
    String plain = plain(name);
    return names.stream()
        .min(Comparator.comparingInt((String n) -> distance(plain, plain(n))).thenComparing(n -> n))
        .filter(n -> 3 * distance(plain, plain(n)) < Math.max(plain.length(), plain(n).length()));
  }

  /** {@code topP}, {@code top-p} and {@code TOP_P} are spellings of {@code top_p}. */
  private static String plain(String name) {
    return name.replace("_", "").replace("-", "").toLowerCase(Locale.ROOT);
  }

  /**
   * Characters to insert, to drop, to change, or to swap with their neighbour: optimal string
   * alignment.
   */
  static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1]; // [i][j] between the first i and j
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int changed = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(d[i - 1][j - 1] + changed, 1 + Math.min(d[i - 1][j], d[i][j - 1]));
        boolean swapped =
            i > 1
                && j > 1
                && a.charAt(i - 1) == b.charAt(j - 2)
                && a.charAt(i - 2) == b.charAt(j - 1);
        d[i][j] = swapped ? Math.min(d[i][j], d[i - 2][j - 2] + 1) : d[i][j];
      }
    }
    return d[a.length()][b.length()];
  }
}
