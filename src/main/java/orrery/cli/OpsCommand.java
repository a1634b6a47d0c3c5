package orrery.cli;

import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.OpsLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code orrery lab ops}. */
@Command(name = "ops", description = "Where the time of a decode step goes, op by op.")
final class OpsCommand extends LabExperiment {
  @Mixin private DecodeFlags decode;

  @Option(
      names = "--rows",
      paramLabel = "N",
      description = "Decoding requests, one row each. Default: ${DEFAULT-VALUE}")
  private int rows = 1;

  @Option(
      names = ComputeFlags.FUSION,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description = "Time the fused program, or the ops as they are launched. Default: on")
  private boolean fusion = true;

  @Override
  NoEffect effects(NoEffect notes) {
    return notes
        .when(true, "in lab ops, which draws no curve", "--svg")
        .when(true, "in lab ops, which measures for --seconds", "--rounds");
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.ops(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private OpsLab.Shape shape() {
    return new OpsLab.Shape(rows, decode.context, decode.seconds, fusion);
  }
}
