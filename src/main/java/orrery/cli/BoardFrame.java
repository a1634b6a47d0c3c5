package orrery.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import orrery.events.Event.Origin;

/**
 * A picture of the engine that fits a terminal: the pages, the requests, the newest step. Where
 * there is little room, each part first gets one line; then the parts share the lines that remain.
 */
final class BoardFrame {
  private final Board board;
  private final int pageTokens;
  private final int rows;
  private final int columns;

  /**
   * @param pageTokens tokens of a page
   * @param rows of the terminal
   * @param columns of the terminal
   */
  BoardFrame(Board board, int pageTokens, int rows, int columns) {
    this.board = board;
    this.pageTokens = pageTokens;
    this.rows = rows;
    this.columns = columns;
  }

  /** Lines of the picture; they fit the columns and rows of the terminal. */
  List<String> lines() {
    List<String> step = Columns.wrap(board.newestStep(), " | ", columns);
    List<String> legend = Columns.wrap(origins(), ", ", columns);
    PageGrid grid = new PageGrid(board.pools(), columns, board.show().colours());
    int requests = board.lines().size();
    Room room = new Room(rows);
    int s = room.take(Math.min(1, step.size()));
    int r = room.take(Math.min(1, requests));
    int g = room.take(grid.least());
    r += room.take(Math.min(requests, rows / 2) - r);
    int h = room.take(1);
    int l = room.take(Math.min(1, legend.size()));
    s += room.take(step.size() - s);
    h += room.take(head(true, grid.pagesIn(1)).size() - h);
    l += room.take(legend.size() - l);
    r += room.take(requests - r);
    g += room.take(grid.most() - g);
    List<String> lines = new ArrayList<>();
    List<String> head = head(grid.showsAll(g), grid.pagesIn(g));
    lines.addAll(head.subList(0, Math.min(h, head.size())));
    lines.addAll(grid.lines(g));
    lines.addAll(legend.subList(0, l));
    requests(lines, r);
    lines.addAll(step.subList(0, s));
    return lines.stream().map(line -> Columns.first(line, columns)).toList();
  }

  /** Lines that are still free. */
  private static final class Room {
    private int left;

    Room(int rows) {
      this.left = rows;
    }

    int take(int wanted) {
      int taken = Math.clamp(wanted, 0, left);
      left -= taken;
      return taken;
    }
  }

  private List<String> head(boolean all, int pages) {
    boolean one = board.pools().size() == 1; // else each pool says how long its pages are
    String shown = all || !one ? "KV pages" : "the first " + pages + " KV pages";
    return Columns.wrap(
        List.of(
            shown + (one ? " of " + pageTokens + " tokens" : ""),
            "a: of request a",
            "#: of several",
            "·: cached",
            "blank: free"),
        ", ",
        columns);
  }

  private List<String> origins() {
    if (!board.show().drafts()) {
      return List.of();
    }
    Colours c = board.show().colours();
    String rejected = c.rejected("rejected drafts");
    return c.on()
        ? List.of(
            "answers: " + c.token(Origin.ACCEPTED, "accepted drafts"),
            c.token(Origin.RECOVERED, "recovered tokens"),
            c.token(Origin.BONUS, "bonus tokens"),
            rejected)
        : List.of("answers: " + rejected);
  }

  /**
   * All requests if there is room. Else those that run first, then those that wait, and how many
   * more there are.
   */
  private void requests(List<String> lines, int room) {
    List<BoardLine> all = List.copyOf(board.lines());
    int shown = all.size() <= room ? room : Math.max(1, room - 1);
    if (room == 0) {
      return;
    }
    Set<BoardLine> chosen =
        all.stream()
            .sorted(Comparator.comparingInt(BoardFrame::urgency))
            .limit(shown)
            .collect(Collectors.toSet());
    for (BoardLine line : all) {
      if (chosen.contains(line)) {
        lines.add(line.show(columns, board.show().colours()));
      }
    }
    if (shown < Math.min(room, all.size())) {
      lines.add(more(all.stream().filter(line -> !chosen.contains(line)).toList()));
    }
  }

  private static int urgency(BoardLine line) {
    return line.over() ? 2 : line.state().equals(BoardLine.WAITING) ? 1 : 0;
  }

  private static String more(List<BoardLine> hidden) {
    long over = hidden.stream().filter(BoardLine::over).count();
    long waiting = hidden.stream().filter(line -> urgency(line) == 1).count();
    List<String> words = new ArrayList<>();
    count(words, hidden.size() - over - waiting, "running");
    count(words, waiting, "waiting");
    count(words, over, "ended");
    return "and " + String.join(", ", words);
  }

  private static void count(List<String> words, long n, String what) {
    if (n > 0) {
      words.add(n + " " + what);
    }
  }
}
