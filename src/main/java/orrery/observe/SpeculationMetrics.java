package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import io.prometheus.metrics.core.metrics.Counter;
import java.util.ArrayList;
import java.util.List;
import orrery.events.Event;
import orrery.events.Event.Origin;

/**
 * Drafts, and the pace of tokens, as metrics. Gauges show a <em>window</em>: at least 40 steps
 * (SGLang's {@code decode_log_interval}) or one second, or less if the engine comes to rest.
 * Counters say the same of any other span.
 */
final class SpeculationMetrics {
  private static final int WINDOW_STEPS = 40;
  private static final long WINDOW_NANOS = 1_000_000_000L;

  private final CounterDataPoint verifyCalls;
  private final CounterDataPoint drafts;
  private final CounterDataPoint draftTokens;
  private final CounterDataPoint acceptedTokens;
  private final CounterDataPoint verifiedTokens;
  private final Counter acceptedPerPosition;
  private final List<CounterDataPoint> positions = new ArrayList<>(); // of acceptedPerPosition
  private final GaugeDataPoint acceptLength;
  private final GaugeDataPoint acceptRate;
  private final GaugeDataPoint throughput;

  // of the window
  private long begin = -1; // nanoseconds; -1 while the engine rests
  private int steps;
  private long tokens;
  private long verified; // tokens that verifications gave
  private long verifications;
  private long drafted;
  private long accepted;

  SpeculationMetrics(MetricFamilies f) {
    verifyCalls = f.counter("sglang:spec_verify_calls", "Verifications of a sequence's drafts");
    drafts = f.counter("vllm:spec_decode_num_drafts", "Verifications of a sequence's drafts");
    draftTokens = f.counter("vllm:spec_decode_num_draft_tokens", "Drafts verified");
    acceptedTokens =
        f.counter("vllm:spec_decode_num_accepted_tokens", "Drafts that became part of an answer");
    acceptedPerPosition =
        f.counters(
            "vllm:spec_decode_num_accepted_tokens_per_pos",
            "Drafts that became part of an answer, by their position among the drafts",
            "position");
    verifiedTokens =
        f.counter("orrery:spec_verified_tokens", "Tokens that verifications gave to answers");
    acceptLength =
        f.gauge(
            "sglang:spec_accept_length",
            "Tokens that a verification gave on average, in the latest window with one");
    acceptRate =
        f.gauge(
            "sglang:spec_accept_rate", "Share of drafts accepted, in the latest window with one");
    throughput =
        f.gauge(
            "sglang:gen_throughput",
            "Tokens of answers per second in the latest window of 40 steps or a second; 0 at rest");
  }

  void token(Event.TokenOut e) {
    tokens++;
    if (e.origin() != Origin.PLAIN) {
      verified++;
      verifiedTokens.inc();
    }
  }

  void verified(Event.Verified e) {
    verifications++;
    drafted += e.drafts().length;
    accepted += e.accepted();
    verifyCalls.inc();
    drafts.inc();
    draftTokens.inc(e.drafts().length);
    acceptedTokens.inc(e.accepted());
    for (int i = 0; i < e.drafts().length; i++) {
      if (i == positions.size()) { // so that positions are there with 0, too
        positions.add(acceptedPerPosition.labelValues(String.valueOf(i)));
      }
      if (i < e.accepted()) {
        positions.get(i).inc();
      }
    }
  }

  void step(Event.StepDone e) {
    begin = begin < 0 ? e.nanos() - e.busyNanos() : begin;
    steps++;
    if (steps >= WINDOW_STEPS || e.nanos() - begin >= WINDOW_NANOS) {
      throughput.set(tokens / ((e.nanos() - begin) / 1e9));
      close();
      begin = e.nanos();
    }
  }

  /** The engine rests. */
  void idle() {
    throughput.set(0);
    close();
    begin = -1;
  }

  private void close() {
    if (verifications > 0) {
      acceptLength.set((double) verified / verifications);
    }
    if (drafted > 0) { // a verification may have had no draft
      acceptRate.set((double) accepted / drafted);
    }
    steps = 0;
    tokens = 0;
    verified = 0;
    verifications = 0;
    drafted = 0;
    accepted = 0;
  }

  /** Tokens that a verification gave on average since the start; 0 if there was none. */
  double acceptLength() {
    double all = drafts.get();
    return all == 0 ? 0 : verifiedTokens.get() / all;
  }

  double throughput() {
    return throughput.get();
  }
}
