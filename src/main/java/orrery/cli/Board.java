package orrery.cli;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntFunction;
import orrery.events.Event;
import orrery.events.EventSink;
import orrery.events.HostPools;
import orrery.events.HostPools.HostSlots;
import orrery.options.Options;

/**
 * What the demo shows. The board is made of events alone: the engine's thread adds them, another
 * thread shows the board.
 */
final class Board implements EventSink {
  /**
   * What is shown.
   *
   * @param prompts of the requests, in the order of their numbers
   * @param names of token ids
   * @param drafts whether tokens are guessed
   */
  record Show(List<String> prompts, IntFunction<String> names, boolean drafts, Colours colours) {}

  /** Sums over the run. */
  record Totals(
      long steps,
      long rows,
      long prefillRows,
      long paddingRows,
      long outputTokens,
      long hitTokens,
      long busyNanos,
      int mostRunning) {
    Totals hit(int tokens) {
      return new Totals(
          steps,
          rows,
          prefillRows,
          paddingRows,
          outputTokens,
          hitTokens + tokens,
          busyNanos,
          mostRunning);
    }

    Totals step(Event.StepDone e, long tokens, long nanos) {
      return new Totals(
          steps + 1,
          rows + e.rows(),
          prefillRows + e.prefillRows(),
          paddingRows + e.paddingRows(),
          outputTokens + tokens,
          hitTokens,
          busyNanos + nanos,
          Math.max(mostRunning, e.running()));
    }
  }

  /**
   * The pages of a pool.
   *
   * @param holders [pages] as {@link Event.PageMap} numbers holders
   * @param used the highest number of a page that was ever held, plus one. Pages from there on are
   *     not shown, so that a large empty cache stays out of sight.
   * @param counts after the newest step; null before the first one
   */
  record Pool(int[] holders, int used, Event.PoolPages counts) {
    static final Pool EMPTY = new Pool(new int[0], 0, null);

    Pool map(int[] now) {
      int furthest = used;
      for (int page = furthest; page < now.length; page++) {
        furthest = now[page] == Event.PageMap.FREE ? furthest : page + 1;
      }
      return new Pool(now, furthest, counts);
    }

    /** The holder of a page. */
    int holder(int page) {
      return page < holders.length ? holders[page] : Event.PageMap.FREE;
    }
  }

  /** A step, how many tokens came out of it, and its time; that of computing if steps overlap. */
  private record Ran(
      Event.StepDone step, List<HostSlots> host, String files, long tokens, long nanos) {}

  private final ConcurrentLinkedQueue<Event> events = new ConcurrentLinkedQueue<>();
  private final Show show;
  private final Map<Integer, BoardLine> lines = new TreeMap<>(); // by request
  private final List<Ran> steps = new ArrayList<>();
  private final Map<String, Pool> pools = new LinkedHashMap<>(); // by name
  private List<HostSlots> host = List.of(); // after the newest step; empty without host memory
  private final FileWords files = new FileWords();
  private long newTokens; // since the newest step
  private long computing = -1; // nanoseconds of a step that overlaps others, before its StepDone
  private Totals totals = new Totals(0, 0, 0, 0, 0, 0, 0, 0);

  Board(Show show) {
    this.show = show;
  }

  @Override
  public void accept(Event event) {
    events.add(event);
  }

  /**
   * Takes in the events up to the end of the next step. So a view can show one step a frame,
   * however quick the engine is.
   *
   * @return false if there are none yet
   */
  boolean advance() {
    Event event = events.poll();
    boolean any = event != null;
    while (event != null) {
      take(event);
      boolean over = event instanceof Event.StepDone;
      event = over ? null : events.poll();
    }
    return any;
  }

  private void take(Event event) {
    switch (event) {
      case Event.Submitted e ->
          lines.put(e.request(), new BoardLine(e.request(), show.prompts().get(e.request())));
      case Event.Admitted e -> {
        lines.get(e.request()).state(BoardLine.RUNNING);
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
        for (Event.PoolPages p : e.pools()) {
          Pool pool = pools.getOrDefault(p.pool(), Pool.EMPTY);
          pools.put(p.pool(), new Pool(pool.holders(), pool.used(), p));
        }
        Ran ran =
            new Ran(e, host, files.take(), newTokens, computing < 0 ? e.busyNanos() : computing);
        steps.add(ran);
        totals = totals.step(e, ran.tokens, ran.nanos);
        newTokens = 0;
        computing = -1;
      }
      case Event.Forked e -> lines.get(e.request()).state(BoardLine.RUNNING);
      case Event.PageMap e ->
          pools.put(e.pool(), pools.getOrDefault(e.pool(), Pool.EMPTY).map(e.holder()));
      case Event.Rejected e -> {}
      case Event.PrefixInserted e -> {}
      case Event.Evicted e -> {}
      case Event.Flushed e -> {}
      case Event.Overlapped e -> computing = e.computing();
      case Event.SparseReads e -> {}
      case Event.Paused e -> {}
      case Event.Resumed e -> {}
      case Event.Idle e -> {}
      case Event.Queued e -> lines.get(e.request()).state(Options.word(e.queue()));
      case Event.Books e -> {}
      case HostPools e -> host = e.pools();
      case Event.Tiers e -> files.see(e); // of the others the slots tell what came of them
    }
  }

  @Override
  public boolean wantsPageMap() {
    return true;
  }

  Totals totals() {
    return totals;
  }

  Show show() {
    return show;
  }

  /** The requests, by their numbers. */
  Collection<BoardLine> lines() {
    return Collections.unmodifiableCollection(lines.values());
  }

  /** The pools, that of the longest-lived rows first; one without pages before the first step. */
  List<Pool> pools() {
    return pools.isEmpty() ? List.of(Pool.EMPTY) : List.copyOf(pools.values());
  }

  /** The newest step in words, the most important words first; none before the first step. */
  List<String> newestStep() {
    return steps.isEmpty() ? List.of() : words(steps.getLast()).all();
  }

  /** The first, the last and some steps in between, one line each. */
  String stepLines(int most) {
    StringBuilder s = new StringBuilder();
    int n = steps.size();
    int shown = Math.min(n, most);
    for (int i = 0; i < shown; i++) {
      int step = (int) ((long) i * (n - 1) / Math.max(1, shown - 1));
      s.append(words(steps.get(step)).line()).append('\n');
    }
    return s.toString();
  }

  private StepWords words(Ran ran) {
    return new StepWords(ran.step, ran.host, ran.files, show.drafts(), totals.paddingRows() > 0);
  }

  /**
   * Answer tokens per second of computing in the second half of the steps, when the JIT is done.
   */
  double warmRate() {
    long nanos = 0;
    long tokens = 0;
    for (Ran ran : steps.subList(steps.size() / 2, steps.size())) {
      nanos += ran.nanos;
      tokens += ran.tokens;
    }
    return nanos == 0 ? 0 : tokens / (nanos / 1e9);
  }
}
