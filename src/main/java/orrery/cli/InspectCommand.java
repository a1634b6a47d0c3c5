package orrery.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.TensorInfo;
import orrery.engine.LoadedModel;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.model.Model;
import orrery.model.ModelInfo;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.speculation.DraftPicker;
import orrery.speculation.MtpDrafter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code orrery inspect}: what a model directory holds. */
@Command(
    name = "inspect",
    header = "Show what a model consists of.",
    mixinStandardHelpOptions = true,
    description = {
      "",
      "Shows what a model consists of: parameters and bytes by role, how much of it one token uses,"
          + " and what a token leaves in the KV cache.",
      "",
      "'active' is what a step with a single decoded token must read. Such a step takes at least"
          + " active bytes over memory speed."
    })
final class InspectCommand implements Callable<Integer> {
  private static final int PAGE = 16; // slots of a page; any number lists the same ops

  @Mixin private ModelOption model;

  @Option(names = "--tensors", description = "List every tensor of the checkpoint as well")
  private boolean tensors;

  @Option(
      names = "--program",
      description =
          "List the captured programs, which --graph on replays, as well, one op a line: of a step,"
              + " of the MTP layer, and of a chain of its drafts")
  private boolean program;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    if (tensors) {
      try (Checkpoint checkpoint = Checkpoint.open(model.directory())) {
        checkpoint.infos().forEach(info -> out.println(tensor(info)));
        out.println();
      }
    }
    try (LoadedModel loaded = model.load()) {
      print(loaded, out);
      if (program) {
        printProgram(loaded.model(), out);
      }
    }
    out.flush();
    return 0;
  }

  /**
   * Captures programs and prints them. Nothing is computed: capturing a forward pass only records
   * its ops.
   */
  private static void printProgram(Model m, PrintWriter out) {
    KvCache cache = new KvCache(m.kvLayout(m.hasMtp()), PAGE, PAGE, 1);
    try (Team team = new Team(1)) {
      ModelRunner runner = new ModelRunner(m, cache, team, 1, 1, true);
      print("a step", runner.program(1), out);
      if (m.hasMtp()) {
        print("MTP rows that make no guess", runner.mtpKvProgram(1), out);
        print("the MTP layer", runner.mtpProgram(1), out);
        Step step = new Step(1, 1, 1, new ScalarKernels());
        Sampler sampler = new Sampler(m.vocab(), new int[0]);
        DraftPicker picker = new DraftPicker(sampler, DraftPicker.How.COUPLED, m.vocab());
        MtpDrafter drafter = new MtpDrafter(runner, step, cache, picker);
        print("a chain of drafts, the second and the third", drafter.program(2), out);
      }
    }
  }

  private static void print(String what, StepProgram program, PrintWriter out) {
    out.printf("%nprogram of %s, %d ops:%n%s%n", what, program.size(), program.listing());
  }

  private static String tensor(TensorInfo t) {
    return String.format(
        Locale.ROOT,
        "%-64s %-5s %-14s %,12d bytes",
        t.name(),
        t.dtype(),
        java.util.Arrays.toString(t.shape()),
        t.bytes());
  }

  private static void print(LoadedModel loaded, PrintWriter out) {
    Model m = loaded.model();
    ModelInfo info = m.info();
    out.printf(
        Locale.ROOT,
        "%s  %s, %d layers%s, hidden %d, vocabulary %d, %,d positions%n%n",
        loaded.directory(),
        m.architecture(),
        m.layers(),
        m.hasMtp() ? " + 1 MTP layer" : "",
        m.hidden(),
        m.vocab(),
        m.maxPositions());
    out.printf(
        Locale.ROOT, "%-32s %14s %14s %14s%n", "role", "parameters", "active", "active bytes");
    for (ModelInfo.Part p : info.parts()) {
      out.printf(
          Locale.ROOT,
          "%-32s %,14d %,14d %,14d%n",
          p.role(),
          p.parameters(),
          p.activeParameters(),
          p.activeBytes());
    }
    out.printf(
        Locale.ROOT,
        "%-32s %,14d %,14d %,14d%n%n",
        "all (active without MTP)",
        info.parameters(),
        info.activeParameters(),
        info.activeBytes());
    out.printf(
        Locale.ROOT,
        "KV cache: %d streams, %,d bytes for a page of %d tokens as float32%n",
        m.kvLayout(false).streams().size(),
        m.kvLayout(false).bytesPerPage(PAGE),
        PAGE);
    if (m.hasMtp()) {
      out.printf(
          Locale.ROOT,
          "with MTP: %d streams, %,d bytes%n",
          m.kvLayout(true).streams().size(),
          m.kvLayout(true).bytesPerPage(PAGE));
    }
    out.printf(
        "tokenizer: %s; end of answer: %s%n",
        loaded.tokenizer().map(t -> t.vocabSize() + " tokens").orElse("none"),
        java.util.Arrays.toString(loaded.eos()));
  }
}
