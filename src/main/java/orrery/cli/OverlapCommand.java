package orrery.cli;

import java.util.List;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.OverlapLab;
import orrery.lab.ThroughputLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code orrery lab overlap}. */
@Command(
    name = "overlap",
    description = {
      "Overlap: what it gains, by requests at once and by what the host has to do.",
      "And what a step without it takes beside its forward pass."
    })
final class OverlapCommand extends LabExperiment {
  @Option(
      names = "--batch",
      paramLabel = "N",
      split = ",",
      description = "Requests at once. Default: 1,8,32,128")
  private List<Integer> batches = List.of(1, 8, 32, 128);

  @Mixin private final LengthFlags lengths = new LengthFlags(16, 64);

  @Option(
      names = "--host-delay",
      paramLabel = "US",
      description = {
        "Also measure a host that is made slow on purpose: it takes so many microseconds more for"
            + " each token. 0: do not. Default: ${DEFAULT-VALUE}"
      })
  private int hostMicros = 20;

  @Override
  NoEffect effects(NoEffect notes) {
    return notes.when(flags.quick(), "with --quick", "--tokens");
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.overlap(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private OverlapLab.Shape shape() {
    return new OverlapLab.Shape(
        new ThroughputLab.Shape(batches, lengths.prompt, lengths.tokens), hostMicros);
  }
}
