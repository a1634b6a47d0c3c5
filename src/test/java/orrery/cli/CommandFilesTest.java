package orrery.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import orrery.TinyModels;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;

/** No command destroys a file that it was not asked to write. */
class CommandFilesTest {
  /** Every command that names files: what it reads, what it writes, and what else it needs. */
  private record Uses(List<String> reads, List<String> writes, String more) {}

  private static final List<String> MODELS = List.of("--model", "--twin", "--beside");
  private static final Map<String, Uses> COMMANDS = new TreeMap<>();

  static {
    List<String> prompted = List.of("--model", "--prompt-file");
    COMMANDS.put("demo", new Uses(prompted, List.of("--trace"), "--plain"));
    COMMANDS.put(
        "generate",
        new Uses(List.of("--model", "--prompt-file", "--json-schema"), List.of("--trace"), "-n 1"));
    COMMANDS.put(
        "run-batch",
        new Uses(
            List.of("--model", "--input-file", "--recipe"),
            List.of("--output-file", "--trace"),
            "--threads 1"));
    COMMANDS.put(
        "serve",
        new Uses(List.of("--model", "--profile-dir", "--recipe"), List.of("--trace"), "--port 0"));
    COMMANDS.put("inspect", new Uses(List.of("--model", "--config"), List.of(), ""));
    COMMANDS.put("dump", new Uses(List.of("--model"), List.of("--out"), "--ids 1"));
    COMMANDS.put("trace replay", new Uses(List.of("FILE"), List.of(), "--port 0"));
    COMMANDS.put("trace-svg", new Uses(List.of("TRACE"), List.of("SVG"), ""));
    COMMANDS.put("bench kernels", new Uses(List.of("--model"), List.of("--csv", "--svg"), ""));
    for (String lab :
        """
        batching paging prefix kv chunking policies mtp throughput ops fusion overlap tiers hisparse
        disagg
        """
            .split("\\s+")) {
      COMMANDS.put(
          "lab " + lab,
          new Uses(List.of("--model", "--twin"), List.of("--csv", "--svg"), "--quick"));
    }
    COMMANDS.put(
        "lab frontier",
        new Uses(
            List.of("--model", "--twin", "--recipe", "--points"),
            List.of("--csv", "--svg", "--json", "--sweep"),
            "--quick"));
    COMMANDS.put("lab numbers", new Uses(List.of("--model"), List.of("--svg"), ""));
    for (String lab : List.of("lab hybrid", "lab formats")) {
      COMMANDS.put(
          lab,
          new Uses(List.of("--model", "--twin", "--beside"), List.of("--csv", "--svg"), "--quick"));
    }
    // their output is a directory, which must be new or empty
    COMMANDS.put("lab ballast", new Uses(List.of("--model", "--out"), List.of(), ""));
    COMMANDS.put(
        "quantize",
        new Uses(List.of("--model", "--out", "--text"), List.of("--report"), "--format fp8"));
  }

  @TempDir Path directory;
  private Path model;
  private Path input;

