package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * Runs variants of a workload alternately, there and back like {@link Trial}: A B C, C B A, … So a
 * change of the machine's speed hits all of them. The first rounds, in which the JIT still
 * compiles, do not count: at least two rounds, and at least {@link #WARM_UP_SECONDS} seconds.
 */
final class Rounds {
  static final int WARM_UP_ROUNDS = 2;
  static final int WARM_UP_SECONDS = 5;

  private Rounds() {}

  /**
   * A way to run the workload.
   *
   * @param run runs the workload of a round; in each round it must be the same for all variants
   */
  record Variant(String name, IntFunction<Trace> run) {
    Variant(String name, Supplier<Trace> run) {
      this(name, round -> run.get());
    }
  }

  /** All runs of one variant that count, in order. */
  record Series(String name, List<Trace> traces) {
    double[] values(ToDoubleFunction<Trace> of) {
      return traces.stream().mapToDouble(of).toArray();
    }

    Spread of(ToDoubleFunction<Trace> of) {
      return Spread.of(values(of));
    }

    /** The figure here over the figure there, round by round. */
    double[] over(Series other, ToDoubleFunction<Trace> of) {
      double[] here = values(of);
      double[] there = other.values(of);
      double[] ratios = new double[here.length];
      for (int i = 0; i < ratios.length; i++) {
        ratios[i] = here[i] / there[i];
      }
      return ratios;
    }

    /** The run of median time, which is the one to draw. */
    Trace typical() {
      List<Trace> sorted = new ArrayList<>(traces);
      sorted.sort(java.util.Comparator.comparingDouble(Trace::seconds));
      return sorted.get(sorted.size() / 2);
    }
  }

  static List<Series> run(LabSettings settings, int rounds, List<Variant> variants) {
    warmUp(settings, variants);
    return measure(settings, rounds, variants);
  }

  /** Warms up once for several workloads that run the same code. */
  static void warmUp(LabSettings settings, List<Variant> variants) {
    long warmUntil = System.nanoTime() + WARM_UP_SECONDS * 1_000_000_000L;
    for (int round = 0; !warm(settings, round, warmUntil); round++) {
      round(settings, round, variants);
    }
  }

  /** Measures without warming up. */
  static List<Series> measure(LabSettings settings, int rounds, List<Variant> variants) {
    List<List<Trace>> traces = new ArrayList<>(); // [variant][round]
    variants.forEach(v -> traces.add(new ArrayList<>()));
    int measured = settings.quick() ? 1 : rounds;
    for (int round = 0; round < measured; round++) {
      Trace[] run = round(settings, round, variants);
      for (int v = 0; v < run.length; v++) {
        traces.get(v).add(run[v]);
      }
    }
    List<Series> all = new ArrayList<>();
    for (int v = 0; v < variants.size(); v++) {
      all.add(new Series(variants.get(v).name(), traces.get(v)));
    }
    return all;
  }

  private static boolean warm(LabSettings settings, int rounds, long until) {
    return settings.quick() || rounds >= WARM_UP_ROUNDS && System.nanoTime() >= until;
  }

  /** One run of each variant; every other round goes back to front. */
  private static Trace[] round(LabSettings settings, int round, List<Variant> variants) {
    Trace[] traces = new Trace[variants.size()]; // [variant]
    for (int i = 0; i < traces.length; i++) {
      int v = round % 2 == 0 ? i : traces.length - 1 - i;
      if (!settings.quick()) {
        System.gc(); // the garbage of the last engine is not this one's cost
      }
      traces[v] = variants.get(v).run().apply(round);
    }
    return traces;
  }
}
