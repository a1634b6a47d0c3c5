package orrery.graph;

import orrery.kernels.KernelSet;
import orrery.options.Options;

/**
 * How the rows of a step are computed.
 *
 * @param threads threads of the forward pass
 * @param kernels which kernels compute
 * @param graph capture each step shape once and replay it, instead of launching eagerly
 * @param warmup run a step of every shape before the first request
 * @param activationDtype what products with quantised weights multiply; FP8 is another model
 */
public record ComputeOptions(
    int threads,
    KernelSet kernels,
    boolean graph,
    boolean warmup,
    ActivationDtype activationDtype) {
  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public ComputeOptions {
    Options.check(threads >= 1 && threads <= 256, "threads", "1 to 256", threads);
    Options.check(kernels != null, "kernels", "a set of kernels", null);
    Options.check(activationDtype != null, "activation-dtype", "f32 or fp8", null);
  }

  /** The default options. */
  public static ComputeOptions defaults() {
    return new ComputeOptions(1, KernelSet.AUTO, true, false, ActivationDtype.F32);
  }

  public ComputeOptions withThreads(int threads) {
    return Options.with(this, "threads", threads);
  }

  public ComputeOptions withKernels(KernelSet kernels) {
    return Options.with(this, "kernels", kernels);
  }

  public ComputeOptions withGraph(boolean graph) {
    return Options.with(this, "graph", graph);
  }

  public ComputeOptions withWarmup(boolean warmup) {
    return Options.with(this, "warmup", warmup);
  }

  public ComputeOptions withActivationDtype(ActivationDtype activationDtype) {
    return Options.with(this, "activationDtype", activationDtype);
  }
}
