package orrery.cli;

import java.util.HashSet;
import java.util.List;
import orrery.lab.HisparseLab;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code orrery lab hisparse}. */
@Command(
    name = "hisparse",
    description = {
      "Entries that an indexer chooses from, on the host: how many a token must copy, how many",
      "requests fit into the same device memory, and what it costs. Needs a model with an indexer."
    })
final class HisparseCommand extends LabExperiment {
  @Option(
      names = "--context",
      paramLabel = "N,N,...",
      split = ",",
      description =
          "Tokens of prompt and answer. Default: 256 to 4096, as far as the model has positions")
  private List<Integer> contexts = List.of();

  @Option(
      names = "--part",
      paramLabel = "NAME",
      split = ",",
      converter = PartName.class,
      description = "What to measure: misses, fit or speed. Default: all")
  private List<HisparseLab.Question> parts = List.of();

  /** Reads a part's name. */
  static final class PartName extends EnumWord<HisparseLab.Question> {
    PartName() {
      super(HisparseLab.Question.class);
    }
  }

  @Override
  NoEffect effects(NoEffect notes) {
    boolean times = shape().questions().contains(HisparseLab.Question.SPEED);
    boolean curves = shape().questions().size() > (times ? 1 : 0);
    return notes
        .when(!curves, "with --part speed, which draws no curve", "--svg")
        .when(!times, "without --part speed, since nothing else measures time", "--rounds");
  }

  @Override
  LabReport run(LabSettings settings) {
    return Lab.hisparse(settings, shape(), System.out);
  }

  @Override
  void check() {
    shape();
  }

  private HisparseLab.Shape shape() {
    return new HisparseLab.Shape(contexts, new HashSet<>(parts));
  }
}
