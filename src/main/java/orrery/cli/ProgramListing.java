package orrery.cli;

import java.io.PrintWriter;
import java.util.Set;
import java.util.function.Consumer;
import orrery.engine.EngineOptions;
import orrery.engine.HeapPlan;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Launcher;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.GreedyForward;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.speculation.DraftPicker;
import orrery.speculation.MtpDrafter;

/**
 * Captures the programs of a model and prints them. Nothing is computed: capturing a forward pass
 * only records its ops.
 */
final class ProgramListing {
  private static final int PAGE =
      16; // slots of a page; any number lists the same ops; rounded up to whole rows
  private static final int CONTEXT = 128; // tokens of each request, for the cost of attention
  private static final int MOST_ROWS = 4096;
  private static final int MOST_THREADS = 256;

  private final Model model;
  private final KvCache cache;
  private final int rows;
  private final int threads;
  private final boolean fusion;
  private final PrintWriter out;

  /**
   * @param options how the engine stores cached rows, and where they lie
   * @param rows of the step, each of a request of its own
   * @param fusion whether the programs are fused
   */
  ProgramListing(
      Model model, EngineOptions options, int rows, int threads, boolean fusion, PrintWriter out) {
    KvLayout layout =
        model
            .kvLayout(model.hasMtp(), options.kv().kvCacheDtype())
            .onHost(HeapPlan.layout(model, options).buffers());
    int page = layout.wholeRows(PAGE);
    this.model = model;
    this.cache = new KvCache(layout, page, page, 1);
    this.rows = rows;
    this.threads = threads;
    this.fusion = fusion;
    this.out = out;
  }

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  static void require(int rows, int threads) {
    if (rows < 1 || rows > MOST_ROWS) {
      throw new IllegalArgumentException("rows: expected 1 to " + MOST_ROWS + ", found " + rows);
    }
    if (threads < 1 || threads > MOST_THREADS) {
      throw new IllegalArgumentException(
          "threads: expected 1 to " + MOST_THREADS + ", found " + threads);
    }
  }

  void print() {
    Forward forward = new GreedyForward(model.bind(cache, rows).apply(rows));
    print("a step", forward::main, forward.results());
    if (model.hasMtp()) {
      Set<Operand> results = forward.mtpResults();
      print("MTP rows that make no guess", forward::mtpKv, results);
      print("the MTP layer", forward::mtp, results);
      print("a chain of drafts, the second and the third", chain());
    }
  }

  private StepProgram chain() {
    try (Team team = new Team(1)) {
      ModelRunner runner = new ModelRunner(model, cache, team, 1, 1, true, fusion);
      Step step = new Step(1, 1, 1, new ScalarKernels());
      Sampler sampler = new Sampler(model.vocab(), new int[0]);
      DraftPicker picker = new DraftPicker(sampler, DraftPicker.How.COUPLED, model.vocab());
      return new MtpDrafter(runner, step, cache, picker).program(2);
    }
  }

  private void print(String what, Consumer<Launcher> pass, Set<Operand> results) {
    StepProgram launched = Capture.of(pass);
    if (!fusion) {
      print(what, launched);
      return;
    }
    Fusion.Fused fused = Fusion.apply(launched, FusionRules.of(rows, threads), results);
    print(what, fused.program());
    out.printf("fused from %d ops:%n%s%n", launched.size(), fused.report().listing());
  }

  private void print(String what, StepProgram program) {
    String head = String.format("%nprogram of %s, %d ops", what, program.size());
    if (threads == 1) {
      out.printf("%s:%n%s%n", head, program.listing());
      return;
    }
    StepProgram inRegions = program.inRegions(rows, threads);
    Step step = new Step(rows, 1, threads, new ScalarKernels());
    for (int r = 0; r < rows; r++) {
      step.add(0, CONTEXT - 1, 0, true);
    }
    out.printf(
        "%s, %d row%s, %d threads: %d hand-overs in place of %d:%n%s%n",
        head,
        rows,
        rows == 1 ? "" : "s",
        threads,
        inRegions.handOvers(step, threads),
        program.handOvers(step, threads),
        inRegions.listing(step, threads));
  }
}
