package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.quantization.WeightFormat;

/**
 * Products of one row with weights that no cache holds: each should take no longer than the read.
 */
final class MemoryTable {
  private MemoryTable() {}

  /** Returns the plain read of one thread, the better of two ways, in GB/s. */
  static double print(
      Sheet sheet,
      Kernels kernels,
      Team one,
      Team all,
      List<PackedMatrix> weights,
      double seconds) {
    PackedMatrix f32 = weights.get(0);
    PackedMatrix bf16 = weights.get(1);
    int[] plain = new int[(int) (bf16.bytes() / 4)]; // the bytes of the bf16 weights
    for (int i = 0; i < plain.length; i++) {
      plain[i] = i;
    }
    sheet.title(
        "one row from memory",
        String.format(
            Locale.ROOT,
            "weights bf16 %d MiB, f32 %d MiB, mxfp4 %d MiB (aims: bf16 80 %% of a plain read; rows"
                + " of bf16: f32 0.59x, 8 bits 1.7x, 4 bits 2.5x)",
            bf16.bytes() >> 20,
            f32.bytes() >> 20,
            weights.get(KernelBench.FORMATS.indexOf(WeightFormat.MXFP4)).bytes() >> 20));
    double read = table(sheet, kernels, one, weights, plain, seconds);
    if (all.size() > 1) {
      table(sheet, kernels, all, weights, plain, seconds);
    }
    return read;
  }

  private static double table(
      Sheet sheet,
      Kernels kernels,
      Team team,
      List<PackedMatrix> weights,
      int[] plain,
      double seconds) {
    String by = ", " + team.size() + (team.size() == 1 ? " thread" : " threads");
    List<Trial.Variant> variants = new ArrayList<>();
    variants.add(read("plain read, one stream" + by, team, plain, false));
    variants.add(read("plain read, eight streams" + by, team, plain, true));
    for (PackedMatrix w : weights) {
      variants.add(new Product(kernels, w, 1, team).byBytes(w.format.label() + " product" + by));
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    double read = Math.max(timings.get(0).rate(), timings.get(1).rate());
    double bf16 = timings.get(3).median();
    sheet.add(Figure.rate("memory", "GB/s", timings.get(0)), "");
    sheet.add(Figure.rate("memory", "GB/s", timings.get(1)), "");
    for (Trial.Timing t : timings.subList(2, timings.size())) {
      sheet.add(
          Figure.rate("memory", "GB/s", t),
          Sheet.percent(t.rate(), read)
              + " of the better read; "
              + Sheet.times(bf16, t.median())
              + " the rows of bf16");
    }
    return read;
  }

  private static Trial.Variant read(String name, Team team, int[] plain, boolean eight) {
    int[][] sinks = new int[team.size()][16]; // [thread][16]
    Team.Task task =
        (share, shares) -> {
          int from = (int) ((long) plain.length * share / shares);
          int to = (int) ((long) plain.length * (share + 1) / shares);
          if (eight) {
            Ceilings.readEightStreams(plain, from, to, sinks[share]);
          } else {
            Ceilings.readOneStream(plain, from, to, sinks[share]);
          }
        };
    return new Trial.Variant(name, 4e-9 * plain.length, Trial.Job.of(() -> team.run(task)));
  }
}
