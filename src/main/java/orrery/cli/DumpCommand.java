package orrery.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import orrery.engine.EngineOptions;
import orrery.engine.LoadedModel;
import orrery.graph.ActivationDtype;
import orrery.lab.TensorDump;
import orrery.model.Fp8Activations;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code orrery dump}: writes every number of a forward pass, to test another implementation
 * against.
 */
@Command(
    name = "dump",
    header = "Write every number of a forward pass to a file.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    customSynopsis = "orrery dump (--ids 1,2,3 | --text TEXT) --out FILE [FLAGS]",
    description = {
      "",
      "Writes the tensors of one forward pass to a safetensors file, so that others can test their"
          + " implementation against this one. T = number of tokens:",
      "",
      "  ids                 [T] I64",
      "  logits              [T, vocab]",
      "  streams.0           [T, hidden] embeddings",
      "  streams.N           [T, hidden] residual stream after N layers; [T, streams, hidden] if"
          + " the model has hyper-connections",
      "  hidden              [T, hidden] after the final norm",
      "  router.L.experts    [T, k] I64, experts of layer L (the first is 0), ascending",
      "  router.L.weights    [T, k] their weights",
      "  mtp.logits          [T-1, vocab], row p: state of p, token p+1, predicts p+2",
      "  mtp.states          [T-1, hidden] what the MTP layer hands to the next draft of a chain;"
          + " or mtp.streams [T-1, streams, hidden]",
      "  mtp.chain_logits    [N, vocab] of a chain of N drafts after the last token, whose best"
          + " next token begins it",
      "  mtp.chain_states    [N, hidden] what each draft hands to the next; or mtp.chain_streams",
      "  mtp.drafts          [N] I64, the best token of each of these logits",
      "",
      "All numbers are float32. Needs no tokenizer with --ids.",
      ""
    })
final class DumpCommand implements Callable<Integer> {
  @ArgGroup(multiplicity = "1")
  private Source source;

  private static final class Source {
    @Option(
        names = "--ids",
        paramLabel = "1,2,3",
        split = ",",
        hideParamSyntax = true,
        description = "Token ids")
    private List<Integer> ids;

    @Option(names = "--text", paramLabel = "TEXT", description = "Text, taken as it is")
    private String text;
  }

  @Option(names = "--out", paramLabel = "FILE", required = true, description = "The file to write")
  private Path out;

  @Mixin private ModelOption model;

  @ArgGroup(validate = false, order = 10, heading = EngineFlags.COMPUTE)
  private ComputeFlags compute = new ComputeFlags();

  @Option(
      names = "--chunked-prefill-size",
      paramLabel = "N",
      description = "Most tokens of one step; 0 is all. Default: ${DEFAULT-VALUE}")
  private int chunk = 512;

  @Option(
      names = "--drafts",
      paramLabel = "N",
      description = "Drafts of the MTP chain. Default: ${DEFAULT-VALUE}")
  private int drafts = 4;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    new CommandFiles(spec.commandLine()).model(model.directory()).writes("--out", out).check();
    EngineOptions options =
        compute.applyTo(
            EngineOptions.defaults().withBatching(b -> b.withChunkedPrefillSize(chunk)));
    try (LoadedModel loaded = model.load()) {
      int[] ids =
          source.ids != null
              ? source.ids.stream().mapToInt(i -> i).toArray()
              : loaded.requireTokenizer().encode(source.text);
      boolean fp8 = options.compute().activationDtype() == ActivationDtype.FP8;
      new NoEffect(spec)
          .when(
              !loaded.model().hasMtp(),
              "without an MTP layer: the other tensors are taken from an eager pass",
              "--graph")
          .when(true, "in dump, which runs the ops as they are launched", ComputeFlags.FUSION)
          .when(!loaded.model().hasMtp(), "without an MTP layer", "--drafts")
          .when(
              fp8 && !Fp8Activations.matter(loaded.model()),
              NoEffect.WITHOUT_QUANTISED,
              ComputeFlags.ACTIVATIONS)
          .tell();
      TensorDump.write(loaded, options, ids, drafts, out);
      spec.commandLine().getOut().printf("%s: %d tokens%n", out, ids.length);
      return 0;
    }
  }
}
