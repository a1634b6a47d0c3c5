package orrery.cli;

import java.util.List;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.ThroughputLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code orrery lab throughput}. */
@Command(
    name = "throughput",
    description = "Tokens a second, prefill and decode, of any checkpoint; random token ids.")
final class ThroughputCommand extends LabExperiment {
  @Option(
      names = "--batch",
      paramLabel = "N",
      split = ",",
      description = "Requests at once. Default: 1,8,32")
  private List<Integer> batches = List.of(1, 8, 32);

  @Mixin private final LengthFlags lengths = new LengthFlags(64, 128);

  @Override
  LabReport run(LabSettings settings) {
    return Lab.throughput(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private ThroughputLab.Shape shape() {
    return new ThroughputLab.Shape(batches, lengths.prompt, lengths.tokens);
  }
}
