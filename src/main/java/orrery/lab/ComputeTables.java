package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.quantization.WeightFormat;

/** How close products of many rows come to pure arithmetic, and what more threads gain. */
final class ComputeTables {
  private static final int STEPS = 20_000;
  private static final int ROWS = 96;
  private static final int[][] SHAPES = { // [out, in] of small models, and a large one
    {192, 192}, {512, 192}, {192, 512}, {512, 512}, {1024, 1024}, {2048, 2048}
  };

  private ComputeTables() {}

  /** Returns the ceiling in GFLOP/s of one core. */
  static double ceiling(Sheet sheet, Kernels kernels, Team one, double seconds) {
    float[] start = new float[Ceilings.FMA_FLOATS];
    for (int i = 0; i < start.length; i++) {
      start[i] = Product.value(i);
    }
    float[] sink = new float[16];
    List<Trial.Variant> variants = new ArrayList<>();
    variants.add(
        new Trial.Variant(
            "pure fma, " + Ceilings.CHAINS + " chains in registers",
            Ceilings.fmaFlops(STEPS) / 1e9,
            Trial.Job.of(() -> Ceilings.fma(start, sink, STEPS))));
    for (int[] shape : SHAPES) {
      boolean all = shape[0] == KernelBench.CACHED && shape[1] == KernelBench.CACHED;
      for (WeightFormat format :
          KernelBench.FORMATS.subList(0, all ? KernelBench.FORMATS.size() : 2)) {
        PackedMatrix w = Product.matrix(format, shape[0], shape[1]);
        variants.add(new Product(kernels, w, ROWS, one).byFlops(w + " x " + ROWS + " rows"));
      }
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    sheet.title(
        "compute, one thread",
        "share of pure multiply-adds that products of many rows reach (aim, f32: 80 %)");
    double ceiling = timings.getFirst().rate();
    for (Trial.Timing t : timings) {
      sheet.add(
          Figure.rate("compute", "GFLOP/s", t), Sheet.percent(t.rate(), ceiling) + " of pure fma");
    }
    return ceiling;
  }

  /** The same products by one thread and by the whole team. */
  static void threads(
      Sheet sheet, Kernels kernels, Team one, Team all, PackedMatrix large, double seconds) {
    if (all.size() == 1) {
      return;
    }
    PackedMatrix cached = Product.matrix(WeightFormat.F32, KernelBench.CACHED, KernelBench.CACHED);
    PackedMatrix cachedBf16 =
        Product.matrix(WeightFormat.BF16, KernelBench.CACHED, KernelBench.CACHED);
    List<Trial.Variant> variants = new ArrayList<>();
    for (Team team : new Team[] {one, all}) {
      String by = ", " + team.size() + (team.size() == 1 ? " thread" : " threads");
      variants.add(new Product(kernels, cached, ROWS, team).byFlops(cached + " x 96" + by));
      variants.add(new Product(kernels, cachedBf16, 1, team).byFlops(cachedBf16 + " x 1" + by));
      variants.add(new Product(kernels, large, 1, team).byFlops(large + " x 1" + by));
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    sheet.title(
        "threads",
        "the same product split over the outputs (aim, two threads, 96 rows: 1.75x); one row of a"
            + " small matrix is over before a thread can help much");
    int half = variants.size() / 2;
    for (int i = 0; i < half; i++) {
      Trial.Timing alone = timings.get(i);
      Trial.Timing together = timings.get(half + i);
      sheet.add(Figure.rate("threads", "GFLOP/s", alone), "");
      sheet.add(
          Figure.rate("threads", "GFLOP/s", together),
          Sheet.times(together.rate(), alone.rate()) + " of one thread");
    }
  }
}
