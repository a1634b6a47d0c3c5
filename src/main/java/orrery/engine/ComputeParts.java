package orrery.engine;

import orrery.graph.ComputeOptions;
import orrery.graph.Step;
import orrery.graph.Workspace;
import orrery.kernels.KernelSwitch;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;
import orrery.model.ModelRunner;
import orrery.sampling.Sampler;
import orrery.speculation.DraftLength;
import orrery.speculation.Drafter;
import orrery.speculation.SpeculationOptions;
import orrery.speculation.length.DraftLengths;
import orrery.speculation.rules.AcceptanceRules;

/**
 * The parts that compute a step and decide its tokens, made from the options: threads, kernels,
 * model, drafter. They touch no book of the engine.
 */
final class ComputeParts implements AutoCloseable {
  private final EngineState state;
  private final int logitRows;
  private final int maxRows;
  private final int maxRunning;
  private final boolean mtp;
  private final Team team;
  private final Workspace workspace;
  final ForwardPass pass;
  final Speculator speculator;
  final Decider decider;
  final int drafts; // of a sequence, at most

  /**
   * @throws IllegalArgumentException if an option does not fit the model
   */
  ComputeParts(EngineState state, EngineOptions options, Drafters drafters) {
    this.state = state;
    this.logitRows = Sizes.logitRows(options);
    this.maxRows = Math.addExact(Sizes.chunk(options, state.contextLength), logitRows);
    this.maxRunning = options.batching().maxRunningRequests();
    this.mtp = options.speculation().algorithm() == SpeculationOptions.Algorithm.MTP;
    this.team = new Team(options.compute().threads());
    try {
      this.workspace = new Workspace(options.compute().threads(), new ScalarKernels());
      this.pass = pass(options);
      DraftLength length = DraftLengths.of(options.speculation());
      this.drafts = length.most();
      this.speculator = new Speculator(drafter(drafters), length);
      this.decider = decider(options.speculation());
    } catch (Throwable e) {
      team.close(); // else its threads would stay
      throw e;
    }
  }

  private ForwardPass pass(EngineOptions options) {
    ComputeOptions o = options.compute();
    ModelRunner runner =
        new ModelRunner(state.model, state.kv, team, maxRows, logitRows, o.graph(), o.fusion());
    long weights = state.model.info().activeParameters();
    KernelSwitch kernels = new KernelSwitch(o.kernels(), weights, state.loaded.rehearsal());
    return new ForwardPass(runner, kernels, workspace);
  }

  private Drafter drafter(Drafters drafters) {
    return drafters.make(
        pass.runner(), () -> new Step(maxRows, maxRunning, workspace), state.kv, newSampler());
  }

  private Decider decider(SpeculationOptions speculation) {
    return new Decider(team, () -> AcceptanceRules.of(speculation, newSampler()));
  }

  private Sampler newSampler() {
    return new Sampler(state.model.vocab(), state.loaded.eos());
  }

  /** Room for the rows of a step. */
  Step newStep() {
    return new Step(maxRows, maxRunning + 1, workspace); // one more for the padding
  }

  /**
   * A warm-up of these parts.
   *
   * @param step that no other step uses meanwhile
   */
  WarmUp warmUp(Step step) {
    return new WarmUp(
        pass,
        step,
        state.kv,
        state.contextLength,
        logitRows,
        mtp,
        speculator.warmUp(maxRunning, state.model.vocab(), state.contextLength));
  }

  /** The name of the kernels that will compute the next step. */
  String kernelName() {
    return workspace.kernels().name();
  }

  @Override
  public void close() {
    team.close();
  }
}
