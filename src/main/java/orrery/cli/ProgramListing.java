package orrery.cli;

import java.io.PrintWriter;
import java.util.Set;
import java.util.function.Consumer;
import orrery.graph.Buffer;
import orrery.graph.Capture;
import orrery.graph.Fusion;
import orrery.graph.Launcher;
import orrery.graph.Step;
import orrery.graph.StepProgram;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.kv.KvCache;
import orrery.kv.KvDtype;
import orrery.kv.KvLayout;
import orrery.model.Forward;
import orrery.model.FusionRules;
import orrery.model.Model;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.speculation.DraftPicker;
import orrery.speculation.MtpDrafter;

/**
 * Lists the captured programs of a model. Nothing is computed: capturing a forward pass only
 * records its ops.
 *
 * @param fusion whether the programs are fused
 */
record ProgramListing(Model model, KvDtype dtype, boolean fusion, PrintWriter out) {
  private static final int PAGE =
      16; // slots of a page; any number lists the same ops; rounded up to whole rows

  void print() {
    KvLayout layout = model.kvLayout(model.hasMtp(), dtype);
    int page = layout.wholeRows(PAGE);
    KvCache cache = new KvCache(layout, page, page, 1);
    Forward forward = model.bind(cache, 1).apply(1);
    print("a step", forward::main, forward.results());
    if (model.hasMtp()) {
      Set<Buffer> results = forward.mtpResults();
      print("MTP rows that make no guess", forward::mtpKv, results);
      print("the MTP layer", forward::mtp, results);
      print("a chain of drafts, the second and the third", chain(cache));
    }
  }

  private StepProgram chain(KvCache cache) {
    try (Team team = new Team(1)) {
      ModelRunner runner = new ModelRunner(model, cache, team, 1, 1, true, fusion);
      Step step = new Step(1, 1, 1, new ScalarKernels());
      Sampler sampler = new Sampler(model.vocab(), new int[0]);
      DraftPicker picker = new DraftPicker(sampler, DraftPicker.How.COUPLED, model.vocab());
      return new MtpDrafter(runner, step, cache, picker).program(2);
    }
  }

  private void print(String what, Consumer<Launcher> pass, Set<Buffer> results) {
    StepProgram launched = Capture.of(pass);
    if (!fusion) {
      print(what, launched);
      return;
    }
    Fusion.Fused fused = Fusion.apply(launched, FusionRules.ALL, results);
    print(what, fused.program());
    out.printf("fused from %d ops:%n%s%n", launched.size(), fused.report().listing());
  }

  private void print(String what, StepProgram program) {
    out.printf("%nprogram of %s, %d ops:%n%s%n", what, program.size(), program.listing());
  }
}
