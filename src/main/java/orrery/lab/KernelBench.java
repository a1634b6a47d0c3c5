package orrery.lab;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Team;
import orrery.kernels.VectorKernels;
import orrery.kernels.VectorModule;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * {@code orrery bench kernels}: how much of this machine the kernels use. Every table holds the
 * ratios of one run; see the package description for how they are measured.
 */
public final class KernelBench {
  /**
   * What to measure.
   *
   * @param threads the most threads used
   * @param seconds measuring time of each variant
   * @param model directory of a model to decode with, if any
   */
  public record Settings(int threads, double seconds, Optional<Path> model) {
    public Settings {
      if (threads < 1 || threads > 256) {
        throw new IllegalArgumentException("threads: expected 1 to 256, found " + threads);
      }
      if (!(seconds > 0 && seconds <= 60)) {
        throw new IllegalArgumentException(
            "seconds: expected more than 0 and at most 60, found " + seconds);
      }
    }
  }

  /**
   * What was measured.
   *
   * @param figures of all tables
   * @param roofline rows against speed, for {@link RooflineSvg}
   */
  public record Report(List<Figure> figures, Roofline roofline) {}

  /** Side of a matrix of weights that lies in the second-level cache. */
  static final int CACHED = 512;

  /** FP8 in blocks of 128 x 128, as DeepSeek-V3 has it. */
  static final WeightFormat FP8 = new WeightFormat(Codes.E4M3, Scales.F32, 128, 128);

  /** The formats of all tables; those of few bits after the two of floats. */
  static final List<WeightFormat> FORMATS =
      List.of(
          WeightFormat.F32,
          WeightFormat.BF16,
          FP8,
          WeightFormat.MXFP8,
          WeightFormat.MXFP4,
          WeightFormat.NVFP4);

  private KernelBench() {}

  /** Measures everything and prints each table when it is done. */
  public static Report run(Settings settings, PrintStream out) {
    VectorModule.require();
    Machine machine = Machine.look();
    var kernels = new VectorKernels();
    out.printf(
        Locale.ROOT,
        "%s, %d processors, last-level cache %s, %s kernels, Java %s, load %s%n",
        machine.processor(),
        Runtime.getRuntime().availableProcessors(),
        machine.lastLevelCache() > 0 ? machine.lastLevelCache() / (1 << 20) + " MiB" : "unknown",
        kernels.name(),
        Runtime.version(),
        Machine.load());
    out.println("median [quartiles] of interleaved samples; compare within a table only");

    Sheet sheet = new Sheet(out);
    int large = machine.sideOutOfCache();
    List<PackedMatrix> weights = // of FORMATS, out of every cache
        FORMATS.stream().map(format -> Product.matrix(format, large, large)).toList();
    try (Team one = new Team(1);
        Team all = new Team(settings.threads())) {
      double ceiling = ComputeTables.ceiling(sheet, kernels, one, settings.seconds());
      ComputeTables.threads(sheet, kernels, one, all, weights.get(1), settings.seconds());
      double read = MemoryTable.print(sheet, kernels, one, all, weights, settings.seconds());
      Roofline roofline =
          RowsTable.print(sheet, kernels, one, weights, ceiling, read, machine, settings.seconds());
      AttentionTable.print(sheet, kernels, ceiling, settings.seconds());
      settings
          .model()
          .ifPresent(dir -> DecodeTable.print(sheet, kernels, all, dir, settings.seconds()));
      out.printf("%nload after the run: %s%n", Machine.load());
      return new Report(sheet.figures(), roofline);
    }
  }
}
