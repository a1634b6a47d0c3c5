package orrery.observe;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import orrery.events.Event;
import orrery.events.Event.Origin;
import orrery.events.Event.PoolPages;

/**
 * What metrics cost the engine's thread for an event, and a reader for a page of them: 32 requests
 * with 64 tokens each, and a step for every 32 tokens.
 *
 * <p>{@code mvn -q test-compile exec:exec@jmh -Djmh="MetricsBenchmark"}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class MetricsBenchmark {
  private static final int REQUESTS = 32;
  private static final int TOKENS = 64;
  private static final int EVENTS = REQUESTS * (TOKENS + 3) + TOKENS;

  private final Metrics metrics = new Metrics("benchmark");
  private final List<Event> events = new ArrayList<>(); // [EVENTS]

  @Setup
  public void setUp() {
    List<PoolPages> pools = List.of(new PoolPages("all", 16, 1000, 100, 50, 0));
    long now = 0;
    for (int r = 0; r < REQUESTS; r++) {
      events.add(new Event.Submitted(now++, r, 50, TOKENS, 1, new int[0]));
      events.add(new Event.Admitted(now++, r, r, 16, 0));
    }
    for (int t = 0; t < TOKENS; t++) {
      for (int r = 0; r < REQUESTS; r++) {
        events.add(new Event.TokenOut(now++, r, r, t, 7, "x", Origin.PLAIN, Float.NaN, List.of()));
      }
      events.add(
          new Event.StepDone(
              now++, t, 0, REQUESTS, 0, 0, REQUESTS, 0, pools, "", 1, 1, 1, 1, 1, 1));
    }
    for (int r = 0; r < REQUESTS; r++) {
      events.add(new Event.Finished(now++, r, r, "length", 50, TOKENS, ""));
    }
  }

  @Benchmark
  @OperationsPerInvocation(EVENTS)
  public void event() {
    for (Event event : events) {
      metrics.accept(event);
    }
  }

  @Benchmark
  public byte[] page() {
    return metrics.text();
  }
}
