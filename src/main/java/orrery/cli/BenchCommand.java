package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import orrery.files.OutputFile;
import orrery.graph.ComputeOptions;
import orrery.lab.Figure;
import orrery.lab.KernelBench;
import orrery.lab.RooflineSvg;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code orrery bench}: how fast the parts of the engine are on this machine. */
@Command(
    name = "bench",
    header = "Measure how fast the kernels are on this machine.",
    mixinStandardHelpOptions = true,
    description = "Measure parts of the engine on this machine.",
    subcommands = BenchCommand.KernelsCommand.class)
public final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "say what to measure: orrery bench kernels");
  }

  /** {@code orrery bench kernels}. */
  @Command(
      name = "kernels",
      description = {
        "Compare the kernels with the limits of this machine: pure arithmetic, plain reads.",
        "Takes about a minute. Figures are ratios of one run; close other programs first."
      },
      footer = {
        "",
        "Examples:",
        "  orrery bench kernels",
        "  orrery bench kernels --model tiny-models/storyteller-moe --threads 1",
        "  orrery bench kernels --svg rows-against-speed.svg --csv figures.csv"
      })
  static final class KernelsCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Mixin private HelpFlag help;

    @Option(
        names = "--threads",
        paramLabel = "N",
        description = "Most threads to measure with (default: one for each physical core).")
    private int threads = ComputeOptions.defaults().threads();

    @Option(
        names = "--model",
        paramLabel = "DIR",
        description =
            "Also decode with this model: as a share of the speed that reading its weights allows.")
    private Path model;

    @Option(
        names = "--seconds",
        paramLabel = "S",
        description = "Measuring time of each variant (default: ${DEFAULT-VALUE}).")
    private double seconds = 0.5;

    @Option(
        names = "--csv",
        paramLabel = "FILE",
        description = "Write all figures: median and quartiles.")
    private Path csv;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw rows against speed.")
    private Path svg;

    @Override
    public Integer call() throws IOException {
      KernelBench.Settings settings;
      try {
        settings = new KernelBench.Settings(threads, seconds, Optional.ofNullable(model));
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), "--" + e.getMessage());
      }
      new CommandFiles(spec.commandLine())
          .model(model)
          .writes("--csv", csv)
          .writes("--svg", svg)
          .check(); // a minute of measuring must not end in a path that cannot be written
      spec.commandLine().getOut().println("takes about a minute; --seconds 0.1 takes less");
      spec.commandLine().getOut().flush();
      KernelBench.Report report = KernelBench.run(settings, System.out);
      if (csv != null) {
        OutputFile.of(csv).write(Figure.csv(report.figures()));
      }
      if (svg != null) {
        OutputFile.of(svg).write(RooflineSvg.draw(report.roofline()));
      }
      return 0;
    }
  }
}
