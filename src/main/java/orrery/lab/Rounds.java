package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * Runs variants of a workload side by side, there and back like {@link Trial}: A B C, C B A, … so
 * that what the machine does meanwhile hits all of them. The first two rounds warm up and do not
 * count.
 */
final class Rounds {
  private static final int WARM_UP = 2;

  private Rounds() {}

  /** A way to run the workload. */
  record Variant(String name, Supplier<Trace> run) {}

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

    /** The run in the middle, by time: the one to draw. */
    Trace typical() {
      List<Trace> sorted = new ArrayList<>(traces);
      sorted.sort(java.util.Comparator.comparingDouble(Trace::seconds));
      return sorted.get(sorted.size() / 2);
    }
  }

  static List<Series> run(LabSettings settings, int rounds, List<Variant> variants) {
    List<List<Trace>> traces = new ArrayList<>(); // [variant][round]
    variants.forEach(v -> traces.add(new ArrayList<>()));
    int warmUp = settings.quick() ? 0 : WARM_UP;
    int measured = settings.quick() ? 1 : rounds;
    for (int round = -warmUp; round < measured; round++) {
      for (int i = 0; i < variants.size(); i++) {
        int v = round % 2 == 0 ? i : variants.size() - 1 - i;
        if (!settings.quick()) {
          System.gc(); // the garbage of the last engine is not this one's cost
        }
        Trace trace = variants.get(v).run().get();
        if (round >= 0) {
          traces.get(v).add(trace);
        }
      }
    }
    List<Series> all = new ArrayList<>();
    for (int v = 0; v < variants.size(); v++) {
      all.add(new Series(variants.get(v).name(), traces.get(v)));
    }
    return all;
  }
}
