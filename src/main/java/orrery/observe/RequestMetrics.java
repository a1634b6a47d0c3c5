package orrery.observe;

import io.prometheus.metrics.core.datapoints.CounterDataPoint;
import io.prometheus.metrics.core.datapoints.DistributionDataPoint;
import io.prometheus.metrics.core.datapoints.GaugeDataPoint;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.events.Event;

/**
 * Requests and their tokens as metrics. A request counts its prompt once, however many answers it
 * asks for; times are those of each answer.
 */
final class RequestMetrics {
  private final CounterDataPoint promptTokens;
  private final CounterDataPoint cachedTokens;
  private final CounterDataPoint generatedTokens;
  private final CounterDataPoint requests;
  private final CounterDataPoint aborted;
  private final CounterDataPoint failed;
  private final CounterDataPoint refused;
  private final CounterDataPoint retractions;
  private final CounterDataPoint retractedInput;
  private final CounterDataPoint retractedOutput;
  private final GaugeDataPoint retractedNow;
  private final GaugeDataPoint hitRate;
  private final DistributionDataPoint queueTime;
  private final DistributionDataPoint firstToken;
  private final DistributionDataPoint interToken;
  private final DistributionDataPoint endToEnd;

  private final Map<Integer, Ask> asks = new HashMap<>(); // by request
  private final Map<Integer, Flow> flows = new HashMap<>(); // by sequence
  private final List<Flow> moved = new ArrayList<>(); // with tokens of the step under way
  private long waitingTokens; // prompt tokens of requests that never ran
  private long hit; // tokens of prompts admitted in the step under way, from the prefix cache
  private long admitted; // all tokens of these prompts
  private int retracted; // sequences, in the step under way

  /** A request under way. */
  private static final class Ask {
    final long submitted; // nanoseconds
    final int promptTokens;
    int choices; // that have not ended
    boolean ran;
    boolean aborted;
    boolean failed;

    Ask(Event.Submitted e) {
      this.submitted = e.nanos();
      this.promptTokens = e.promptTokens();
      this.choices = e.choices();
    }
  }

  /** The tokens of a sequence under way. */
  private static final class Flow {
    final Ask ask;
    long told; // nanoseconds of the latest token whose time is in the histogram
    long latest; // nanoseconds of the latest token
    int fresh; // tokens since then

    Flow(Ask ask) {
      this.ask = ask;
    }
  }

  RequestMetrics(MetricFamilies f) {
    promptTokens =
        f.counter(
            "sglang:prompt_tokens", "Prompt tokens of requests that began to run, cached ones too");
    cachedTokens =
        f.counter("sglang:cached_tokens", "Prompt tokens that came from the prefix cache");
    generatedTokens = f.counter("sglang:generation_tokens", "Tokens of answers");
    requests = f.counter("sglang:num_requests", "Requests that ended, however they ended");
    aborted =
        f.counter(
            "sglang:num_aborted_requests", "Requests cut off: cancelled, or past their deadline");
    failed = f.counter("orrery:num_failed_requests", "Requests that ended in an error");
    refused = f.counter("orrery:num_refused_requests", "Submissions refused");
    retractions =
        f.counter("sglang:num_retracted_requests", "Retractions: pages given up under pressure");
    retractedInput =
        f.counter("sglang:num_retracted_input_tokens", "Prompt tokens to be computed again");
    retractedOutput =
        f.counter("sglang:num_retracted_output_tokens", "Answer tokens to be computed again");
    retractedNow = f.gauge("sglang:num_retracted_reqs", "Retractions in the latest step");
    hitRate =
        f.gauge(
            "sglang:cache_hit_rate",
            "Share of prompt tokens from the prefix cache, over the requests of the latest step"
                + " that admitted one");
    queueTime =
        f.seconds("sglang:queue_time_seconds", "From submission until the request first runs");
    firstToken =
        f.seconds(
            "sglang:time_to_first_token_seconds", "From submission to an answer's first token");
    interToken =
        f.seconds(
            "sglang:inter_token_latency_seconds",
            "Time of a token after the first; tokens of one step share its time equally");
    endToEnd =
        f.seconds(
            "sglang:e2e_request_latency_seconds",
            "From submission to the end of an answer that was not cut off");
  }

  void submitted(Event.Submitted e) {
    asks.put(e.request(), new Ask(e));
    waitingTokens += e.promptTokens();
  }

  void rejected() {
    refused.inc();
  }

  void admitted(Event.Admitted e) {
    Ask ask = flow(e.sequence(), e.request()).ask;
    if (!ask.ran) {
      ran(ask);
      int cached = Math.min(e.hit(), ask.promptTokens);
      queueTime.observe(seconds(e.nanos() - ask.submitted));
      promptTokens.inc(ask.promptTokens);
      cachedTokens.inc(cached);
      admitted += ask.promptTokens;
      hit += cached;
    }
  }

  private void ran(Ask ask) {
    ask.ran = true;
    waitingTokens -= ask.promptTokens;
  }

  void retracted(Event.Retracted e) {
    int prompt = Math.min(e.lost(), flow(e.sequence(), e.request()).ask.promptTokens);
    retractions.inc();
    retractedInput.inc(prompt);
    retractedOutput.inc(e.lost() - prompt);
    retracted++;
  }

  void token(Event.TokenOut e) {
    generatedTokens.inc();
    Flow flow = flow(e.sequence(), e.request());
    flow.latest = e.nanos();
    if (e.index() == 0) {
      firstToken.observe(seconds(e.nanos() - flow.ask.submitted));
      flow.told = e.nanos();
    } else if (flow.fresh++ == 0) {
      moved.add(flow);
    }
  }

  void finished(Event.Finished e) {
    Flow flow = flow(e.sequence(), e.request());
    tell(flow);
    Ask ask = flow.ask;
    switch (e.reason()) {
      case "abort" -> ask.aborted = true;
      case "error" -> ask.failed = true;
      default -> endToEnd.observe(seconds(e.nanos() - ask.submitted));
    }
    flows.remove(e.sequence());
    if (--ask.choices == 0) {
      ended(e.request(), ask);
    }
  }

  private void ended(int request, Ask ask) {
    asks.remove(request);
    requests.inc();
    if (ask.failed) {
      failed.inc();
    } else if (ask.aborted) {
      aborted.inc();
    }
    if (!ask.ran) {
      ran(ask);
    }
  }

  /** A step is over. */
  void step() {
    moved.forEach(this::tell);
    moved.clear();
    if (admitted > 0) {
      hitRate.set((double) hit / admitted);
      hit = 0;
      admitted = 0;
    }
    retractedNow.set(retracted);
    retracted = 0;
  }

  /** Prompt tokens of requests that never ran. */
  long waitingTokens() {
    return waitingTokens;
  }

  private void tell(Flow flow) {
    double each = seconds(flow.latest - flow.told) / Math.max(1, flow.fresh);
    for (; flow.fresh > 0; flow.fresh--) {
      interToken.observe(each);
    }
    flow.told = flow.latest;
  }

  private Flow flow(int sequence, int request) {
    Flow flow = flows.get(sequence);
    if (flow == null) {
      flow = new Flow(asks.get(request));
      flows.put(sequence, flow);
    }
    return flow;
  }

  static double seconds(long nanos) {
    return nanos / 1e9;
  }
}
