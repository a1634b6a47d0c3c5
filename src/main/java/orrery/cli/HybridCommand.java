package orrery.cli;

import java.util.HashSet;
import java.util.List;
import orrery.lab.HybridLab;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code orrery lab hybrid}. */
@Command(
    name = "hybrid",
    description = {
      "Windows and compressed rows: memory and time against the length of the context.",
      "Use --threads 1 if other programs run."
    })
final class HybridCommand extends TwoModels {
  @Option(
      names = "--part",
      paramLabel = "NAME",
      split = ",",
      converter = PartName.class,
      description = "What to measure: memory, steps, fit or decode. Default: all")
  private List<HybridLab.Question> parts = List.of();

  /** Reads a part's name. */
  static final class PartName extends EnumWord<HybridLab.Question> {
    PartName() {
      super(HybridLab.Question.class);
    }
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.hybrid(settings, beside(), new HashSet<>(parts), System.out);
  }
}
