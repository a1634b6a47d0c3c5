package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import orrery.events.Event;

/**
 * The pages of each pool, one character a page. Where there are several pools, each has a line with
 * its name and its counts; so one sees pages come back as windows pass them.
 */
final class PageGrid {
  private static final int WIDTH = 64; // most pages in a line
  private static final int ROWS = 8; // most lines of pages of a pool

  private final List<Board.Pool> pools;
  private final int width;
  private final Colours colours;

  /**
   * @param columns of the terminal
   */
  PageGrid(List<Board.Pool> pools, int columns, Colours colours) {
    this.pools = pools;
    this.width = columns < WIDTH && columns >= 8 ? columns / 8 * 8 : Math.min(WIDTH, columns);
    this.colours = colours;
  }

  private boolean named() {
    return pools.size() > 1;
  }

  /** Lines that the grid should have before anything else gets more than one. */
  int least() {
    return pools.size();
  }

  /** Lines that show all that the grid can show. */
  int most() {
    return pools.stream().mapToInt(this::rows).sum() + (named() ? pools.size() : 0);
  }

  private int rows(Board.Pool pool) {
    return Math.clamp(Math.ceilDiv(pool.used(), width), 1, ROWS);
  }

  /** Pages that a number of lines hold. */
  int pagesIn(int lines) {
    return lines * width;
  }

  /** Whether so many lines show all pages of the only pool. */
  boolean showsAll(int lines) {
    return pagesIn(lines) >= pools.getFirst().used();
  }

  /**
   * The grid in so many lines. Of several pools, each first gets the line with its counts, then
   * each gets a line of pages, then the first ones get more.
   */
  List<String> lines(int room) {
    int names = named() ? Math.min(room, pools.size()) : 0;
    int left = room - names;
    int[] rows = new int[pools.size()]; // [pools]
    for (int i = 0; i < rows.length && left > 0; i++, left--) {
      rows[i] = 1;
    }
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < rows.length; i++) {
      int more = rows[i] == 0 ? 0 : Math.min(left, rows(pools.get(i)) - rows[i]);
      left -= more;
      if (i < names) {
        lines.add(name(pools.get(i).counts()));
      }
      for (int row = 0; row < rows[i] + more; row++) {
        lines.add(line(pools.get(i), row));
      }
    }
    return lines;
  }

  private static String name(Event.PoolPages p) {
    return p.pool() + ", pages of " + p.span() + " tokens: " + StepWords.pages(p);
  }

  private String line(Board.Pool pool, int row) {
    StringBuilder s = new StringBuilder();
    for (int page = row * width; page < (row + 1) * width; page++) {
      s.append(cell(pool.holder(page)));
    }
    return s.toString();
  }

  private String cell(int holder) {
    return switch (holder) {
      case Event.PageMap.FREE -> " ";
      case Event.PageMap.IDLE -> colours.dim("·");
      case Event.PageMap.SHARED -> colours.inverse("#");
      default -> colours.number(holder, String.valueOf(BoardLine.letter(holder)));
    };
  }
}
