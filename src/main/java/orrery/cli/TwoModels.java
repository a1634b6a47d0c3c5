package orrery.cli;

import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** An experiment for a given time, which may measure a second model too. */
abstract class TwoModels extends LabExperiment {
  @Option(
      names = "--beside",
      paramLabel = "DIR",
      description = "Also measure this model, of any architecture.")
  private Path beside;

  @Override
  final List<Path> beside() {
    return beside == null ? List.of() : List.of(beside);
  }

  @Override
  final NoEffect effects(NoEffect notes) {
    String where = "in lab " + spec.name() + ", which measures for a given time";
    return notes.when(true, where, "--rounds");
  }
}
