package orrery.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.checkpoint.CheckpointException;
import orrery.engine.Heap;
import orrery.engine.RequestException;
import orrery.kernels.VectorModule;
import orrery.sampling.SamplingException;
import orrery.text.TokenizerException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.TypeConversionException;

/**
 * The command line. Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong, 3
 * every line of a batch failed.
 */
@Command(
    name = "orrery",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    synopsisSubcommandLabel = "COMMAND",
    description = {
      "A working scale model of an LLM serving engine, on a CPU.",
      "",
      "Start with the demo. Every command explains itself: orrery COMMAND --help",
      ""
    },
    footer = {
      "",
      "Examples:",
      "  orrery demo",
      "  orrery generate -c \"What is the opposite of hot?\"",
      "  orrery generate -p \"Once upon a time there was a\" --temperature 0.8 --seed 7",
      "  orrery serve",
      "",
      "Exit codes: 0 done, 1 it could not be done, 2 the command line was wrong,",
      "3 every line of a batch failed."
    })
public final class Main {
  /** Exit code of a batch of which no line has an answer. */
  static final int ALL_FAILED = 3;

  /** Every command by its name, in the order of the help. */
  private static final Map<String, Class<?>> COMMANDS = commands();

  private final Ahead ahead;

  private Main(Ahead ahead) {
    this.ahead = ahead;
  }

  /** The model that is being loaded while the command line is read. */
  Ahead ahead() {
    return ahead;
  }

  private static Map<String, Class<?>> commands() {
    Map<String, Class<?>> all = new LinkedHashMap<>();
    all.put("demo", DemoCommand.class);
    all.put("generate", GenerateCommand.class);
    all.put("run-batch", RunBatchCommand.class);
    all.put("serve", ServeCommand.class);
    all.put("inspect", InspectCommand.class);
    all.put("quantize", QuantizeCommand.class);
    all.put("dump", DumpCommand.class);
    all.put("bench", BenchCommand.class);
    all.put("trace", TraceCommand.class);
    all.put("trace-svg", TraceSvgCommand.class);
    all.put("lab", LabCommand.class);
    all.put("help", CommandLine.HelpCommand.class);
    return Collections.unmodifiableMap(all);
  }

  /** Version of the jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"orrery " + (version == null ? "(unpackaged build)" : version)};
    }
  }

  public static void main(String[] args) {
    StandardOutput stdout = new StandardOutput(new FileOutputStream(FileDescriptor.out));
    System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
    System.setErr(
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8));
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
    int code;
    try (Interruption interruption = new Interruption()) {
      String[] decoded = Arguments.decoded(args, System.getProperty("sun.jnu.encoding"));
      code = run(out, err, Ahead.of(decoded), decoded);
    } catch (IOException | IllegalArgumentException e) {
      err.println("orrery: " + e.getMessage());
      code = 2;
    }
    boolean told = stdout.whole() && !err.checkError();
    System.exit(code == 0 && !told ? 1 : code);
  }

  /** Runs a command line and returns its exit code. */
  static int run(PrintWriter out, PrintWriter err, String... args) {
    return run(out, err, Ahead.none(), args);
  }

  private static int run(PrintWriter out, PrintWriter err, Ahead ahead, String... args) {
    CommandLine line = line(ahead, args).setOut(out).setErr(err);
    try {
      if (args.length == 0) {
        line.usage(out);
        return 2;
      }
      int code = line.execute(args);
      out.flush();
      return code;
    } catch (UncheckedIOException e) { // the last lines could not be printed
      err.println("orrery: " + e.getMessage());
      return 1;
    } finally {
      err.flush();
    }
  }

  /** All commands, bound to nothing yet. */
  static CommandLine line() {
    return line(Ahead.none(), COMMANDS);
  }

  /**
   * The commands that a command line needs: the one that it names, else all, of which the help and
   * the hints for a misspelt name tell. picocli reads the flags of each by reflection; those of all
   * commands take a tenth of a second at a start.
   */
  static CommandLine line(Ahead ahead, String... args) {
    Class<?> named = args.length == 0 || args[0].equals("help") ? null : COMMANDS.get(args[0]);
    return line(ahead, named == null ? COMMANDS : Map.of(args[0], named));
  }

