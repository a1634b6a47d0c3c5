package orrery.sampling;

import java.util.AbstractList;
import java.util.List;
import java.util.RandomAccess;

/**
 * The stop strings of a request, and the tables with which its answers look for them. A request may
 * have many answers, and its parameters may be copied for many prompts; all share the tables.
 */
final class StopTexts extends AbstractList<String> implements RandomAccess {
  private static final int HEADER = 24; // bytes of an array and of the place that points to it
  private static final int HELD = 5; // bytes of a held character in a builder that has just grown

  private final List<String> texts;
  private int[][] borders; // [stop][i], see `borders()`; null until made, under this object's lock

  /**
   * @param texts not copied, do not change them
   */
  StopTexts(List<String> texts) {
    this.texts = texts;
  }

  @Override
  public String get(int index) {
    return texts.get(index);
  }

  @Override
  public int size() {
    return texts.size();
  }

  /**
   * [stop][i] The longest proper prefix of the stop string that ends its first i + 1 characters.
   * Made at the first call: limits of a server are checked before that.
   */
  synchronized int[][] borders() {
    if (borders == null) {
      borders = texts.stream().map(StopTexts::borders).toArray(int[][]::new);
    }
    return borders;
  }

  private static int[] borders(String stop) {
    int[] borders = new int[stop.length()];
    for (int i = 1, length = 0; i < stop.length(); i++) {
      while (length > 0 && stop.charAt(i) != stop.charAt(length)) {
        length = borders[length - 1];
      }
      if (stop.charAt(i) == stop.charAt(length)) {
        length++;
      }
      borders[i] = length;
    }
    return borders;
  }

  /** Bytes of the tables. */
  long tableBytes() {
    long chars = 0;
    for (String text : texts) {
      chars += text.length();
    }
    return Integer.BYTES * chars + (long) HEADER * texts.size();
  }

  /** Bytes of what each answer has of its own to look for the strings. */
  long stateBytes() {
    int longest = 0;
    for (String text : texts) {
      longest = Math.max(longest, text.length());
    }
    return 2L * Integer.BYTES * texts.size() + (long) HELD * longest;
  }
}
