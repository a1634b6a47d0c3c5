package orrery.sampling;

import java.util.BitSet;

/**
 * Looks for stop strings in text that arrives in pieces. Text that may be the start of a stop
 * string is held back, so text that was given out never has to be taken back.
 *
 * <p>One Knuth-Morris-Pratt automaton per stop string reads character by character. If it has
 * matched n characters of its string, the last n characters must be held back. The match that ends
 * first wins; of matches that end together, the longest wins. So the result depends on the text,
 * not on how the text was cut into pieces.
 *
 * <p>From the first special token on there is a second automaton per stop string. The first
 * automaton reads the text that is shown, without special tokens. The second one also reads the
 * names of special tokens; a name that its stop string does not hold sets it back to the start.
 *
 * <pre>
 *   drawn      o k <|turn|> g o        a stop string "okgo" is found by a first automaton,
 *   shown      o k          g o        "k<|turn|>" by a second one, "turn" by none
 * </pre>
 */
final class StopStrings {

  private final StopTexts stops;
  private final int[][] borders; // [stop][i], shared with other answers: StopTexts.borders()
  private final int[] matched; // [stop]: characters of it that the text read so far ends with
  private int[] spelled; // [stop]: the same with special tokens' names; null before the first
  private final StringBuilder held = new StringBuilder(); // read, not yet given out
  private BitSet hidden = new BitSet(); // [held]: part of a special token's name
  private String found; // null until there is a match
  private int cut; // where the match begins in the held text

  StopStrings(StopTexts stops) {
    this.stops = stops;
    borders = stops.borders();
    matched = new int[stops.size()];
  }

  /** The stop string that was found, or null if none was found yet. */
  String found() {
    return found;
  }

  /**
   * Reads one more piece.
   *
   * @param armed whether a stop string that ends in this piece counts
   * @return the text that can be given out now; after a match, all text before it
   */
  String read(String piece, boolean armed) {
    for (int i = 0; i < piece.length() && found == null; i++) {
      char c = piece.charAt(i);
      held.append(c);
      for (int s = 0; s < matched.length; s++) {
        boolean ends = step(matched, s, c);
        boolean endsSpelled = spelled != null && step(spelled, s, c);
        if (armed && ends) {
          offer(s, beginOfShown(stops.get(s).length()));
        } else if (armed && endsSpelled) {
          offer(s, held.length() - stops.get(s).length());
        }
      }
    }
    return certain();
  }

  /**
   * Reads a special token, which is not part of the text.
   *
   * @param armed whether a stop string that ends with it counts
   * @return the text that can be given out now; after a match, all text before it
   */
  String readSpecial(String name, boolean armed) {
    spelled = spelled == null ? matched.clone() : spelled;
    int begin = held.length();
    held.append(name);
    hidden.set(begin, held.length());
    for (int s = 0; s < matched.length; s++) {
      boolean names = stops.get(s).contains(name);
      boolean ends = false;
      for (int i = 0; names && i < name.length(); i++) {
        ends = step(spelled, s, name.charAt(i));
      }
      spelled[s] = names ? spelled[s] : 0;
      if (armed && ends) {
        offer(s, held.length() - stops.get(s).length());
      }
    }
    return certain();
  }

  /** Returns the text that was held back, when no more text comes. */
  String flush() {
    return release(held.length());
  }

  /** Takes note of a match; of several that end here, the longest counts. */
  private void offer(int s, int begin) {
    if (found == null || stops.get(s).length() > found.length()) {
      found = stops.get(s);
      cut = begin;
    }
  }

  private String certain() {
    if (found != null) {
      String text = release(cut);
      held.setLength(0);
      return text;
    }
    int needed = 0;
    int neededSpelled = 0;
    for (int s = 0; s < matched.length; s++) {
      needed = Math.max(needed, matched[s]);
      neededSpelled = spelled == null ? 0 : Math.max(neededSpelled, spelled[s]);
    }
    int free = Math.min(beginOfShown(needed), held.length() - neededSpelled);
    if (free > 0 && Character.isHighSurrogate(held.charAt(free - 1))) {
      free--; // a surrogate pair is not cut
    }
    return release(free);
  }

  /** Where the last {@code count} shown characters begin in the held text. */
  private int beginOfShown(int count) {
    int begin = held.length();
    for (int left = count; left > 0; ) {
      left -= hidden.get(--begin) ? 0 : 1;
    }
    return begin;
  }

  /** Feeds one character to an automaton; returns whether its stop string ends there. */
  private boolean step(int[] state, int s, char c) {
    String stop = stops.get(s);
    int length = state[s];
    while (length > 0 && stop.charAt(length) != c) {
      length = borders[s][length - 1];
    }
    if (stop.charAt(length) == c) {
      length++;
    }
    boolean ends = length == stop.length();
    state[s] = ends ? borders[s][length - 1] : length;
    return ends;
  }

  /** Gives out the beginning of the held text, without the names of special tokens. */
  private String release(int length) {
    StringBuilder text = new StringBuilder(length);
    for (int i = 0; i < length; ) {
      int nextHidden = hidden.nextSetBit(i);
      int end = nextHidden < 0 || nextHidden > length ? length : nextHidden;
      text.append(held, i, end);
      int nextShown = nextHidden < 0 ? length : hidden.nextClearBit(end);
      i = Math.max(end, Math.min(nextShown, length));
    }
    held.delete(0, length);
    hidden = hidden.isEmpty() ? hidden : hidden.get(length, length + held.length());
    return text.toString();
  }
}
