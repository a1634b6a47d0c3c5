package orrery.cli;

import orrery.lab.FusionLab;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code orrery lab fusion}. */
@Command(name = "fusion", description = "What each rule of fusion saves in a decode step.")
final class FusionCommand extends LabExperiment {
  @Mixin private DecodeFlags decode;

  @Option(
      names = "--rows",
      paramLabel = "N,N,...",
      split = ",",
      description = "Decoding requests, one row each. Default: 1,8,32")
  private int[] rows = {1, 8, 32};

  @Override
  NoEffect effects(NoEffect notes) {
    return notes.when(true, "in lab fusion, which measures for --seconds", "--rounds");
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.fusion(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private FusionLab.Shape shape() {
    return new FusionLab.Shape(rows, decode.context, decode.seconds);
  }
}
