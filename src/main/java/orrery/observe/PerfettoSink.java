package orrery.observe;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.events.Event;

/**
 * A trace that <a href="https://ui.perfetto.dev">ui.perfetto.dev</a> and {@code chrome://tracing}
 * open: the Trace Event Format as an array of events, one a line, times in microseconds.
 *
 * <pre>
 *   engine    steps      [step 17                        ][step 18   ...
 *                        [plan][draft][launch    ][judge]..
 *             compute    [launch 17][decide 17][launch 18 ...     (if steps overlap; the lane above
 *                                                has plan 18, settle 16, plan 19, ... then)
 *             cache               ·evicted           ·inserted
 *             mover      [store][load 3 parts][store]   (if there is host memory)
 *             disk       [write][read 12 parts]         (if there are files behind that)
 *             requests   running, waiting       (counters)
 *             pages      free, idle, referenced  (of each pool)
 *             host slots free, whole, storing    (of each pool)
 *             entries, bytes from the host       (if a model's entries lie there)
 *   requests  request 0  [waiting][running                             ]
 *                                 [prefill ]·the ·cat ·sat ...
 *             request 1  [waiting            ][running][retracted][run...
 * </pre>
 *
 * <p>A span begins and ends with entries of their own (B and E), in the order of its lane. So a
 * trace that was cut off still opens. Spans of overlapping steps are written when their step is
 * done, so they are entries with a length (X), which may come in any order. A lane is a sequence:
 * one choice of one request.
 */
public final class PerfettoSink extends FileSink {
  private static final int ENGINE = 1; // process of the tracks of the engine
  private static final int REQUESTS = 2; // process of the lanes
  // Track numbers are unique. None is a process's: Perfetto would take it for a main thread.
  private static final int STEPS = 11;
  private static final int COMPUTE = 12; // if steps overlap
  private static final int CACHE = 13;
  private static final int MOVER = 14; // if there is host memory
  private static final int DISK = 15; // if there are files behind it
  private static final int FIRST_LANE = 101;

  private final Map<Integer, Lane> lanes = new HashMap<>(); // by sequence, those not finished
  private final Map<Integer, Lane> unnamed = new HashMap<>(); // by request: no sequence known yet
  private final EntryCounters entries = new EntryCounters(ENGINE);
  private int nextLane = FIRST_LANE;
  private long latest; // nanoseconds of the latest event
  private TraceEvents out; // null before the first event
  private Event.Overlapped overlapped; // of the next step that is done, or null
  private boolean laned; // whether the lane of the computing thread has its name
  private MoverLane mover; // null before its first event

  /** The open spans of a lane. */
  private static final class Lane {
    final int number;
    boolean prefilling; // inside "running"

    Lane(int number) {
      this.number = number;
    }
  }

  /**
   * Opens the file, which is emptied when the run begins.
   *
   * @throws IOException if that fails
   */
  public PerfettoSink(Path file) throws IOException {
    super(file);
  }

  private void start(JsonGenerator json) throws IOException {
    out = new TraceEvents(json);
    out.processName(ENGINE, "engine");
    out.processName(REQUESTS, "requests");
    out.threadName(ENGINE, STEPS, "steps");
    out.threadName(ENGINE, CACHE, "cache");
  }

