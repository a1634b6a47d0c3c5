package orrery.graph;

import orrery.kernels.Cores;
import orrery.kernels.KernelSet;
import orrery.options.Options;

/**
 * How the rows of a step are computed.
 *
 * @param threads threads of the forward pass
 * @param kernels which kernels compute
 * @param graph capture each step shape once and replay it, instead of launching eagerly
 * @param fusion rewrite captured programs, so that several ops become one
 * @param warmup run a step of every shape before the first request
 * @param activationDtype what products with quantised weights multiply; FP8 is another model
 * @param overlap plan the next step and settle the last one while a step is computed
 */
public record ComputeOptions(
    int threads,
    KernelSet kernels,
    boolean graph,
    boolean fusion,
    boolean warmup,
    ActivationDtype activationDtype,
    boolean overlap) {
  private static final int MOST_THREADS = 256;

  /**
   * @throws IllegalArgumentException naming the option, what was expected and what was found
   */
  public ComputeOptions {
    Options.check(threads >= 1 && threads <= MOST_THREADS, "threads", "1 to 256", threads);
    Options.check(kernels != null, "kernels", "a set of kernels", null);
    Options.check(activationDtype != null, "activation-dtype", "f32 or fp8", null);
  }

  /** The default options: a thread for each physical core. */
  public static ComputeOptions defaults() {
    int threads = Math.min(MOST_THREADS, Cores.physical());
    return new ComputeOptions(
        threads, KernelSet.AUTO, true, true, false, ActivationDtype.F32, false);
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

  public ComputeOptions withFusion(boolean fusion) {
    return Options.with(this, "fusion", fusion);
  }

  public ComputeOptions withWarmup(boolean warmup) {
    return Options.with(this, "warmup", warmup);
  }

  public ComputeOptions withActivationDtype(ActivationDtype activationDtype) {
    return Options.with(this, "activationDtype", activationDtype);
  }

  public ComputeOptions withOverlap(boolean overlap) {
    return Options.with(this, "overlap", overlap);
  }
}
