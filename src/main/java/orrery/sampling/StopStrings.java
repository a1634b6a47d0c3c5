package orrery.sampling;

import java.util.List;

/**
 * Looks for stop strings in text that arrives in pieces. Text that could still become the start of
 * a stop string is held back, so nothing that is given out ever has to be taken back.
 *
 * <p>One Knuth-Morris-Pratt automaton per stop string reads character by character; how much of its
 * string it has matched is how much it needs held back. The match that ends first wins, of those
 * that end together the longest: which depends on the text, not on how it was cut into pieces.
 */
final class StopStrings {

  private final List<String> stops;
  private final int[][] borders; // [stop][i]: longest proper prefix that ends its first i + 1 chars
  private final int[] matched; // [stop]: characters of it that end the text read so far
  private final StringBuilder held = new StringBuilder(); // read, not yet given out
  private String found; // null until there is a match

  StopStrings(List<String> stops) {
    this.stops = stops;
    borders = stops.stream().map(StopStrings::borders).toArray(int[][]::new);
    matched = new int[stops.size()];
  }

  /** The stop string that was found, or null. */
  String found() {
    return found;
  }

  /**
   * Reads one more piece.
   *
   * @param armed whether a stop string that ends in this piece counts
   * @return what can be given out now; after a match, everything in front of it
   */
  String read(String piece, boolean armed) {
    for (int i = 0; i < piece.length() && found == null; i++) {
      held.append(piece.charAt(i));
      found = step(piece.charAt(i), armed);
    }
    if (found != null) {
      held.setLength(held.length() - found.length());
      return release(held.length());
    }
    int needed = 0;
    for (int length : matched) {
      needed = Math.max(needed, length);
    }
    int free = held.length() - needed;
    if (free > 0 && Character.isHighSurrogate(held.charAt(free - 1))) {
      free--; // no half characters
    }
    return release(free);
  }

  /** What was held back, when no more text comes. */
  String flush() {
    return release(held.length());
  }

  private String step(char c, boolean armed) {
    String longest = null;
    for (int s = 0; s < matched.length; s++) {
      String stop = stops.get(s);
      int length = matched[s];
      while (length > 0 && stop.charAt(length) != c) {
        length = borders[s][length - 1];
      }
      if (stop.charAt(length) == c) {
        length++;
      }
      if (length == stop.length()) {
        if (armed && (longest == null || stop.length() > longest.length())) {
          longest = stop;
        }
        length = borders[s][length - 1];
      }
      matched[s] = length;
    }
    return longest;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
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
}
