package orrery.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import orrery.batching.Queues;
import orrery.batching.Sequence;
import orrery.events.EventSink;
import orrery.events.Holds;
import orrery.events.Holds.PageRun;
import orrery.events.Keyframe;
import orrery.events.StepRows;
import orrery.events.Vocabulary;
import orrery.kv.KvCache;
import orrery.kv.PageTable;
import orrery.prefix.PrefixCache;

/**
 * Reports steps, and tells the engine's books to sinks that want them: what changed in a step, and
 * now and then a keyframe. It only reads the books, and without such a sink it does not even that.
 */
final class BookKeeper {
  /** To read so many blocks takes some time; the more there are, the rarer keyframes are. */
  private static final int MANY_BLOCKS = 768;

  private static final int RAREST = 32; // so many times rarer at most

  /** After so many events a keyframe comes even if few steps were computed, or none. */
  static final int MANY_EVENTS = 5000;

  private final boolean wanted;
  private final EventSink sink;
  private final LongSupplier clock;
  private final KvCache kv;
  private final PrefixCache prefix;
  private final Queues queues;
  private final PoolReport pools;
  private final KeyframeReader reader;
  private final int every; // steps from one keyframe to the next
  private final LongAdder events; // so far, without the books'
  private Map<PageTable, Holds> told = new HashMap<>(); // the newest of each running sequence
  private long steps; // reported so far
  private long due; // how many steps were reported when the next keyframe comes
  private long dueEvents; // how many events there were when it comes even if no step is due
  private boolean flushed; // since the last keyframe

  /**
   * @param every how many steps lie between two keyframes
   * @param events counts the events of the engine, but those that are told here
   */
  BookKeeper(
      KvCache kv,
      PrefixCache prefix,
      Queues queues,
      PoolReport pools,
      KeyframeReader reader,
      int every,
      LongAdder events,
      EventSink sink,
      LongSupplier clock) {
    this.wanted = sink.wantsBooks();
    this.sink = sink;
    this.clock = clock;
    this.kv = kv;
    this.prefix = prefix;
    this.queues = queues;
    this.pools = pools;
    this.reader = reader;
    this.every = every;
    this.events = events;
    if (wanted) {
      prefix.book().watch();
    }
  }

  /** Begins the books, before anything happens. */
  void begin(TokenTexts texts) {
    if (wanted) {
      long now = clock.getAsLong();
      texts.all().ifPresent(all -> sink.accept(new Vocabulary(now, all)));
      keyframe(now);
    }
  }

  /** Reports a step that is settled, with what it changed. */
  void report(long nanos, Launched step) {
    step.planned().times().overlapped(steps).ifPresent(sink::accept);
    if (sink.wantsPageMap()) {
      pools.maps(nanos, queues.withPages()).forEach(sink::accept);
    }
    if (wanted) {
      changes(nanos);
      List<StepRows.Rows> rows = new ArrayList<>(step.segments().size());
      step.segments().forEach(segment -> rows.add(rows(segment)));
      sink.accept(new StepRows(nanos, steps, rows));
    }
    prefix.tiers(nanos).forEach(sink::accept);
    SparseReport.of(nanos, steps, step.reads()).ifPresent(sink::accept);
    sink.accept(step.planned().times().report(steps++, step, queues, pools.step()));
    if (wanted && (steps >= due || manyEvents())) {
      keyframe(nanos);
    }
  }

  private static StepRows.Rows rows(Segment s) {
    Choice c = s.choice();
    int prompt = s.decodes() ? 0 : s.pending();
    return new StepRows.Rows(c.request, c.id, s.from(), prompt, s.decodes() ? 1 : 0, s.drafts());
  }

  /** How many steps were reported. */
  long steps() {
    return steps;
  }

  /** The prefix cache was emptied. */
  void flushed() {
    flushed = true;
  }

  /** The engine is about to say that it rests: cancels and flushes have changed the books. */
  void resting(long nanos) {
    if (wanted) {
      changes(nanos);
    }
  }

  /** The engine has said that it rests. */
  void rested(long nanos) {
    if (wanted && (flushed || manyEvents())) {
      keyframe(nanos);
    }
  }

  private boolean manyEvents() {
    return events.sum() >= dueEvents;
  }

  private void keyframe(long nanos) {
    flushed = false;
    Keyframe frame = reader.read(nanos, steps - 1);
    sink.accept(frame);
    int blocks = frame.blocks().size();
    due = steps + (long) every * Math.min(1 + blocks / MANY_BLOCKS, RAREST);
    dueEvents = events.sum() + Math.max(MANY_EVENTS, blocks / 4);
  }

  /** Tells what changed since the last time. */
  private void changes(long nanos) {
    prefix.book().changes(nanos).forEach(sink::accept);
    List<Sequence> all = queues.withPages();
    Map<PageTable, Holds> now = HashMap.newHashMap(all.size());
    for (Sequence s : all) {
      Holds before = told.get(s.table()); // a table lives as long as its sequence runs
      int block = prefix.book().last(s.lease());
      boolean same = before != null && before.block() == block && same(before, s.table());
      Holds holds = same ? before : new Holds(nanos, s.request, s.id, block, runs(kv, s.table()));
      if (!same) {
        sink.accept(holds);
      }
      now.put(s.table(), holds);
    }
    told = now;
  }

  private static boolean same(Holds told, PageTable table) {
    for (int pool = 0; pool < told.pools().size(); pool++) {
      PageRun run = told.pools().get(pool);
      int first = table.first(pool);
      int[] pages = run.pages();
      if (run.first() != first
          || !Arrays.equals(pages, 0, pages.length, table.pages(pool), first, table.end(pool))) {
        return false;
      }
    }
    return true;
  }

  /** [pools] The pages of a table. */
  static List<PageRun> runs(KvCache kv, PageTable table) {
    List<PageRun> runs = new ArrayList<>();
    for (int pool = 0; pool < kv.geometry().pools(); pool++) {
      int first = table.first(pool);
      runs.add(new PageRun(first, Arrays.copyOfRange(table.pages(pool), first, table.end(pool))));
    }
    return runs;
  }
}
