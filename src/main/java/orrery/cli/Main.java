package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.List;
import orrery.checkpoint.CheckpointException;
import orrery.engine.Heap;
import orrery.engine.RequestException;
import orrery.kernels.VectorModule;
import orrery.sampling.SamplingException;
import orrery.text.TokenizerException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

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
      RunBatchCommand.class,
      InspectCommand.class,
      DumpCommand.class,
      BenchCommand.class,
      TraceSvgCommand.class,
      LabCommand.class,
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
    CommandLine line = line();
    System.exit(run(line.getOut(), line.getErr(), args));
  }

  /** Runs a command line and returns its exit code. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    CommandLine line = line().setOut(out).setErr(err);
    try {
      if (args.length == 0) {
        line.usage(out);
        return 2;
      }
      return line.execute(args);
    } finally {
      out.flush();
      err.flush();
    }
  }

  /** All commands, bound to nothing yet. */
  static CommandLine line() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::explainSyntax)
        .setExecutionStrategy(Main::runInMemory)
        .setExecutionExceptionHandler(explainMistakes());
  }

  /** A wrong command line gets one line and a hint; the whole help would bury them. */
  private static int explainSyntax(ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    fail(line, e.getMessage(), 2);
    UnmatchedArgumentException.printSuggestions(e, line.getErr());
    line.getErr().printf("See: %s --help%n", line.getCommandSpec().qualifiedName());
    return 2;
  }

  /** Memory that runs out is no bug: the error says what it was wanted for. */
  private static int runInMemory(ParseResult parsed) {
    try {
      return new CommandLine.RunLast().execute(parsed);
    } catch (OutOfMemoryError e) {
      List<CommandLine> path = parsed.asCommandLineList();
      boolean known = e.getCause() instanceof OutOfMemoryError;
      String message = (known ? e : Heap.during("running", e)).getMessage();
      return fail(path.getLast(), message, 1);
    }
  }

  /** A user's mistake gets one line; only a bug of ours gets a stack trace. */
  private static IExecutionExceptionHandler explainMistakes() {
    return (e, line, parsed) -> {
      if (e instanceof CheckpointException
          || e instanceof TokenizerException
          || e instanceof SamplingException
          || e instanceof VectorModule.MissingException
          || e instanceof UncheckedIOException
          || e instanceof IOException) {
        return fail(line, e.getMessage(), 1);
      }
      if (e instanceof RequestException r) {
        boolean wrong = r.kind() == RequestException.Kind.INVALID;
        return fail(line, e.getMessage(), wrong ? 2 : 1);
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
    line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + message);
    return code;
  }
}
