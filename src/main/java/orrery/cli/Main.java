package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import orrery.checkpoint.CheckpointException;
import orrery.sampling.SamplingException;
import orrery.text.TokenizerException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IVersionProvider;

/** The command line. Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong. */
@Command(
    name = "orrery",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "A working scale model of an LLM serving engine, on a CPU.",
      "",
      "Start with `orrery demo`. Every command explains itself with --help."
    },
    subcommands = {
      DemoCommand.class,
      GenerateCommand.class,
      InspectCommand.class,
      DumpCommand.class,
      CommandLine.HelpCommand.class
    },
    footer = {"", "Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong."})
public final class Main {
  private Main() {}

  /** Version of the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"orrery " + (version == null ? "(unpackaged build)" : version)};
    }
  }

  public static void main(String[] args) {
    System.exit(run(args));
  }

  /** Runs a command line and returns its exit code. */
  static int run(String... args) {
    CommandLine line = new CommandLine(new Main());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(explainMistakes());
    if (args.length == 0) {
      line.usage(System.out);
      return 2;
    }
    return line.execute(args);
  }

  /** A user's mistake gets one line; only a bug of ours gets a stack trace. */
  private static IExecutionExceptionHandler explainMistakes() {
    return (e, line, parsed) -> {
      if (e instanceof CheckpointException
          || e instanceof TokenizerException
          || e instanceof SamplingException
          || e instanceof UncheckedIOException
          || e instanceof IOException) {
        return fail(line, e.getMessage(), 1);
      }
      if (e instanceof IllegalArgumentException) {
        return fail(line, e.getMessage(), 2);
      }
      PrintWriter err = line.getErr();
      err.println("orrery: this is a bug of Orrery, please report it with what follows");
      e.printStackTrace(err);
      return 1;
    };
  }

  private static int fail(CommandLine line, String message, int code) {
    line.getErr().println("orrery " + line.getCommandName() + ": " + message);
    return code;
  }
}
