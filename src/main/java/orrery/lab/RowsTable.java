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

  /** One format for each number of bits. */
  private static final List<WeightFormat> FORMATS =
      List.of(WeightFormat.F32, WeightFormat.BF16, KernelBench.FP8, WeightFormat.MXFP4);

  private RowsTable() {}

  /**
   * @param large matrices of all {@link KernelBench#FORMATS}, out of every cache
   */
  static Roofline print(
      Sheet sheet,
      Kernels kernels,
      Team one,
      List<PackedMatrix> large,
      double ceiling,
      double read,
      Machine machine,
      double seconds) {
    List<PackedMatrix> cached =
        FORMATS.stream()
            .map(f -> Product.matrix(f, KernelBench.CACHED, KernelBench.CACHED))
            .toList();
    List<PackedMatrix> memory =
        FORMATS.stream().map(f -> large.get(KernelBench.FORMATS.indexOf(f))).toList();
    List<Roofline.Curve> curves = new ArrayList<>();
    curves.addAll(table(sheet, kernels, one, cached, "cache", seconds));
    curves.addAll(table(sheet, kernels, one, memory, "memory", seconds));
    return new Roofline(machine.processor() + ", one core", ceiling, read, curves);
  }

  private static List<Roofline.Curve> table(
      Sheet sheet,
      Kernels kernels,
      Team one,
      List<PackedMatrix> weights,
      String place,
      double seconds) {
    List<Trial.Variant> variants = new ArrayList<>();
    for (PackedMatrix w : weights) {
      for (int rows : ROWS) {
        String name = w.format.label() + ", " + place + ", " + rows + " rows";
        variants.add(new Product(kernels, w, rows, one).byFlops(name));
      }
    }
    List<Trial.Timing> timings = Trial.run(variants, seconds);
    timings.forEach(t -> sheet.keep(Figure.rate("rows", "GFLOP/s", t)));
    sheet.title(
        "rows, one thread, weights from " + place,
        "cost of a product in products of one row, and GFLOP/s; " + weights);
    StringBuilder head = new StringBuilder("rows");
    weights.forEach(w -> head.append(String.format("%21s", w.format.label())));
    sheet.text(head.toString());
    for (int r = 0; r < ROWS.length; r++) {
      StringBuilder line = new StringBuilder(String.format("%4d", ROWS[r]));
      for (int i = 0; i < weights.size(); i++) {
        Trial.Timing t = timings.get(i * ROWS.length + r);
        double cost = t.median() / timings.get(i * ROWS.length).median();
        line.append(String.format(Locale.ROOT, "%14.2fx %5.0f", cost, t.rate()));
      }
      sheet.text(line.toString());
    }
    return curves(weights, place.equals("memory"), timings);
  }

  private static List<Roofline.Curve> curves(
      List<PackedMatrix> weights, boolean memory, List<Trial.Timing> timings) {
    List<Roofline.Curve> curves = new ArrayList<>();
    for (int i = 0; i < weights.size(); i++) {
      List<Roofline.Point> points = new ArrayList<>();
      for (int r = 0; r < ROWS.length; r++) {
        points.add(new Roofline.Point(ROWS[r], timings.get(i * ROWS.length + r).rate()));
      }
      PackedMatrix w = weights.get(i);
      double bits = w.format.bitsPerWeight(w.out, w.in);
      curves.add(new Roofline.Curve(w.format.label(), bits, memory, points));
    }
    return curves;
  }
}
