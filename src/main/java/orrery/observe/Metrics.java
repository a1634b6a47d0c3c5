package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.List;
import orrery.events.Event;
import orrery.events.Event.PoolPages;
import orrery.events.EventSink;

/**
 * What the engine does, as metrics for Prometheus, counted from events alone. The names are
 * SGLang's, so that its dashboards work. Those of speculation are there under vLLM's names too,
 * which vLLM's load generator reads, and those of sparse offload, for which we know none of SGLang;
 * what neither has begins with {@code orrery:}.
 *
 * <pre>
 *   Submitted ── queue_time ── Admitted ──────── TokenOut 0 ── ITL ── TokenOut 1 ··· Finished
 *       └────────── time_to_first_token ────────────┘                                    │
 *       └────────────────────────────── e2e_request_latency ─────────────────────────────┘
 * </pre>
 *
 * <p>The engine's thread counts, and any other thread reads ({@link #text}, {@link #load}) without
 * making it wait.
 */
public final class Metrics implements EventSink {
  /** The content type of {@link #text}. */
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private final MetricFamilies families;
  private final RequestMetrics requests;
  private final SpeculationMetrics speculation;
  private final PageMetrics pages;
  private final TierMetrics tiers;
  private final DisaggregationMetrics disaggregation;
  private final SparseMetrics sparse;
  private final GaugeDataPoint running;
  private final GaugeDataPoint waiting;
  private final GaugeDataPoint paused;
  private final CounterDataPoint steps;
  private final CounterDataPoint flushes;
  private final CounterDataPoint[] rows; // [kind of row] see ROWS
  private volatile Load load = new Load(0, 0, 0, List.of());

  private static final List<String> ROWS = List.of("prompt", "decode", "draft", "padding");

  /**
   * How busy the engine is.
   *
   * @param running sequences that run
   * @param waiting sequences that wait
   * @param waitingTokens prompt tokens of the requests that never ran
   * @param pools each pool's pages, the pool whose rows live longest first; empty before the first
   *     step
   */
  public record Load(int running, int waiting, long waitingTokens, List<PoolPages> pools) {}

  /**
   * @param modelName value of the label {@code model_name}
   */
  public Metrics(String modelName) {
    families = new MetricFamilies(modelName);
    requests = new RequestMetrics(families);
    speculation = new SpeculationMetrics(families);
    pages = new PageMetrics(families);
    tiers = new TierMetrics(families);
    disaggregation = new DisaggregationMetrics(families);
    sparse = new SparseMetrics(families);
    running = families.gauge("sglang:num_running_reqs", "Sequences that run");
    waiting = families.gauge("sglang:num_queue_reqs", "Sequences that wait");
    paused = families.gauge("orrery:paused", "1 while the engine is paused, else 0");
    steps = families.counter("orrery:steps", "Steps of the engine");
    flushes = families.counter("orrery:cache_flushes", "Times that the prefix cache was emptied");
    Counter byKind = families.counters("orrery:rows", "Rows computed, by their kind", "kind");
    rows = ROWS.stream().map(kind -> byKind.labelValues(kind)).toArray(CounterDataPoint[]::new);
  }

  @Override
  public void accept(Event event) {
    switch (event) {
      case Event.Submitted e -> {
        requests.submitted(e);
        stand(load.running(), load.waiting() + 1, load.pools()); // until a step says it
      }
      case Event.Admitted e -> requests.admitted(e);
      case Event.Retracted e -> requests.retracted(e);
      case Event.TokenOut e -> {
        requests.token(e);
        speculation.token(e);
      }
      case Event.Verified e -> speculation.verified(e);
      case Event.Finished e -> {
        requests.finished(e);
        disaggregation.finished(e);
      }
      case Event.Rejected e -> requests.rejected();
      case Event.Evicted e -> pages.evicted(e);
      case Event.Flushed e -> flushes.inc();
      case Event.Overlapped e -> {}
      case Event.SparseReads e -> sparse.read(e);
      case Event.Paused e -> paused.set(1);
      case Event.Resumed e -> paused.set(0);
      case Event.Queued e -> disaggregation.queued(e);
      case Event.Idle e -> {
        requests.step();
        speculation.idle();
        pages.pools(e.pools());
        stand(e.running(), e.waiting(), e.pools());
      }
      case Event.StepDone e -> step(e);
      case Event.Forked e -> {} // its tokens and its end are counted
      case Event.PrefixInserted e -> {} // its pages are in the next StepDone
      case Event.PageMap e -> {} // its counts are in the next StepDone
      case Event.Books e -> {} // so are theirs
      case Event.Tiers e -> tiers.accept(e);
    }
  }

  private void step(Event.StepDone e) {
    requests.step();
    speculation.step(e);
    pages.pools(e.pools());
    steps.inc();
    rows[0].inc(e.prefillRows());
    rows[1].inc(e.decodeRows());
    rows[2].inc(e.draftRows());
    rows[3].inc(e.paddingRows());
    stand(e.running(), e.waiting(), e.pools());
  }

  private void stand(int runs, int waits, List<PoolPages> pools) {
    running.set(runs);
    waiting.set(waits);
    load = new Load(runs, waits, requests.waitingTokens(), pools);
  }

  /** How busy the engine was at its latest step, with the requests that came since. */
  public Load load() {
    return load;
  }

  /** Steps of the engine so far. */
  public long steps() {
    return (long) steps.get();
  }

  /** Tokens that a verification gave on average since the start; 0 if there was none. */
  public double acceptLength() {
    return speculation.acceptLength();
  }

  /** Tokens of answers per second, in the latest window of 40 steps or a second; 0 at rest. */
  public double throughput() {
    return speculation.throughput();
  }

  /** All metrics in Prometheus' text format 0.0.4, in UTF-8. */
  public byte[] text() {
    return families.text();
  }
}
