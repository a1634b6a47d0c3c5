package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import orrery.lab.LabReport;
import orrery.lab.LabSettings;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** One experiment of {@code orrery lab}: measures, prints, writes. */
abstract class LabExperiment implements Callable<Integer> {
  @Mixin LabFlags flags;
  @Spec CommandSpec spec;

  abstract LabReport run(LabSettings settings);

  /** Models that are measured beside that of {@code --model}. */
  List<Path> beside() {
    return List.of();
  }

  /** Adds the files that only this experiment has. */
  CommandFiles files(CommandFiles files) {
    return files;
  }

  /** Writes the files that only this experiment has. */
  void write() throws IOException {}

  /** Refuses wrong options before anything runs. */
  void check() {}

  /** Notes the flags that have no effect in this experiment. */
  NoEffect effects(NoEffect notes) {
    return notes;
  }

  @Override
  public Integer call() throws IOException {
    LabSettings settings = flags.settings(beside(), this::files);
    check();
    effects(new NoEffect(spec).when(settings.quick(), "with --quick", "--rounds", "--seconds"))
        .tell();
    if (!settings.quick()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println(LabTime.about(spec.name(), settings));
      err.flush();
    }
    int code = flags.write(run(settings));
    write();
    return code;
  }
}
