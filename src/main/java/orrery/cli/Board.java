package orrery.cli;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import orrery.engine.Engine;
import orrery.events.Event;
import orrery.events.EventSink;

/** What the demo shows: made of events alone. Written by the engine's thread, read by another. */
final class Board implements EventSink {
  private static final int TAIL = 64; // characters of an answer's end
  private static final int GRID = 64; // pages of a line

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

  private final List<String> prompts;
  private final Map<Integer, Line> lines = new TreeMap<>(); // by request
  private final Deque<Event.StepDone> steps = new ArrayDeque<>();
  private final List<Event.StepDone> firstSteps = new ArrayList<>();
  private Totals totals = new Totals(0, 0, 0, 0, 0, 0, 0);

  Board(List<String> prompts) {
    this.prompts = prompts;
  }

  @Override
  public synchronized void accept(Event event) {
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
        firstSteps.add(e);
        totals =
            new Totals(
                t.steps + 1,
                t.rows + e.rows(),
                t.prefillRows + e.prefillRows(),
                t.outputTokens + e.decodeRows(),
                t.hitTokens,
                t.busyNanos + e.planNanos() + e.launchNanos() + e.judgeNanos(),
                Math.max(t.mostRunning, e.running()));
      }
      case Event.Forked e -> lines.get(e.request()).state = "running";
      case Event.Rejected e -> {}
      case Event.PrefixInserted e -> {}
      case Event.Evicted e -> {}
    }
  }

  synchronized Totals totals() {
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
  synchronized String frame(Engine engine) {
    StringBuilder s = new StringBuilder();
    Event.StepDone last = steps.peekLast();
    int held = last == null ? 0 : last.referencedPages();
    int idle = last == null ? 0 : last.idlePages();
    int all = engine.pages();
    s.append(
        String.format(
            Locale.ROOT,
            "pages of %d tokens   \u001b[42m  \u001b[0m held %d   \u001b[43m  \u001b[0m cached %d  "
                + " \u001b[100m  \u001b[0m free %d\u001b[K%n",
            engine.options().pageSize(),
            held,
            idle,
            all - held - idle));
    int cells = Math.min(all, 4 * GRID);
    for (int i = 0; i < cells; i++) {
      long page = (long) i * all / cells;
      s.append(
          page < held
              ? "\u001b[42m \u001b[0m"
              : page < held + idle ? "\u001b[43m \u001b[0m" : "\u001b[100m \u001b[0m");
      s.append(i % GRID == GRID - 1 || i == cells - 1 ? "\u001b[K\n" : "");
    }
    for (Map.Entry<Integer, Line> e : lines.entrySet()) {
      Line l = e.getValue();
      String whole = prompts.get(e.getKey()) + l.text;
      String tail = whole.substring(Math.max(0, whole.length() - TAIL)).replace('\n', ' ');
      s.append(
          String.format(
              "%3d  %-9s %4d  \u001b[2m…\u001b[0m%s\u001b[K%n",
              e.getKey(), l.state, l.tokens, tail));
    }
    s.append(last == null ? "\u001b[K\n" : line(last) + "\u001b[K\n");
    return s.toString();
  }

  /** The first, the last and some steps in between, one line each. */
  synchronized String stepLines(int most) {
    StringBuilder s = new StringBuilder();
    int n = firstSteps.size();
    int shown = Math.min(n, most);
    for (int i = 0; i < shown; i++) {
      s.append(line(firstSteps.get((int) ((long) i * (n - 1) / Math.max(1, shown - 1)))))
          .append('\n');
    }
    return s.toString();
  }

  private static String line(Event.StepDone e) {
    return String.format(
        Locale.ROOT,
        "step %4d  %4d prompt rows  %3d decode rows  running %3d  waiting %3d  pages held %4d"
            + " cached %4d free %4d  %6.2f ms  %s",
        e.step(),
        e.prefillRows(),
        e.decodeRows(),
        e.running(),
        e.waiting(),
        e.referencedPages(),
        e.idlePages(),
        e.freePages(),
        e.launchNanos() / 1e6,
        e.stop().toLowerCase(Locale.ROOT).replace('_', ' '));
  }
}
