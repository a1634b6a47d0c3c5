package orrery.cli;

import java.util.HashSet;
import java.util.List;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.TiersLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code orrery lab tiers}. */
@Command(
    name = "tiers",
    description = {
      "Host memory and files behind the KV cache: when loading beats computing,",
      "what each policy of writing keeps, and what it costs."
    })
final class TiersCommand extends LabExperiment {
  @Option(
      names = "--prefix",
      paramLabel = "N,N,...",
      split = ",",
      description =
          "Tokens of the shared prefix. Default: 16 to 1500, as far as the model has positions")
  private List<Integer> prefixes = List.of();

  @Option(
      names = "--part",
      paramLabel = "NAME",
      split = ",",
      converter = PartName.class,
      description = "What to measure: ttft, policies or decode. Default: all")
  private List<TiersLab.Question> parts = List.of();

  /** Reads a part's name. */
  static final class PartName extends EnumWord<TiersLab.Question> {
    PartName() {
      super(TiersLab.Question.class);
    }
  }

  @Override
  NoEffect effects(NoEffect notes) {
    boolean times = shape().questions().contains(TiersLab.Question.TTFT);
    return notes.when(!times, "without --part ttft", "--prefix", "--svg");
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.tiers(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private TiersLab.Shape shape() {
    return new TiersLab.Shape(prefixes, new HashSet<>(parts));
  }
}
