package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import orrery.events.Event;
import orrery.events.Event.StepDone;

/** The events of one run, and the figures that can be read from them. */
final class Trace {
  private final List<Event> events;
  private final List<StepDone> steps;

  Trace(List<Event> events) {
    this.events = List.copyOf(events);
    this.steps = all(StepDone.class);
  }

  /** The events of one kind. */
  <E extends Event> List<E> all(Class<E> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  List<Event> events() {
    return events;
  }

  List<StepDone> steps() {
    return steps;
  }

  private long sum(ToLongFunction<StepDone> rows) {
    return steps.stream().mapToLong(rows).sum();
  }

  /** Requests that came. */
  int requests() {
    return all(Event.Submitted.class).size();
  }

  /** From the first arrival to the last end. */
  double seconds() {
    long first = all(Event.Submitted.class).getFirst().nanos();
    return (all(Event.Finished.class).getLast().nanos() - first) / 1e9;
  }

  /** Tokens of all answers. */
  double tokens() {
    return all(Event.TokenOut.class).size();
  }

  double tokensPerSecond() {
    return tokens() / seconds();
  }

  double rows() {
    return sum(StepDone::rows);
  }

  double prefillRows() {
    return sum(StepDone::prefillRows);
  }

  /** Of 100 computed rows, those of a sequence: all but padding. */
  double usefulPercent() {
    return 100 * (1 - sum(StepDone::paddingRows) / rows());
  }

  /** Prompt tokens that came from the prefix cache when their request first ran. */
  double hitTokens() {
    return hits(false);
  }

  private double hits(boolean again) {
    return all(Event.Admitted.class).stream()
        .filter(a -> a.retractions() > 0 == again)
        .mapToInt(Event.Admitted::hit)
        .sum();
  }

  /** {@link #hitTokens} of 100 prompt tokens. */
  double hitPercent() {
    return 100
        * hitTokens()
        / all(Event.Submitted.class).stream().mapToInt(Event.Submitted::promptTokens).sum();
  }

  double retractions() {
    return all(Event.Retracted.class).size();
  }

  /** Computed tokens that retracted requests gave up. */
  double lostTokens() {
    return all(Event.Retracted.class).stream().mapToInt(Event.Retracted::lost).sum();
  }

  /** Those of {@link #lostTokens} that the prefix cache did not have when the request came back. */
  double recomputedTokens() {
    return lostTokens() - hits(true);
  }

  double meanRunning() {
    return mean(s -> s.running());
  }

  double mostRunning() {
    return steps.stream().mapToInt(StepDone::running).max().orElse(0);
  }

  /** Of 100 pages, those that sequences hold, as a mean over the steps. */
  double pagesPercent() {
    return mean(Trace::pagesPercent);
  }

  static double pagesPercent(StepDone s) {
    Event.PoolPages p = s.pages();
    return 100.0 * p.referenced() / p.total();
  }

  private double mean(ToDoubleFunction<StepDone> of) {
    return steps.stream().mapToDouble(of).average().orElse(0);
  }

  /** Milliseconds from arrival to first token, [requests], ascending. */
  double[] ttft() {
    return sinceArrival(Event.TokenOut.class, Event.TokenOut::request);
  }

  double meanTtft() {
    return Arrays.stream(ttft()).average().orElseThrow();
  }

  double mostTtft() {
    return Spread.quantile(ttft(), 1);
  }

  /** Milliseconds from arrival to the first row. */
  double meanWait() {
    double[] waits = sinceArrival(Event.Admitted.class, Event.Admitted::request);
    return Arrays.stream(waits).average().orElseThrow();
  }

  private <E extends Event> double[] sinceArrival(
      Class<E> kind, java.util.function.ToIntFunction<E> request) {
    Map<Integer, Long> first = new HashMap<>();
    all(kind).forEach(e -> first.putIfAbsent(request.applyAsInt(e), e.nanos()));
    return all(Event.Submitted.class).stream()
        .mapToDouble(s -> (first.get(s.request()) - s.nanos()) / 1e6)
        .sorted()
        .toArray();
  }

  /** Milliseconds from arrival to first token of one request. */
  double ttft(int request) {
    long arrival = arrival(request);
    return (firstToken(request) - arrival) / 1e6;
  }

  private long arrival(int request) {
    return all(Event.Submitted.class).stream()
        .filter(s -> s.request() == request)
        .findFirst()
        .orElseThrow()
        .nanos();
  }

  private long firstToken(int request) {
    return all(Event.TokenOut.class).stream()
        .filter(t -> t.request() == request)
        .findFirst()
        .orElseThrow()
        .nanos();
  }

  /**
   * Milliseconds between two tokens of the same answer, of the requests before {@code request}
   * while it waits for its first token; ascending.
   */
  double[] gapsDuring(int request) {
    return gapsDuring(request, request);
  }

  /**
   * Milliseconds between two tokens of the same answer, of the requests before {@code first}, from
   * the arrival of {@code first} to the first token of {@code last}; ascending.
   */
  double[] gapsDuring(int first, int last) {
    long from = arrival(first);
    long to = firstToken(last);
    Map<Integer, Long> newest = new HashMap<>(); // token of each sequence
    List<Double> gaps = new ArrayList<>();
    for (Event.TokenOut t : all(Event.TokenOut.class)) {
      Long before = newest.put(t.sequence(), t.nanos());
      if (before != null && t.request() < first && t.nanos() > from && before < to) {
        gaps.add((t.nanos() - before) / 1e6);
      }
    }
    return gaps.stream().mapToDouble(g -> g).sorted().toArray();
  }

  /** Median microseconds of the forward pass for a decoded row, over steps of only such rows. */
  double microsPerDecodedRow(int rows) {
    double[] micros =
        steps.stream()
            .filter(s -> s.rows() == rows && s.decodeRows() == rows)
            .mapToDouble(s -> s.launchNanos() / 1e3 / rows)
            .sorted()
            .toArray();
    return Spread.quantile(micros, 0.5);
  }

  /** Rows per second of the steps that have only prompt rows, or only decoding ones. */
  double rate(boolean prefill) {
    long before = all(Event.Submitted.class).getFirst().nanos();
    long nanos = 0;
    long rows = 0;
    for (StepDone s : steps) {
      if (prefill ? s.decodeRows() == 0 : s.prefillRows() == 0) {
        nanos += s.nanos() - before;
        rows += s.rows();
      }
      before = s.nanos();
    }
    return rows / (nanos / 1e9);
  }
}
