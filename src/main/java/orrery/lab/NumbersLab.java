package orrery.lab;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.CheckpointException;

/**
 * {@code orrery lab numbers}: the numbers of few bits, and what the weights of a model lose in each
 * of the forms that checkpoints are published in. It measures no time, so the same model gives the
 * same figures everywhere.
 */
public final class NumbersLab {
  private static final int BLOCK = 32; // weights in the picture

  private NumbersLab() {}

  /**
   * Prints the tables, and draws the picture.
   *
   * @param model a directory with matrices of floats
   * @return the text of an SVG file
   * @throws CheckpointException if there are no weights, or none that are stored as floats
   */
  public static String run(Path model, PrintWriter out) {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      List<StoredWeights.Matrix> matrices = StoredWeights.of(checkpoint);
      if (matrices.isEmpty()) {
        throw new CheckpointException(
            model, "weights", "matrices of F32, BF16 or F16 with 32 columns or more", "none");
      }
      formats(out);
      losses(matrices, out);
      return NumbersSvg.draw(NumberFormat.all(), block(matrices));
    }
  }

  private static void formats(PrintWriter out) {
    out.println("Numbers: sign, exponent and mantissa bits; values in [1, 2) say how fine it is");
    out.println("             bits   s-e-m   least > 0     largest   in [1, 2)   infinities  NaNs");
    for (NumberFormat f : NumberFormat.all()) {
      out.printf(
          Locale.ROOT,
          "  %-10s %4d  %6s  %10s  %10s  %10d  %11d  %4d%n",
          f.name(),
          f.bits(),
          f.fields(),
          "2^" + Math.getExponent(f.least()),
          shown(f.largest()),
          f.inOneOctave(),
          f.infinities(),
          f.nans());
    }
  }

  private static String shown(double largest) {
    return String.format(Locale.ROOT, largest < 1e6 ? "%.0f" : "%.2e", largest);
  }

  private static void losses(List<StoredWeights.Matrix> matrices, PrintWriter out) {
    long weights = matrices.stream().mapToLong(m -> m.weights().length).sum();
    out.printf(Locale.ROOT, "%n%d matrices, %,d weights, stored in%n", matrices.size(), weights);
    out.println("                                              bits   error   beside an outlier");
    for (StoredWeights way : StoredWeights.all()) {
      StoredWeights.Loss loss = way.loss(matrices);
      out.printf(
          Locale.ROOT,
          "  %-42s %5.2f  %4.1f %%  %9.1f %%%n",
          way.name(),
          way.bits(matrices),
          100 * loss.plain(),
          100 * loss.outlier());
    }
    out.println("error: root mean square of what is lost, as a share of that of the weights;");
    out.printf(
        "outlier: one weight in each matrix is %d times the largest; it is not counted%n",
        StoredWeights.OUTLIER);
  }

  /** The first weights of an expert; if there is none, of the first matrix. */
  private static WeightBlock block(List<StoredWeights.Matrix> matrices) {
    StoredWeights.Matrix matrix =
        matrices.stream()
            .filter(m -> m.name().contains(".experts."))
            .findFirst()
            .orElse(matrices.getFirst());
    return new WeightBlock(matrix.name(), matrix.amax(), Arrays.copyOf(matrix.weights(), BLOCK));
  }
}
