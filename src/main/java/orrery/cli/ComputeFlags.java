package orrery.cli;

import orrery.engine.EngineOptions;
import orrery.graph.ActivationDtype;
import orrery.graph.ComputeOptions;
import orrery.kernels.KernelSet;
import picocli.CommandLine.Option;

/** How rows are computed. */
final class ComputeFlags {
  static final String FUSION = "--fusion";
  static final String WARMUP = "--warmup";
  static final String ACTIVATIONS = "--activation-dtype";

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Threads of the forward pass. Default: one for each physical core")
  private int threads = ComputeOptions.defaults().threads();

  @Option(
      names = "--kernels",
      paramLabel = "WHICH",
      converter = KernelsName.class,
      description =
          "scalar (plain loops, the definition), vector (Panama), or auto (vector, except for a"
              + " small first step, which must not wait for the JIT). Default: auto")
  private KernelSet kernels = KernelSet.AUTO;

  @Option(
      names = "--graph",
      paramLabel = "on|off",
      arity = "1", // else picocli takes a boolean for a flag without a value
      converter = OnOff.class,
      description =
          "Capture each step shape once and replay it, or launch every op eagerly. Default: on")
  private boolean graph = true;

  @Option(
      names = FUSION,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "Rewrite captured programs so that several ops become one, or replay them as they were"
              + " launched. Default: on")
  private boolean fusion = true;

  @Option(
      names = WARMUP,
      paramLabel = "on|off",
      arity = "1",
      converter = OnOff.class,
      description =
          "Run a step of every shape before the first request, which then finds programs captured"
              + " and kernels compiled. Default: off; serve: on, unless --skip-server-warmup")
  private boolean warmup;

  @Option(
      names = ACTIVATIONS,
      paramLabel = "DTYPE",
      converter = DtypeName.class,
      description =
          "What products with quantised weights multiply: f32, or fp8 (rounded row by row)."
              + " Changes answers. Default: f32")
  private ActivationDtype activations = ActivationDtype.F32;

  /** These options with what the flags say. */
  EngineOptions applyTo(EngineOptions options) {
    return options.withCompute(
        c ->
            c.withThreads(threads)
                .withKernels(kernels)
                .withGraph(graph)
                .withFusion(fusion)
                .withWarmup(warmup)
                .withActivationDtype(activations));
  }

  /** The sets of kernels, as users write them. */
  static final class KernelsName extends EnumWord<KernelSet> {
    KernelsName() {
      super(KernelSet.class);
    }
  }

  /** What activations can be, as users write it. */
  static final class DtypeName extends EnumWord<ActivationDtype> {
    DtypeName() {
      super(ActivationDtype.class);
    }
  }
}
