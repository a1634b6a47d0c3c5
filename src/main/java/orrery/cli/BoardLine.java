package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.jline.utils.AttributedString;
import orrery.events.Event;
import orrery.events.Event.Origin;

/** One request on the board: its state, and its text with the origin of every token. */
final class BoardLine {
  static final String WAITING = "waiting";
  static final String RUNNING = "running";

  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  private static final int REJECTED = 12; // most columns of rejected drafts behind the text
  private static final int NARROW = 60; // a terminal of fewer columns gets fewer blanks
  private static final int TINY = 30; // a terminal of fewer columns has no room for the state

  /** A token's text; a prompt is the first of them. */
  private record Piece(Origin origin, String text) {}

  private final char letter;
  private final List<Piece> pieces = new ArrayList<>();
  private String state = WAITING;
  private boolean over;
  private String rejected = ""; // drafts that the last verification rejected
  private int tokens;

  BoardLine(int request, String prompt) {
    this.letter = letter(request);
    add(Origin.PLAIN, prompt);
  }

  /**
   * The letter that stands for a request on the board; after 52 requests the letters begin again.
   */
  static char letter(int request) {
    return LETTERS.charAt(request % LETTERS.length());
  }

  void state(String state) {
    this.state = state;
  }

  String state() {
    return state;
  }

  /** Whether the answer has ended. */
  boolean over() {
    return over;
  }

  void token(Event.TokenOut e) {
    tokens = e.index() + 1;
    rejected = "";
    add(e.origin(), e.text());
  }

  /** Takes in a verification; its event follows those of the tokens that it decided. */
  void verified(Event.Verified e, IntFunction<String> names) {
    StringBuilder text = new StringBuilder();
    for (int i = e.accepted(); i < e.drafts().length; i++) {
      text.append(names.apply(e.drafts()[i]));
    }
    rejected = oneLine(text.toString());
  }

  void finished(Event.Finished e) {
    state = e.reason();
    over = true;
    rejected = "";
    add(Origin.PLAIN, e.text());
  }

  private void add(Origin origin, String text) {
    pieces.add(new Piece(origin, oneLine(text)));
  }

  /** Without line ends and without anything else that would move a terminal's cursor. */
  private static String oneLine(String text) {
    StringBuilder s = new StringBuilder();
    text.codePoints().forEach(c -> s.appendCodePoint(moves(c) ? ' ' : c));
    return s.toString();
  }

  private static boolean moves(int point) {
    return switch (Character.getType(point)) {
      case Character.CONTROL,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> isBidiControl(point);
    };
  }

  /**
   * Marks that turn the writing direction of the text that follows, perhaps of the rest of the
   * screen.
   */
  private static boolean isBidiControl(int point) {
    return point >= 0x202A && point <= 0x202E || point >= 0x2066 && point <= 0x2069;
  }

  /** The line, cut to a terminal of {@code columns} columns. */
  String show(int columns, Colours colours) {
    String head =
        columns < TINY
            ? String.format("%c %4d ", letter, tokens)
            : columns < NARROW
                ? String.format("%c %-9s %4d ", letter, state, tokens)
                : String.format("%c  %-9s %4d  ", letter, state, tokens);
    int room = Math.max(1, columns - head.length() - 1);
    int behind = Math.min(REJECTED, room / 4); // kept free, so that the text stays in place
    String thrown = Columns.first(rejected, behind);
    return head
        + tail(room - behind - (colours.on() ? 0 : 2), colours)
        + (thrown.isEmpty() ? "" : colours.rejected(thrown));
  }

  /** The end of the text, behind dots if there is more. */
  private String tail(int columns, Colours colours) {
    int first = pieces.size();
    int there = 0;
    while (first > 0 && there <= columns) {
      first--;
      there += new AttributedString(pieces.get(first).text).columnLength();
    }
    StringBuilder s = new StringBuilder();
    for (Piece p : pieces.subList(first, pieces.size())) {
      s.append(colours.token(p.origin, p.text));
    }
    boolean cut = there > columns;
    return cut ? colours.dim("…") + Columns.last(s.toString(), columns) : " " + s;
  }
}
