package orrery.lab;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.events.Event;

/**
 * How an engine serves a number of clients that never pause: what each of them gets, and what all
 * get together.
 *
 * <p>Two definitions are those of public serving benchmarks. <em>TTFT</em>, the time to first
 * token, goes from a request's arrival to its first token. <em>TPOT</em>, the time per output
 * token, goes from the first token to the last one, over one token less than the answer has.
 *
 * @param concurrency clients, each with one request at a time
 * @param interactivity tokens a second that a user reads: 1 / the median TPOT
 * @param whole the same with the wait for the first token: tokens of an answer over the time from
 *     arrival to its end, median
 * @param ttft median TTFT, milliseconds
 * @param total tokens a second of prompts and answers together
 * @param output tokens a second of answers
 * @param verified tokens that a verification of drafts gave; 0 without drafts
 */
record OperatingPoint(
    int concurrency,
    double interactivity,
    double whole,
    double ttft,
    double total,
    double output,
    double verified) {

  /** Median TPOT, milliseconds. */
  double tpot() {
    return 1000 / interactivity;
  }

  /**
   * Reads a point from the events of a closed loop. Nothing counts until as many requests have
   * ended as there are clients: until then the clients are in step with each other. From there on
   * {@code requests} ends of requests count. Tokens count by when they came, a prompt with its
   * first token; times count of those requests that ended.
   *
   * @param events from the first arrival on
   * @param requests at least 1
   * @throws IllegalArgumentException if fewer requests ended
   */
  static OperatingPoint of(List<Event> events, int concurrency, int requests) {
    Window window = new Window();
    for (Event e : events) {
      boolean counts = window.ended >= concurrency && window.ended < concurrency + requests;
      switch (e) {
        case Event.Submitted s -> window.arrivals.put(s.request(), s);
        case Event.TokenOut t -> window.token(t, counts);
        case Event.Verified v -> window.verifications += counts ? 1 : 0;
        case Event.Finished f -> window.end(f, counts);
        default -> {}
      }
      if (window.ended == concurrency && window.from < 0) {
        window.from = e.nanos();
      }
      if (window.ended == concurrency + requests) {
        return window.point(concurrency, e.nanos());
      }
    }
    throw new IllegalArgumentException(
        "expected " + (concurrency + requests) + " ended requests, found " + window.ended);
  }

  /** What was counted so far. */
  private static final class Window {
    private final Map<Integer, Event.Submitted> arrivals = new HashMap<>(); // by request
    private final Map<Integer, long[]> tokens = new HashMap<>(); // by request: first, last nanos
    private final List<Double> ttft = new ArrayList<>(); // milliseconds
    private final List<Double> tpot = new ArrayList<>(); // milliseconds
    private final List<Double> whole = new ArrayList<>(); // tokens a second
    private long from = -1; // nanoseconds
    private long prompts; // tokens
    private long answers; // tokens
    private long verifications;
    private long verified; // tokens
    private int ended;

    private void token(Event.TokenOut t, boolean counts) {
      long[] times = tokens.get(t.request());
      if (times == null) {
        tokens.put(t.request(), new long[] {t.nanos(), t.nanos()});
        prompts += counts ? arrivals.get(t.request()).promptTokens() : 0;
      } else {
        times[1] = t.nanos();
      }
      answers += counts ? 1 : 0;
      verified += counts && t.origin() != Event.Origin.PLAIN ? 1 : 0;
    }

    private void end(Event.Finished f, boolean counts) {
      ended++;
      long[] times = tokens.get(f.request());
      if (counts && times != null) {
        long arrival = arrivals.get(f.request()).nanos();
        ttft.add((times[0] - arrival) / 1e6);
        whole.add(f.outputTokens() / ((times[1] - arrival) / 1e9));
        if (f.outputTokens() > 1) {
          tpot.add((times[1] - times[0]) / 1e6 / (f.outputTokens() - 1));
        }
      }
    }

    private OperatingPoint point(int concurrency, long until) {
      double seconds = (until - from) / 1e9;
      return new OperatingPoint(
          concurrency,
          1000 / median(tpot),
          median(whole),
          median(ttft),
          (prompts + answers) / seconds,
          answers / seconds,
          verifications == 0 ? 0 : (double) verified / verifications);
    }

    private static double median(List<Double> sample) {
      return Spread.of(sample.stream().mapToDouble(v -> v).toArray()).median();
    }
  }
}
