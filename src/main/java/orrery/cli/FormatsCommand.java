package orrery.cli;

import java.util.HashSet;
import java.util.List;
import orrery.lab.FormatsLab;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code orrery lab formats}. */
@Command(
    name = "formats",
    description = {
      "Numbers of few bits: weights, activations and cached rows; bytes, speed and answers.",
      "Writes copies of the model to a temporary directory. Its --kv-cache-dtype is that of the"
          + " tables of weights."
    })
final class FormatsCommand extends TwoModels {
  @Option(
      names = "--part",
      paramLabel = "NAME",
      split = ",",
      converter = PartName.class,
      description = "What to measure: weights or rows. Default: both")
  private List<FormatsLab.Question> parts = List.of();

  /** Reads a part's name. */
  static final class PartName extends EnumWord<FormatsLab.Question> {
    PartName() {
      super(FormatsLab.Question.class);
    }
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.formats(settings, beside(), new HashSet<>(parts), System.out);
  }
}
