package orrery.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.files.OutputFile;
import orrery.lab.Fidelity;
import orrery.lab.HeldOutText;
import orrery.lab.HeldOutText.Passage;
import orrery.lab.Quantize;
import orrery.quantization.layouts.Layout;
import orrery.quantization.layouts.Layouts;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery quantize}: writes a copy of a model with weights of few bits. */
@Command(
    name = "quantize",
    header = "Write a copy of a model with weights of 8 or 4 bits, and say what that costs.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "orrery quantize (--format NAME | --experts NAME | both) --out DIR [FLAGS]",
    description = {
      "",
      "Each matrix is rounded by itself; no text is needed for it. Embedding, head, norms, router"
          + " and what else releases keep stay as they are. The layouts:",
      "",
      "  fp8          FP8 in blocks of 128 x 128, F32 scales        (DeepSeek-V3)",
      "  fp8-channel  FP8, a F32 scale a row                        (GLM-4.5-Air-FP8)",
      "  mxfp8        FP8, a power of two for 32 weights            (MiniMax-M3)",
      "  mxfp4        FP4, a power of two for 32 weights            (compressed-tensors)",
      "  nvfp4        FP4, an FP8 scale for 16 weights              (compressed-tensors)",
      "  v4           FP8 in blocks, experts in FP4, powers of two  (DeepSeek-V4, only it)",
      "",
      "Then both models read the same held-out text, and their logits are compared.",
      ""
    })
final class QuantizeCommand implements Callable<Integer> {
  @Mixin private ModelOption model;

  @Option(
      names = "--format",
      paramLabel = "NAME",
      completionCandidates = FormatNames.class,
      description = "How matrices are stored: ${COMPLETION-CANDIDATES}")
  private String format;

  @Option(
      names = "--experts",
      paramLabel = "NAME",
      completionCandidates = ExpertNames.class,
      description =
          "How routed experts are stored: ${COMPLETION-CANDIDATES}. The rest is as --format says"
              + " (fp8-channel), or stays as it is")
  private String experts;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "A new or empty directory")
  private Path out;

  @Option(names = "--tensors", description = "List every matrix, not only every kind of matrix")
  private boolean tensors;

  @Option(
      names = "--compare",
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description = "Compare the logits of both models. Default: on")
  private boolean compare = true;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description =
          "The text that both read: plain text, or JSON lines with kind and text (.jsonl). Default:"
              + " the model's heldout.jsonl; without one, random tokens")
  private Path text;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write all numbers as JSON lines: a line for each matrix and kind of text")
  private Path report;

  @ArgGroup(validate = false, order = 10, heading = EngineFlags.COMPUTE)
  private ComputeFlags compute = new ComputeFlags();

  @Spec private CommandSpec spec;

  /** The words of {@code --format}. */
  static final class FormatNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Layouts.names().iterator();
    }
  }

  /** The words of {@code --experts}. */
  static final class ExpertNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Layouts.expertNames().iterator();
    }
  }

  @Override
  public Integer call() throws IOException {
    Layout layout = Layouts.of(format, experts);
    EngineOptions options = compute.applyTo(EngineOptions.defaults());
    new CommandFiles(spec.commandLine())
        .model(model.directory())
        .reads("--text", text)
        .writes("--report", report)
        .check();
    new NoEffect(spec)
        .when(!compare, "with --compare off", "--text", "--threads", "--kernels", "--graph")
        .when(!compare, "with --compare off", ComputeFlags.FUSION)
        .when(!options.compute().graph(), "with --graph off", ComputeFlags.FUSION)
        .tell();
    PrintWriter stdout = spec.commandLine().getOut();
    QuantizeProgress progress = new QuantizeProgress(spec.commandLine().getErr());
    Quantize.Report done = Quantize.write(model.directory(), layout, out, progress);
    QuantizeTables tables = new QuantizeTables(stdout);
    stdout.printf("%s as %s: %s%n", model.directory(), layout.name(), out);
    tables.matrices(done, tensors);
    List<Fidelity.Score> scores = compare ? compared(tables, options) : List.of();
    stdout.flush();
    if (report != null) {
      OutputFile.of(report).write(QuantizeLines.of(done, scores));
    }
    return 0;
  }

  private List<Fidelity.Score> compared(QuantizeTables tables, EngineOptions options) {
    try (LoadedModel before = model.load();
        LoadedModel after = LoadedModel.load(out)) {
      List<Passage> passages = HeldOutText.of(before, text, 1);
      List<Fidelity.Score> scores = Fidelity.compare(before, after, passages, options);
      tables.scores(scores);
      Passage worst = passages.get(scores.getLast().worstPassage());
      if (worst.natural()) {
        tables.worst(before.requireTokenizer(), worst, scores.getLast());
      }
      return scores;
    }
  }
}
