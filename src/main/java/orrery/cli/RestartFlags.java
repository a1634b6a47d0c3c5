package orrery.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.engine.EngineOptions;
import orrery.xray.Engines.Flag;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The flags that an engine can be started again with: all that do not name the model. */
@Command(name = "restart")
final class RestartFlags {
  @Mixin private EngineFlags flags;

  @ArgGroup(validate = false)
  private SharingFlags sharing = new SharingFlags();

  @ArgGroup(validate = false)
  private ArrivalFlags arrivals = new ArrivalFlags();

  @Spec private CommandSpec spec;

  private RestartFlags() {}

  private static CommandSpec parsed(String... args) {
    CommandLine line = Main.configured(new CommandLine(new RestartFlags()));
    line.setExpandAtFiles(false); // these words come from a page, which may read no file
    line.parseArgs(args);
    return line.getCommandSpec();
  }

  /**
   * The options that flags say.
   *
   * @param args words of a command line
   * @throws IllegalArgumentException with the words of the command line, if they are wrong
   */
  static EngineOptions read(String... args) {
    try {
      CommandSpec spec = parsed(args);
      new WrittenFlags(spec, List.of(args))
          .repeated()
          .ifPresent(
              mistake -> {
                throw new IllegalArgumentException(mistake);
              });
      return ((RestartFlags) spec.userObject()).options();
    } catch (ParameterException e) {
      CommandSpec spec = e.getCommandLine().getCommandSpec();
      throw new IllegalArgumentException(new WrittenFlags(spec, List.of(args)).explain(e), e);
    }
  }

  private EngineOptions options() {
    try {
      return arrivals.applyTo(sharing.applyTo(flags.options()));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(new FlagNames(spec).in(e.getMessage()), e);
    }
  }

  /** An error of the engine, with flags in the place of options. */
  static String explained(String message) {
    return new FlagNames(parsed()).in(message);
  }

  /** Every flag, in the order of {@code --help}. */
  static List<Flag> all() {
    List<Flag> all = new ArrayList<>();
    for (OptionSpec option : parsed().options()) {
      String value = takesValue(option) ? option.paramLabel() : "";
      all.add(new Flag(option.longestName(), value, String.join(" ", option.description())));
    }
    return all;
  }

  private static boolean takesValue(OptionSpec option) {
    return option.arity().max() > 0;
  }

  /** Those flags of another command's line that are also here, as its user gave them. */
  static String given(CommandSpec command) {
    CommandSpec own = parsed();
    List<String> words = new ArrayList<>();
    for (OptionSpec option : command.commandLine().getParseResult().matchedOptions()) {
      if (own.findOption(option.longestName()) != null) {
        words.add(option.longestName());
        words.addAll(takesValue(option) ? option.originalStringValues() : List.of());
      }
    }
    return String.join(" ", words);
  }

  /** The words of a command line; no flag here has a value with a blank. */
  static String[] words(String flags) {
    return Arrays.stream(flags.split("\\s+")).filter(w -> !w.isEmpty()).toArray(String[]::new);
  }
}
