package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.speculation.SpeculationOptions.Algorithm;

/**
 * Runs configurations in closed loops, each in an engine of its own. All have the same bytes for
 * the KV cache, and in a round the same requests in the same order.
 */
final class FrontierRuns {
  private static final long LARGE_BYTES = 64L << 20; // of a token's weights: a step takes ms
  private static final int CONTEXTS = 8; // of float32 that the memory has room for
  private static final int SLACK = 32; // tokens: a page, and an MTP layer's margin
  private static final long WARM_UP_SECONDS = 10;
  private static final int WARM_UP_CONCURRENCY = 8;

  private final Subject s;
  private final FrontierLoad load;
  private final Consumer<String> progress;

  /** A configuration at a number of clients. */
  record Variant(FrontierConfiguration configuration, int concurrency) {}

  FrontierRuns(Subject s, FrontierLoad load, Consumer<String> progress) {
    this.s = s;
    this.load = load;
    this.progress = progress;
  }

  /** Whether the model's weights come from memory, so that a run takes seconds. */
  static boolean large(Subject s) {
    return s.loaded().model().info().activeBytes() > LARGE_BYTES;
  }

  /** Requests that count at a number of clients: a multiple of it, if it is not small. */
  int requests(int concurrency) {
    return s.settings().quick()
        ? Math.max(2, concurrency)
        : large(s) ? Math.max(3, concurrency) : Math.max(12, 2 * concurrency);
  }

  /** The longest sequence that the load has. */
  int context() {
    return load.context() + SLACK;
  }

  /** Bytes of the KV cache that each configuration has. */
  long bytes() {
    return (long) CONTEXTS * context() * bytesPerToken(false, KvDtype.F32);
  }

  private long bytesPerToken(boolean mtp, KvDtype dtype) {
    KvLayout layout = s.loaded().model().kvLayout(mtp, dtype);
    return layout.bytesPerPage(layout.unit()) / layout.unit();
  }

  /** The options with the memory that all have. */
  EngineOptions sized(EngineOptions o) {
    boolean mtp = o.speculation().algorithm() == Algorithm.MTP;
    long tokens = bytes() / bytesPerToken(mtp, o.kv().kvCacheDtype());
    return o.withKv(kv -> kv.withContextLength(context()).withMaxTotalTokens((int) tokens));
  }

  /** One run; the round decides which requests come. */
  OperatingPoint run(LoadedModel loaded, EngineOptions options, int concurrency, int round) {
    int requests = requests(concurrency);
    Draw draw = new Draw(s.settings().seed() + round, loaded.model().vocab());
    List<Job> jobs = load.jobs(draw, ClosedLoop.jobs(concurrency, requests));
    if (!s.settings().quick()) {
      System.gc(); // the garbage of the last engine is not this one's cost
    }
    return OperatingPoint.of(
        ClosedLoop.run(loaded, sized(options), jobs, concurrency, requests), concurrency, requests);
  }

  private OperatingPoint run(Variant v, int round) {
    FrontierConfiguration c = v.configuration;
    return run(c.loaded(), c.at().apply(v.concurrency), v.concurrency, round);
  }

  /** Lets the JIT compile what the configurations run. */
  void warmUp(List<FrontierConfiguration> all) {
    long until = System.nanoTime() + WARM_UP_SECONDS * 1_000_000_000L;
    for (int i = 0; !s.settings().quick() && (i == 0 || System.nanoTime() < until); i++) {
      for (FrontierConfiguration c : all) {
        Trial.requireGoingOn();
        run(new Variant(c, WARM_UP_CONCURRENCY), 0);
      }
    }
    progress.accept("warmed up");
  }

  /** Measures all configurations alternately, there and back. */
  List<FrontierCurve> measure(List<FrontierConfiguration> all, List<Integer> concurrencies) {
    List<Variant> variants = new ArrayList<>();
    List<FrontierCurve> curves = new ArrayList<>();
    for (FrontierConfiguration c : all) {
      concurrencies.forEach(n -> variants.add(new Variant(c, n)));
      curves.add(new FrontierCurve(c.name(), new ArrayList<>()));
    }
    int rounds = s.settings().quick() ? 1 : s.settings().rounds();
    for (int round = 0; round < rounds; round++) {
      long start = System.nanoTime();
      OperatingPoint[] points = new OperatingPoint[variants.size()]; // [variants]
      for (int i = 0; i < points.length; i++) {
        Trial.requireGoingOn();
        int v = round % 2 == 0 ? i : points.length - 1 - i;
        points[v] = run(variants.get(v), round);
      }
      for (int c = 0; c < all.size(); c++) {
        int from = c * concurrencies.size();
        List<OperatingPoint> own = List.of(points).subList(from, from + concurrencies.size());
        curves.get(c).rounds().add(own);
      }
      progress.accept(
          "round %d of %d took %d s, load %s"
              .formatted(
                  round + 1, rounds, (System.nanoTime() - start) / 1_000_000_000, Machine.load()));
    }
    return curves;
  }
}
