package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;

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
      PackedMatrix f32,
      PackedMatrix bf16,
      double seconds) {
    int[] plain = new int[(int) (bf16.bytes() / 4)]; // the bytes of the bf16 weights
    for (int i = 0; i < plain.length; i++) {
      plain[i] = i;
    }
    sheet.title(
        "one row from memory",
        String.format(
            Locale.ROOT,
            "weights bf16 %d MiB, f32 %d MiB (aims: bf16 80 %% of a plain read, 1.7x the rows of"
                + " f32)",
            bf16.bytes() >> 20,
            f32.bytes() >> 20));
    double read = table(sheet, kernels, one, f32, bf16, plain, seconds);
    if (all.size() > 1) {
      table(sheet, kernels, all, f32, bf16, plain, seconds);
    }
    return read;
  }

  private static double table(
      Sheet sheet,
      Kernels kernels,
      Team team,
      PackedMatrix f32,
      PackedMatrix bf16,
      int[] plain,
      double seconds) {
    String by = ", " + team.size() + (team.size() == 1 ? " thread" : " threads");
    List<Trial.Variant> variants = new ArrayList<>();
    variants.add(read("plain read, one stream" + by, team, plain, false));
    variants.add(read("plain read, eight streams" + by, team, plain, true));
    variants.add(new Product(kernels, bf16, 1, team).byBytes("bf16 product" + by));
    variants.add(new Product(kernels, f32, 1, team).byBytes("f32 product" + by));
    List<Trial.Timing> t = Trial.run(variants, seconds);
    double read = Math.max(t.get(0).rate(), t.get(1).rate());
    Trial.Timing narrow = t.get(2);
    Trial.Timing wide = t.get(3);
    sheet.add(Figure.rate("memory", "GB/s", t.get(0)), "");
    sheet.add(Figure.rate("memory", "GB/s", t.get(1)), "");
    sheet.add(
        Figure.rate("memory", "GB/s", narrow),
        Sheet.percent(narrow.rate(), read)
            + " of the better read; "
            + Sheet.times(wide.median(), narrow.median())
            + " the rows of f32");
    sheet.add(
        Figure.rate("memory", "GB/s", wide),
        Sheet.percent(wide.rate(), read) + " of the better read");
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