  @BeforeEach
  void someFiles() throws IOException {
    model = Files.createDirectory(directory.resolve("model"));
    try (Stream<Path> files = Files.list(TinyModels.speck("bias"))) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Files.copy(file, model.resolve(file.getFileName().toString()));
      }
    }
    input = Files.writeString(directory.resolve("in"), "precious");
  }

  private record Run(int code, String err) {}

  private static Run run(List<String> args) {
    StringWriter err = new StringWriter();
    PrintWriter out = new PrintWriter(new StringWriter());
    return new Run(
        Main.run(out, new PrintWriter(err), args.toArray(String[]::new)), err.toString());
  }

  @Test
  void everyFileOfEveryCommandIsInTheTable() {
    Map<String, Set<String>> found = new TreeMap<>();
    collect("", Main.line(), found);
    Map<String, Set<String>> known = new TreeMap<>();
    COMMANDS.forEach(
        (name, uses) -> {
          Set<String> all = new TreeSet<>(uses.reads());
          all.addAll(uses.writes());
          known.put(name, all);
        });
    assertThat(found).isEqualTo(known);
  }

  private static void collect(String name, CommandLine line, Map<String, Set<String>> found) {
    for (ArgSpec arg : line.getCommandSpec().args()) {
      if (List.of(arg.auxiliaryTypes()).contains(Path.class)) {
        String shown = arg instanceof OptionSpec o ? o.longestName() : arg.paramLabel();
        found.computeIfAbsent(name.strip(), n -> new TreeSet<>()).add(shown);
      }
    }
    line.getSubcommands().forEach((sub, child) -> collect(name + " " + sub, child, found));
  }

  /** A command line in which each file has a path of its own, except the files that are given. */
  private List<String> line(String command, Uses uses, Map<String, Path> given) {
    List<String> args = new ArrayList<>(List.of(command.split(" ")));
    for (String name : Stream.concat(uses.reads().stream(), uses.writes().stream()).toList()) {
      Path own =
          MODELS.contains(name)
              ? model
              : uses.reads().contains(name) ? input : directory.resolve("new" + name);
      String path = given.getOrDefault(name, own).toString();
      args.addAll(name.startsWith("-") ? List.of(name, path) : List.of(path));
    }
    args.addAll(uses.more().isEmpty() ? List.of() : List.of(uses.more().split(" ")));
    return args;
  }

  private void assertRefused(List<String> args, String named) throws IOException {
    Run run = run(args);
    assertThat(run.code()).as("%s%n%s", args, run.err()).isEqualTo(2);
    assertThat(run.err()).as("%s", args).contains(named).doesNotContain("\tat ");
    assertThat(input).hasContent("precious");
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      assertThat(model.resolve(name))
          .hasSameBinaryContentAs(TinyModels.speck("bias").resolve(name));
    }
    try (Stream<Path> all = Files.list(directory)) {
      assertThat(all.map(p -> p.getFileName().toString())).noneMatch(n -> n.startsWith("new"));
    }
  }

  @Test
  void anOutputIsNeverAnInputUnderWhateverName() throws IOException {
    Path link = Files.createSymbolicLink(directory.resolve("link"), input);
    Path hard = Files.createLink(directory.resolve("hard"), input);
    Path roundabout = directory.resolve("model/../in");
    for (var command : COMMANDS.entrySet()) {
      Uses uses = command.getValue();
      for (String out : uses.writes()) {
        for (String in : uses.reads()) {
          if (!MODELS.contains(in)) {
            for (Path same : new Path[] {input, link, hard, roundabout}) {
              assertRefused(
                  line(command.getKey(), uses, Map.of(out, same)), "expected another file than");
            }
          }
        }
      }
    }
  }

  @Test
  void nothingIsWrittenIntoTheModelThatIsRead() throws IOException {
    Path weights = model.resolve("model.safetensors");
    Path hard = Files.createLink(directory.resolve("hard"), weights);
    Path link = Files.createSymbolicLink(directory.resolve("link"), model);
    for (var command : COMMANDS.entrySet()) {
      Uses uses = command.getValue();
      for (String out : uses.writes()) {
        if (!uses.reads().contains("--model")) {
          continue;
        }
        assertRefused(line(command.getKey(), uses, Map.of(out, weights)), "the model's directory");
        assertRefused(line(command.getKey(), uses, Map.of(out, hard)), "the model's model.safet");
        Path index = link.resolve("model.safetensors.index.json");
        assertRefused(line(command.getKey(), uses, Map.of(out, index)), "the model's directory");
      }
    }
  }

  @Test
  void twoOutputsAreNeverOneFile() throws IOException {
    Path one = directory.resolve("out");
    Path link =
        Files.createSymbolicLink(directory.resolve("link"), one); // to a file that is not there yet
    for (var command : COMMANDS.entrySet()) {
      Uses uses = command.getValue();
      for (String a : uses.writes()) {
        for (String b : uses.writes()) {
          if (!a.equals(b)) {
            assertRefused(
                line(command.getKey(), uses, Map.of(a, one, b, link)),
                "expected another file than");
          }
        }
      }
    }
    assertThat(one).doesNotExist();
  }

  /** A batch whose input is the only file that it reads beside the model. */
  private static Uses batch() {
    Uses all = COMMANDS.get("run-batch");
    return new Uses(List.of("--model", "--input-file"), all.writes(), all.more());
  }

  @Test
  void thePartFileOfAnswersIsNoOtherFileOfTheCommand() throws IOException {
    Uses uses = batch();
    Path out = directory.resolve("out");
    Path part = directory.resolve("out.part");
    assertRefused(
        line("run-batch", uses, Map.of("--output-file", out, "--trace", part)),
        "expected another file than");
    Files.move(input, part);
    input = part;
    assertRefused(
        line("run-batch", uses, Map.of("--output-file", out)),
        "-o's FILE.part: expected another file than -i, found " + part.toRealPath());
    assertRefused(
        line(
            "run-batch",
            uses,
            Map.of("--output-file", model.resolveSibling("model/tokenizer"), "--trace", out)),
        "the model's directory");
  }

  @Test
  void devicesMayBeUsedTwice() throws IOException {
    Files.writeString(input, "");
    Path nothing = Path.of("/dev/null");
    Uses uses = batch();
    Run run = run(line("run-batch", uses, Map.of("--output-file", nothing, "--trace", nothing)));
    assertThat(run.code()).as(run.err()).isZero();
  }
}
