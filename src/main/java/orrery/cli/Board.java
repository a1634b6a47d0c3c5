package orrery.cli;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import orrery.engine.Engine;
import orrery.events.Event;
import orrery.events.EventSink;

/** What the demo shows: made of events alone. The engine's thread adds them, another shows them. */
final class Board implements EventSink {
  private static final int TAIL = 52; // characters of an answer's end
  private static final int GRID = 64; // pages of a line
  private static final int GRID_ROWS = 8;

  /** Sums over the run. */
  record Totals(
      long steps,
      long rows,
      long prefillRows,
      long outputTokens,
      long hitTokens,
      long busyNanos,
      int mostRunning) {}

  private static final class Line {
    String state = "waiting";
    int tokens;
    final StringBuilder text = new StringBuilder();
  }

  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private final List<String> prompts;
  private final Map<Integer, Line> lines = new TreeMap<>(); // by request
  private final Deque<Event.StepDone> steps = new ArrayDeque<>();
  private final List<Event.StepDone> allSteps = new ArrayList<>();
  private int[] pages = new int[0]; // [pages] holders, of the newest Event.PageMap
  private int furthest;
  private Totals totals = new Totals(0, 0, 0, 0, 0, 0, 0);

  Board(List<String> prompts) {
    this.prompts = prompts;
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
    Totals t = totals;
    switch (event) {
      case Event.Submitted e -> lines.put(e.request(), new Line());
      case Event.Admitted e -> {
        lines.get(e.request()).state = "running";
        totals =
            new Totals(
                t.steps,
                t.rows,
                t.prefillRows,
                t.outputTokens,
                t.hitTokens + e.hit(),
                t.busyNanos,
                t.mostRunning);
      }
      case Event.Retracted e -> lines.get(e.request()).state = "retracted";
      case Event.TokenOut e -> {
        lines.get(e.request()).tokens = e.index() + 1;
        lines.get(e.request()).text.append(e.text());
      }
      case Event.Finished e -> lines.get(e.request()).state = e.reason();
      case Event.StepDone e -> {
        steps.addLast(e);
        if (steps.size() > 6) {
          steps.removeFirst();
        }
        allSteps.add(e);
        totals =
            new Totals(
                t.steps + 1,
                t.rows + e.rows(),
                t.prefillRows + e.prefillRows(),
                t.outputTokens + e.decodeRows(),
                t.hitTokens,
                t.busyNanos + e.busyNanos(),
                Math.max(t.mostRunning, e.running()));
      }
      case Event.Forked e -> lines.get(e.request()).state = "running";
      case Event.PageMap e -> pages = e.holder();
      case Event.Verified e -> {}
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
    long tokens = lines.values().stream().mapToLong(l -> l.tokens).sum();
    return new Totals(
        totals.steps,
        totals.rows,
        totals.prefillRows,
        tokens,
        totals.hitTokens,
        totals.busyNanos,
        totals.mostRunning);
  }

  /** One picture of the engine: page grid, requests, the newest step. */
  String frame(Engine engine) {
    StringBuilder s = new StringBuilder();
    Event.StepDone last = steps.peekLast();
    s.append(
        String.format(
            "KV pages of %d tokens. a b c: held by that request, #: by several,\u001b[K%n"
                + "·: by the prefix cache alone, blank: by nobody\u001b[K%n",
            engine.options().pageSize()));
    int shown = Math.min(GRID * GRID_ROWS, furthestPage() / GRID * GRID + GRID);
    for (int i = 0; i < shown; i += GRID) {
      for (int p = i; p < i + GRID; p++) {
        s.append(p < pages.length ? cell(pages[p]) : " ");
      }
      s.append("\u001b[K\n");
    }
    for (Map.Entry<Integer, Line> e : lines.entrySet()) {
      Line l = e.getValue();
      String whole = prompts.get(e.getKey()) + l.text;
      String tail = whole.substring(Math.max(0, whole.length() - TAIL)).replace('\n', ' ');
      s.append(
          String.format(
              "%c  %-9s %4d  \u001b[2m…\u001b[0m%s\u001b[K%n",
              letter(e.getKey()), l.state, l.tokens, tail));
    }
    s.append(last == null ? "\n\n" : line(last).replace(" | stop", "\u001b[K\n  stop"));
    s.append("\u001b[K\n");
    return s.toString();
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

  private static String cell(int holder) {
    return switch (holder) {
      case Event.PageMap.FREE -> " ";
      case Event.PageMap.IDLE -> "\u001b[2m·\u001b[0m";
      case Event.PageMap.SHARED -> "\u001b[7m#\u001b[0m";
      default -> "\u001b[" + (31 + holder % 6) + "m" + letter(holder) + "\u001b[0m";
    };
  }

  private static char letter(int request) {
    return (char) ('a' + request % 26);
  }

  /** The first, the last and some steps in between, one line each. */
  String stepLines(int most) {
    StringBuilder s = new StringBuilder();
    int n = allSteps.size();
    int shown = Math.min(n, most);
    for (int i = 0; i < shown; i++) {
      s.append(line(allSteps.get((int) ((long) i * (n - 1) / Math.max(1, shown - 1)))))
          .append('\n');
    }
    return s.toString();
  }

  private static String line(Event.StepDone e) {
    return String.format(
        Locale.ROOT,
        "step %4d | %4d prompt + %2d decode rows | %2d run, %2d wait | %5.2f ms"
            + " | stop: %s; pages: %d held, %d cached, %d free",
        e.step(),
        e.prefillRows(),
        e.decodeRows(),
        e.running(),
        e.waiting(),
        e.launchNanos() / 1e6,
        e.stop().toLowerCase(Locale.ROOT).replace('_', ' '),
        e.referencedPages(),
        e.idlePages(),
        e.freePages());
  }

  /**
   * Answer tokens per second of computing in the second half of the steps, when the JIT is done.
   */
  double warmRate() {
    List<Event.StepDone> late = allSteps.subList(allSteps.size() / 2, allSteps.size());
    long nanos = 0;
    long tokens = 0;
    for (Event.StepDone e : late) {
      nanos += e.busyNanos();
      tokens += e.decodeRows();
    }
    return nanos == 0 ? 0 : tokens / (nanos / 1e9);
  }
}
