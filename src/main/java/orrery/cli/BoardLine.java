package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import orrery.events.Event;
import orrery.events.Event.Origin;

/** One request on the board: its state, and its text with the origin of every token. */
final class BoardLine {
  private static final int TAIL = 46; // characters of the text's end
  private static final int REJECTED = 12; // characters of drafts behind it

  /** A token's text; a prompt is the first of them. */
  private record Piece(Origin origin, String text) {}

  private final List<Piece> pieces = new ArrayList<>();
  private String state = "waiting";
  private String rejected = ""; // what the last verification threw away
  private int tokens;

  BoardLine(String prompt) {
    add(Origin.PLAIN, prompt);
  }

  void state(String state) {
    this.state = state;
  }

  void token(Event.TokenOut e) {
    tokens = e.index() + 1;
    rejected = "";
    add(e.origin(), e.text());
  }

  /** Comes behind the tokens that were decided by it. */
  void verified(Event.Verified e, IntFunction<String> names) {
    StringBuilder text = new StringBuilder();
    for (int i = e.accepted(); i < e.drafts().length; i++) {
      text.append(names.apply(e.drafts()[i]));
    }
    rejected = oneLine(text.toString());
  }

  void finished(Event.Finished e) {
    state = e.reason();
    rejected = "";
    add(Origin.PLAIN, e.text());
  }

  private void add(Origin origin, String text) {
    pieces.add(new Piece(origin, oneLine(text)));
  }

  private static String oneLine(String text) {
    return text.replace('\n', ' ');
  }

  int tokens() {
    return tokens;
  }

  /** At most 80 characters wide, without what the terminal does not show. */
  String show(char letter, Colours colours) {
    String thrown = rejected.substring(0, Math.min(REJECTED, rejected.length()));
    return String.format("%c  %-9s %4d  ", letter, state, tokens)
        + colours.dim("…")
        + tail(colours)
        + (thrown.isEmpty() ? "" : colours.rejected(thrown));
  }

  private String tail(Colours colours) {
    int first = pieces.size();
    int there = 0;
    while (first > 0 && there < TAIL) {
      first--;
      there += pieces.get(first).text.length();
    }
    int skip = Math.max(0, there - TAIL); // characters of the first piece
    StringBuilder s = new StringBuilder();
    for (Piece p : pieces.subList(first, pieces.size())) {
      s.append(colours.token(p.origin, p.text.substring(skip)));
      skip = 0;
    }
    return s.toString();
  }
}
