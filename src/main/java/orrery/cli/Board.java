package orrery.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntFunction;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.EventSink;

/** What the demo shows: made of events alone. The engine's thread adds them, another shows them. */
final class Board implements EventSink {
  private static final int GRID = 64; // pages of a line
  private static final int GRID_ROWS = 8;

  /**
   * What is shown.
   *
   * @param prompts of the requests, in the order of their numbers
   * @param names of token ids
   * @param drafts whether somebody guesses
   */
  record Show(List<String> prompts, IntFunction<String> names, boolean drafts, Colours colours) {}

  /** Sums over the run. */
  record Totals(
      long steps,
      long rows,
      long prefillRows,
      long outputTokens,
      long hitTokens,
      long busyNanos,
      int mostRunning) {
    Totals hit(int tokens) {
      return new Totals(
          steps, rows, prefillRows, outputTokens, hitTokens + tokens, busyNanos, mostRunning);
    }

    Totals step(Event.StepDone e, long tokens) {
      return new Totals(
          steps + 1,
          rows + e.rows(),
          prefillRows + e.prefillRows(),
          outputTokens + tokens,
          hitTokens,
          busyNanos + e.busyNanos(),
          Math.max(mostRunning, e.running()));
    }
  }

  /** A step, and how many tokens came out of it. */
  private record Ran(Event.StepDone step, long tokens) {}

  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private final Show show;
  private final Map<Integer, BoardLine> lines = new TreeMap<>(); // by request
  private final List<Ran> steps = new ArrayList<>();
  private int[] pages = new int[0]; // [pages] holders, of the newest Event.PageMap
  private int furthest;
  private long newTokens; // since the newest step
  private Totals totals = new Totals(0, 0, 0, 0, 0, 0, 0);

  Board(Show show) {
    this.show = show;
  }

  @Override
  public void accept(Event event) {
    events.add(event);
  }

  /**
   * Takes in the events up to and with the next step, so that a view can show one step a frame
   * however quick the engine is.
   *
   * @return false if there are none yet
   */
  boolean advance() {
    Event event = events.poll();
    boolean any = event != null;
    while (event != null) {
      take(event);
      boolean over = event instanceof Event.PageMap; // comes after its step
      event = over ? null : events.poll();
    }
    return any;
  }

  private void take(Event event) {
    switch (event) {
      case Event.Submitted e ->
          lines.put(e.request(), new BoardLine(show.prompts().get(e.request())));
      case Event.Admitted e -> {
        lines.get(e.request()).state("running");
        totals = totals.hit(e.hit());
      }
      case Event.Retracted e -> lines.get(e.request()).state("retracted");
      case Event.TokenOut e -> {
        lines.get(e.request()).token(e);
        newTokens++;
      }
      case Event.Verified e -> lines.get(e.request()).verified(e, show.names());
      case Event.Finished e -> lines.get(e.request()).finished(e);
      case Event.StepDone e -> {
        steps.add(new Ran(e, newTokens));
        totals = totals.step(e, newTokens);
        newTokens = 0;
      }
      case Event.Forked e -> lines.get(e.request()).state("running");
      case Event.PageMap e -> pages = e.holder();
      case Event.Rejected e -> {}
      case Event.PrefixInserted e -> {}
      case Event.Evicted e -> {}
    }
  }

  @Override
  public boolean wantsPageMap() {
    return true;
  }

  Totals totals() {
    return totals;
  }

  /** One picture of the engine: page grid, requests, the newest step. */
  String frame(int pageSize) {
    StringBuilder s = new StringBuilder();
    s.append(
        String.format(
            "KV pages of %d tokens. a b c: held by that request, #: by several,\u001b[K%n"
                + "·: by the prefix cache alone, blank: by nobody\u001b[K%n",
            pageSize));
    int shown = Math.min(GRID * GRID_ROWS, furthestPage() / GRID * GRID + GRID);
    for (int i = 0; i < shown; i += GRID) {
      for (int p = i; p < i + GRID; p++) {
        s.append(p < pages.length ? cell(pages[p]) : " ");
      }
      s.append("\u001b[K\n");
    }
    s.append(show.drafts() ? legend() : "");
    for (Map.Entry<Integer, BoardLine> e : lines.entrySet()) {
      s.append(e.getValue().show(letter(e.getKey()), show.colours())).append("\u001b[K\n");
    }
    s.append(
        steps.isEmpty() ? "\n\n" : line(steps.getLast()).replace(" | stop", "\u001b[K\n  stop"));
    s.append("\u001b[K\n");
    return s.toString();
  }

  /** 73 characters wide: a longer one might wrap, and the next frame begin a line too low. */
  private String legend() {
    Colours c = show.colours();
    String origins =
        "answers: "
            + c.token(Origin.ACCEPTED, "accepted drafts")
            + ", "
            + c.token(Origin.RECOVERED, "recovered tokens")
            + ", "
            + c.token(Origin.BONUS, "bonus tokens")
            + ", ";
    return (c.on() ? origins : "answers: ") + c.rejected("rejected drafts") + "\u001b[K\n";
  }

  /**
   * One more than the last page that is not free, so that a large empty cache stays out of sight.
   */
  private int furthestPage() {
    furthest = Math.max(furthest, 1);
    for (int p = furthest; p < pages.length; p++) {
      if (pages[p] != Event.PageMap.FREE) {
        furthest = p + 1;
      }
    }
    return furthest - 1;
  }

  private String cell(int holder) {
    return switch (holder) {
      case Event.PageMap.FREE -> " ";
      case Event.PageMap.IDLE -> show.colours().dim("·");
      case Event.PageMap.SHARED -> show.colours().inverse("#");
      default -> show.colours().number(holder, String.valueOf(letter(holder)));
    };
  }

  private static char letter(int request) {
    return (char) ('a' + request % 26);
  }

  /** The first, the last and some steps in between, one line each. */
  String stepLines(int most) {
    StringBuilder s = new StringBuilder();
    int n = steps.size();
    int shown = Math.min(n, most);
    for (int i = 0; i < shown; i++) {
      s.append(line(steps.get((int) ((long) i * (n - 1) / Math.max(1, shown - 1))))).append('\n');
    }
    return s.toString();
  }

  /** Up to the stop, at most 79 characters as long as a step takes less than a second. */
  private String line(Ran ran) {
    Event.StepDone e = ran.step;
    String drafts = show.drafts() ? String.format(" + %2d draft", e.draftRows()) : "";
    return String.format(
        Locale.ROOT,
        "step %3d | %3d prompt + %2d decode%s rows | %2d run, %2d wait | %5.2f ms"
            + " | stop: %s; pages: %d held, %d cached, %d free",
        e.step(),
        e.prefillRows(),
        e.decodeRows(),
        drafts,
        e.running(),
        e.waiting(),
        e.busyNanos() / 1e6,
        e.stop().toLowerCase(Locale.ROOT).replace('_', ' '),
        e.referencedPages(),
        e.idlePages(),
        e.freePages());
  }

  /**
   * Answer tokens per second of computing in the second half of the steps, when the JIT is done.
   */
  double warmRate() {
    long nanos = 0;
    long tokens = 0;
    for (Ran ran : steps.subList(steps.size() / 2, steps.size())) {
      nanos += ran.step.busyNanos();
      tokens += ran.tokens;
    }
    return nanos == 0 ? 0 : tokens / (nanos / 1e9);
  }
}
