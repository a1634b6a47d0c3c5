package orrery.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.engine.LoadedModel;
import orrery.lab.Ballast;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code orrery lab ballast}. */
@Command(
    name = "ballast",
    description = {
      "Write the ballast twin of a model: its feed-forwards are wider, but the added weights"
          + " compute nothing.",
      "Its answers are the model's, to the bit, but it reads its weights from memory like a large"
          + " model."
    })
final class BallastCommand implements Callable<Integer> {
  @Mixin private ModelOption model;
  @Spec private CommandSpec spec;

  @Option(
      names = "--factor",
      paramLabel = "N",
      description =
          "How many times as wide. Default: the least factor with which one token's weights are"
              + " four times the last-level cache; a twin takes 2 GiB at most")
  private Integer factor;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "A new or empty directory.")
  private Path out;

  @Mixin private HelpFlag help;

  @Override
  public Integer call() {
    Ballast.Choice choice;
    try (LoadedModel loaded = model.load()) {
      choice =
          factor == null
              ? Ballast.choose(model.directory(), loaded.model().info())
              : new Ballast.Choice(factor, "");
    }
    if (!choice.why().isEmpty()) {
      spec.commandLine()
          .getErr()
          .println("factor " + choice.factor() + ": " + choice.why() + "; --factor sets another");
    }
    int times = choice.factor();
    try {
      Ballast.write(model.directory(), times, out);
    } catch (IllegalArgumentException e) {
      boolean flag = e.getMessage().startsWith("factor:");
      throw flag ? new ParameterException(spec.commandLine(), "--" + e.getMessage(), e) : e;
    }
    try (LoadedModel twin = LoadedModel.load(out)) {
      var info = twin.model().info();
      spec.commandLine()
          .getOut()
          .printf(
              Locale.ROOT,
              "%s: factor %d, %.0f M parameters, %.0f MB of weights a token%n",
              out,
              times,
              info.parameters() / 1e6,
              info.activeBytes() / 1e6);
    }
    return 0;
  }
}