  @Override
  void write(Event event, JsonGenerator json) throws IOException {
    if (out == null) {
      start(json);
    }
    latest = Math.max(latest, event.nanos());
    switch (event) {
      case Event.Submitted e -> {
        Lane lane = open(e.request(), "request " + e.request(), e.nanos(), "waiting");
        unnamed.put(e.request(), lane);
      }
      case Event.Admitted e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        out.end(REQUESTS, lane.number, e.nanos()).close();
        out.begin(REQUESTS, lane.number, e.nanos(), "running")
            .arg("prefix hit, tokens", e.hit())
            .arg("retractions", e.retractions())
            .close();
        out.begin(REQUESTS, lane.number, e.nanos(), "prefill").close();
        lane.prefilling = true;
      }
      case Event.Forked e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        out.end(REQUESTS, lane.number, e.nanos()).close();
        out.begin(REQUESTS, lane.number, e.nanos(), "running")
            .arg("shared with sequence", e.sibling())
            .arg("shared tokens", e.shared())
            .close();
      }
      case Event.Retracted e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        endPrefill(lane, e.nanos());
        out.end(REQUESTS, lane.number, e.nanos()).arg("lost tokens", e.lost()).close();
        out.begin(REQUESTS, lane.number, e.nanos(), "retracted").close();
      }
      case Event.TokenOut e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        endPrefill(lane, e.nanos());
        out.instant(REQUESTS, lane.number, e.nanos(), e.text().isEmpty() ? "·" : e.text())
            .arg("token", e.token())
            .arg("index", e.index())
            .arg("origin", e.origin().name().toLowerCase(Locale.ROOT))
            .close();
      }
      case Event.Queued e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        String queue = e.queue().name().toLowerCase(Locale.ROOT);
        out.instant(REQUESTS, lane.number, e.nanos(), "queue " + queue).close();
      }
      case Event.Verified e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        out.instant(
                REQUESTS,
                lane.number,
                e.nanos(),
                "accepted " + e.accepted() + " of " + e.drafts().length)
            .arg("drafts", Arrays.toString(e.drafts()))
            .arg("judged", e.judged())
            .arg("synthetic", String.valueOf(e.synthetic()))
            .close();
      }
      case Event.Finished e -> {
        Lane lane = lane(e.request(), e.sequence(), e.nanos());
        endPrefill(lane, e.nanos());
        out.end(REQUESTS, lane.number, e.nanos())
            .arg("finish reason", e.reason())
            .arg("prompt tokens", e.promptTokens())
            .arg("answer tokens", e.outputTokens())
            .close();
        lanes.remove(e.sequence());
      }
      case Event.PageMap e -> {} // its counts are in every step
      case Event.Books e -> {} // so are theirs
      case Event.Tiers e -> {
        mover = mover == null ? new MoverLane(out, ENGINE, MOVER, CACHE, DISK) : mover;
        mover.write(e);
      }
      case Event.Rejected e ->
          out.instant(ENGINE, STEPS, e.nanos(), "rejected a request").arg("why", e.why()).close();
      case Event.PrefixInserted e ->
          out.instant(ENGINE, CACHE, e.nanos(), "inserted " + e.tokens() + " tokens")
              .arg("sequence", e.sequence())
              .close();
      case Event.Evicted e ->
          out.instant(ENGINE, CACHE, e.nanos(), "evicted " + e.pages() + " pages")
              .arg("pool", e.pool())
              .close();
      case Event.Flushed e ->
          out.instant(ENGINE, CACHE, e.nanos(), "flushed " + e.blocks() + " blocks").close();
      case Event.Overlapped e -> overlapped = e;
      case Event.SparseReads e -> entries.read(out, e);
      case Event.Paused e -> out.instant(ENGINE, STEPS, e.nanos(), "paused").close();
      case Event.Resumed e -> out.instant(ENGINE, STEPS, e.nanos(), "resumed").close();
      case Event.Idle e -> counters(e.nanos(), e.running(), e.waiting(), e.pools());
      case Event.StepDone e -> step(e);
    }
  }

  private void step(Event.StepDone e) throws IOException {
    if (overlapped != null) {
      lanes(e, overlapped);
      overlapped = null;
    } else {
      phases(e);
    }
    counters(e.nanos(), e.running(), e.waiting(), e.pools());
  }

  /** A step of an engine that overlaps steps: its spans on the two lanes lie between others'. */
  private void lanes(Event.StepDone e, Event.Overlapped o) throws IOException {
    if (!laned) {
      out.threadName(ENGINE, COMPUTE, "compute");
      laned = true;
    }
    out.span(ENGINE, STEPS, o.plan(), o.planned(), "plan " + e.step())
        .arg("settled the step before first", o.settledFirst())
        .arg("admission stopped by", e.stop())
        .close();
    out.span(ENGINE, COMPUTE, o.launch(), o.computed(), "launch " + e.step())
        .arg("prompt rows", e.prefillRows())
        .arg("decode rows", e.decodeRows())
        .arg("draft rows", e.draftRows())
        .arg("padding rows", e.paddingRows())
        .close();
    out.span(ENGINE, COMPUTE, o.computed(), o.decided(), "decide " + e.step()).close();
    out.span(ENGINE, STEPS, o.settle(), e.nanos(), "settle " + e.step()).close();
  }

  private void phases(Event.StepDone e) throws IOException {
    long plan = e.nanos() - e.busyNanos();
    out.begin(ENGINE, STEPS, plan, "step " + e.step())
        .arg("prompt rows", e.prefillRows())
        .arg("decode rows", e.decodeRows())
        .arg("draft rows", e.draftRows())
        .arg("padding rows", e.paddingRows())
        .arg("admission stopped by", e.stop())
        .close();
    long at = part("plan", plan, e.planNanos());
    at = part("draft", at, e.draftNanos());
    at = part("launch", at, e.launchNanos());
    at = part("judge", at, e.judgeNanos());
    at = part("follow", at, e.followNanos());
    part("commit", at, e.commitNanos());
    out.end(ENGINE, STEPS, e.nanos()).close();
  }

  private void counters(long nanos, int running, int waiting, List<Event.PoolPages> pools)
      throws IOException {
    entries.done(out, nanos);
    out.counter(ENGINE, nanos, "requests").arg("running", running).arg("waiting", waiting).close();
    for (Event.PoolPages p : pools) {
      String pages = pools.size() == 1 ? "pages" : "pages, " + p.pool();
      out.counter(ENGINE, nanos, pages)
          .arg("referenced", p.referenced())
          .arg("idle", p.idle())
          .arg("free", p.free())
          .close();
    }
  }

  /** A phase of a step; returns its end. */
  private long part(String name, long from, long nanos) throws IOException {
    out.begin(ENGINE, STEPS, from, name).close();
    out.end(ENGINE, STEPS, from + nanos).close();
    return from + nanos;
  }

  private void endPrefill(Lane lane, long nanos) throws IOException {
    if (lane.prefilling) {
      out.end(REQUESTS, lane.number, nanos).close();
      lane.prefilling = false;
    }
  }

  /**
   * The lane of a sequence. The first sequence of a request takes the lane that the submission
   * opened. Another choice opens its own lane with its first event, which is its first token.
   */
  private Lane lane(int request, int sequence, long nanos) throws IOException {
    Lane lane = lanes.get(sequence);
    if (lane == null) {
      lane = unnamed.remove(request);
      if (lane == null) {
        lane = open(request, "request " + request + ", sequence " + sequence, nanos, "waiting");
      }
      lanes.put(sequence, lane);
    }
    return lane;
  }

  private Lane open(int request, String name, long nanos, String state) throws IOException {
    Lane lane = new Lane(nextLane++);
    out.threadName(REQUESTS, lane.number, name);
    out.begin(REQUESTS, lane.number, nanos, state).arg("request", request).close();
    return lane;
  }

  /** Ends all open spans at the end of the trace, so that every begin has its end. */
  @Override
  void finish(JsonGenerator json) throws IOException {
    if (out == null) {
      start(json);
    }
    unnamed.values().forEach(lane -> lanes.put(-lane.number, lane));
    for (Lane lane : lanes.values()) {
      endPrefill(lane, latest);
      out.end(REQUESTS, lane.number, latest).arg("finish reason", "the trace ended").close();
    }
    out.close();
  }
}
