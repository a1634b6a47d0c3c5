package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import orrery.files.OutputFile;
import orrery.lab.FrontierLab;
import orrery.lab.FrontierLoad;
import orrery.lab.FrontierPoints;
import orrery.lab.FrontierReport;
import orrery.lab.Lab;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import orrery.lab.Recipe;
import orrery.lab.RecipeFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;

/** {@code orrery lab frontier}. */
@Command(
    name = "frontier",
    description = {
      "Throughput against what each user gets, from a naive engine to one with every technique.",
      "Clients that never pause; each configuration has one switch more than the one before. A"
          + " model without a --recipe gets one by a sweep before."
    })
final class FrontierCommand extends LabExperiment {
  @Option(
      names = "--concurrency",
      paramLabel = "N",
      split = ",",
      description =
          "Numbers of clients. Default: 1,2,4,8,16,32,64; 1,4,16 if a token reads more than 64 MiB"
              + " of weights")
  private List<Integer> concurrencies = List.of();

  @Option(
      names = "--input",
      paramLabel = "N",
      description = "Tokens of a prompt, on average. Default: ${DEFAULT-VALUE}")
  private int input = FrontierLoad.STANDARD.input();

  @Option(
      names = "--output",
      paramLabel = "N",
      description = "Tokens of an answer, on average. Default: ${DEFAULT-VALUE}")
  private int output = FrontierLoad.STANDARD.output();

  @Option(
      names = RecipeFlag.NAME,
      paramLabel = "FILE",
      split = ",",
      description = "Recipes of the models that are measured, from an earlier --sweep.")
  private List<Path> recipes = List.of();

  @Option(
      names = "--sweep",
      paramLabel = "FILE",
      description = "Only look for the best recipe of --model, and write it.")
  private Path sweep;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write every point of every round, one JSON object a line.")
  private Path json;

  @Option(
      names = "--points",
      paramLabel = "FILE",
      description = "Print and draw the points of an earlier --json; nothing is measured.")
  private Path points;

  private FrontierReport result;

  @Override
  public Integer call() throws IOException {
    if (points == null) {
      return super.call();
    }
    flags.settings(beside(), this::files); // checks all files
    new NoEffect(spec)
        .when(
            true,
            "with --points",
            spec.options().stream()
                .map(OptionSpec::longestName)
                .filter(name -> !List.of("--points", "--csv", "--svg").contains(name))
                .toArray(String[]::new))
        .tell();
    return flags.write(FrontierPoints.print(points, System.out));
  }

  @Override
  CommandFiles files(CommandFiles files) {
    recipes.forEach(file -> files.reads(RecipeFlag.NAME, file));
    return files.reads("--points", points).writes("--sweep", sweep).writes("--json", json);
  }

  @Override
  void check() {
    shape();
  }

  private FrontierLab.Shape shape() {
    List<Recipe> read = recipes.stream().map(RecipeFile::read).toList();
    FrontierLoad load = new FrontierLoad(input, output);
    return new FrontierLab.Shape(concurrencies, load, read, sweep != null);
  }

  @Override
  NoEffect effects(NoEffect notes) {
    boolean only = sweep != null;
    return notes
        .when(true, "in lab frontier, which has f32 and bf16", KvDtypeFlag.NAME)
        .when(only, "with --sweep", "--rounds", "--svg", "--json", "--twin", RecipeFlag.NAME)
        .when(flags.quick(), "with --quick", "--concurrency", "--input", "--output");
  }

  @Override
  LabReport run(LabSettings settings) {
    PrintWriter err = spec.commandLine().getErr();
    LabSettings own = sweep == null ? settings : settings.withoutTwin();
    result =
        Lab.frontier(
            own,
            shape(),
            System.out,
            line -> {
              if (!settings.quick()) {
                err.println(line);
                err.flush();
              }
            });
    return result.report();
  }

  @Override
  void write() throws IOException {
    if (sweep != null) {
      OutputFile.of(sweep).write(RecipeFile.text(result.recipe()));
    } else if (json != null) {
      OutputFile.of(json).write(result.json());
    }
  }
}
