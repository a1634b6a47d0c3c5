package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.quantization.WeightFormat;

/** The cost of a product by its rows, and its speed: what batching and speculation have to pay. */
final class RowsTable {
  private static final int[] ROWS = {1, 2, 3, 4, 6, 8, 16, 32, 96};

  private RowsTable() {}

  static Roofline print(
      Sheet sheet,
      Kernels kernels,
      Team one,
      PackedMatrix f32,
      PackedMatrix bf16,
      double ceiling,
      double read,
      Machine machine,
      double seconds) {
    int side = KernelBench.CACHED;
    List<PackedMatrix> weights =
        List.of(
            Product.matrix(WeightFormat.F32, side, side),
            Product.matrix(WeightFormat.BF16, side, side),
            f32,
            bf16);
    List<String> names = List.of("f32, cache", "bf16, cache", "f32, memory", "bf16, memory");
    List<Trial.Variant> variants = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      for (int rows : ROWS) {
        variants.add(
            new Product(kernels, weights.get(i), rows, one)
                .byFlops(names.get(i) + ", " + rows + " rows"));
      }
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    timings.forEach(t -> sheet.keep(Figure.rate("rows", "GFLOP/s", t)));
    sheet.title(
        "rows, one thread",
        String.format(
            Locale.ROOT,
            "cost of a product in products of one row, and GFLOP/s; cache: %s, memory: %s",
            weights.get(1),
            weights.get(3)));
    StringBuilder head = new StringBuilder("rows");
    names.forEach(name -> head.append(String.format("%21s", name)));
    sheet.text(head.toString());
    for (int r = 0; r < ROWS.length; r++) {
      StringBuilder line = new StringBuilder(String.format("%4d", ROWS[r]));
      for (int i = 0; i < names.size(); i++) {
        Trial.Timing t = timings.get(i * ROWS.length + r);
        double cost = t.median() / timings.get(i * ROWS.length).median();
        line.append(String.format(Locale.ROOT, "%14.2fx %5.0f", cost, t.rate()));
      }
      sheet.text(line.toString());
    }
    return roofline(machine, ceiling, read, weights, names, timings);
  }

  private static Roofline roofline(
      Machine machine,
      double ceiling,
      double read,
      List<PackedMatrix> weights,
      List<String> names,
      List<Trial.Timing> timings) {
    List<Roofline.Curve> curves = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      List<Roofline.Point> points = new ArrayList<>();
      for (int r = 0; r < ROWS.length; r++) {
        points.add(new Roofline.Point(ROWS[r], timings.get(i * ROWS.length + r).rate()));
      }
      PackedMatrix w = weights.get(i);
      curves.add(
          new Roofline.Curve(names.get(i), w.format.bitsPerWeight(w.out, w.in), i >= 2, points));
    }
    return new Roofline(machine.processor() + ", one core", ceiling, read, curves);
  }
}
