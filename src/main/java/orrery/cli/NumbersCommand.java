package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import orrery.files.OutputFile;
import orrery.lab.NumbersLab;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery lab numbers}. */
@Command(
    name = "numbers",
    description = {
      "Numbers of few bits: what they are, and what a model's weights lose in them.",
      "Measures no time: the figures are the same everywhere."
    })
final class NumbersCommand implements Callable<Integer> {
  @Mixin private ModelOption model;
  @Spec private CommandSpec spec;

  @Option(
      names = "--svg",
      paramLabel = "FILE",
      description = "Draw all values on a number line, and a block of the model's weights.")
  private Path svg;

  @Mixin private HelpFlag help;

  @Override
  public Integer call() throws IOException {
    new CommandFiles(spec.commandLine()).model(model.directory()).writes("--svg", svg).check();
    String picture = NumbersLab.run(model.directory(), spec.commandLine().getOut());
    if (svg != null) {
      OutputFile.of(svg).write(picture);
    }
    return 0;
  }
}
