package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import orrery.files.OutputFile;
import orrery.graph.ComputeOptions;
import orrery.lab.ChartSvg;
import orrery.lab.Figure;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flags that all experiments have. */
final class LabFlags {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Mixin private ModelOption model;

  @Option(
      names = "--twin",
      paramLabel = "DIR",
      description = "Also measure this ballast twin of the model (see: orrery lab ballast).")
  private Path twin;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the forward pass (default: one for each physical core).")
  private int threads = ComputeOptions.defaults().threads();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of the workload. Default: ${DEFAULT-VALUE}")
  private long seed = 1;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "How often each variant is measured. Default: ${DEFAULT-VALUE}")
  private int rounds = 7;

  @Option(
      names = "--quick",
      description = "A small workload, once, not warmed up: to see that it runs, not how fast.")
  private boolean quick;

  @Option(
      names = "--csv",
      paramLabel = "FILE",
      description = "Write all figures: median and quartiles.")
  private Path csv;

  @Option(
      names = "--svg",
      paramLabel = "FILE",
      description = "Draw the curve of the chapter; of the twin, if there is one. (mtp: of both.)")
  private Path svg;

  @Mixin private KvDtypeFlag kv;

  @Mixin private HelpFlag help;

  /** Whether nothing is measured in earnest. */
  boolean quick() {
    return quick;
  }

  /**
   * The settings, once all files are checked.
   *
   * @param beside other models that are read
   * @param more adds the other files of the command
   */
  LabSettings settings(List<Path> beside, UnaryOperator<CommandFiles> more) throws IOException {
    CommandFiles files = new CommandFiles(spec.commandLine()).model(model.directory()).model(twin);
    beside.forEach(files::model);
    more.apply(files)
        .writes("--csv", csv)
        .writes("--svg", svg)
        .check(); // minutes of measuring must not end in a path that cannot be written
    try {
      return new LabSettings(
          model.directory(), Optional.ofNullable(twin), threads, seed, rounds, quick, kv.dtype());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), "--" + e.getMessage());
    }
  }

  /** Writes the files that were asked for. */
  int write(LabReport report) throws IOException {
    if (csv != null) {
      OutputFile.of(csv).write(Figure.csv(report.figures()));
    }
    if (svg != null && !report.charts().isEmpty()) {
      OutputFile.of(svg).write(ChartSvg.draw(report.charts()));
    }
    return 0;
  }
}