  private static CommandLine line(Ahead ahead, Map<String, Class<?>> commands) {
    CommandLine line = new CommandLine(new Main(ahead));
    commands.forEach(line::addSubcommand);
    return configured(line)
        .setParameterExceptionHandler(Main::explainSyntax)
        .setExecutionStrategy(Main::execute)
        .setExecutionExceptionHandler(explainMistakes());
  }

  /** Reads values as every command does. */
  static CommandLine configured(CommandLine line) {
    return line.registerConverter(Path.class, Main::path)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOverwrittenOptionsAllowed(true); // requireOnce() refuses it, in groups too
  }

  /** A wrong command line gets one line and a hint; the whole help would bury both. */
  private static int explainSyntax(ParameterException e, String[] args) {
    CommandLine line = e.getCommandLine();
    fail(line, new WrittenFlags(line.getCommandSpec(), List.of(args)).explain(e), 2);
    return seeHelp(line);
  }

  private static int seeHelp(CommandLine line) {
    line.getErr().printf("See: %s --help%n", line.getCommandSpec().qualifiedName());
    return 2;
  }

  /**
   * Runs the command or shows its help. Either may find that standard output cannot be written.
   * Memory that runs out is no bug: the error says what the memory was for.
   */
  private static int execute(ParseResult parsed) {
    try {
      requireOnce(parsed);
      return new RunLast().execute(parsed);
    } catch (UncheckedIOException e) {
      throw new ExecutionException(parsed.commandSpec().commandLine(), e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      List<CommandLine> path = parsed.asCommandLineList();
      boolean known = e.getCause() instanceof OutOfMemoryError;
      String message = (known ? e : Heap.during("running", e)).getMessage();
      return fail(path.getLast(), message, 1);
    }
  }

  /** picocli lets a flag of an optional group be there twice, and forgets the group's first one. */
  private static void requireOnce(ParseResult parsed) {
    CommandLine line = parsed.asCommandLineList().getLast();
    new WrittenFlags(line.getCommandSpec(), parsed.originalArgs())
        .repeated()
        .ifPresent(
            mistake -> {
              throw new ParameterException(line, mistake);
            });
  }

  /** A user's mistake gets one line; only a bug of ours gets a stack trace. */
  private static IExecutionExceptionHandler explainMistakes() {
    return (e, line, parsed) -> {
      if (Interruption.caused(e)) {
        return fail(line, "interrupted", Interruption.EXIT_CODE);
      }
      if (e instanceof CheckpointException
          || e instanceof TokenizerException
          || e instanceof SamplingException
          || e instanceof VectorModule.MissingException
          || e instanceof UncheckedIOException
          || e instanceof IOException) {
        return fail(line, e.getMessage(), 1);
      }
      boolean invalid =
          e instanceof RequestException r && r.kind() == RequestException.Kind.INVALID;
      if (invalid || e instanceof IllegalArgumentException) {
        fail(line, new FlagNames(line.getCommandSpec()).in(e.getMessage()), 2);
        return seeHelp(line);
      }
      if (e instanceof RequestException) {
        return fail(line, e.getMessage(), 1);
      }
      PrintWriter err = line.getErr();
      err.println("orrery: this is a bug of Orrery, please report it with what follows");
      e.printStackTrace(err);
      return 1;
    };
  }

  /** Reads the name of a file; in a locale that is not UTF-8 some names cannot be encoded. */
  private static Path path(String name) {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(
          "expected the name of a file, found "
              + name
              + " ("
              + e.getReason()
              + "; the locale's encoding is "
              + System.getProperty("sun.jnu.encoding")
              + ")");
    }
  }

  private static int fail(CommandLine line, String message, int code) {
    line.getErr().println(line.getCommandSpec().qualifiedName() + ": " + message);
    return code;
  }
}
