package orrery.graph;

import java.util.Arrays;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;

/** What all steps of an engine share, since only one of them is computed at a time. */
public final class Workspace {
  private final Scratch[] scratch; // [threads]
  private volatile Kernels kernels;

  /** Working memory for {@code threads} threads. */
  public Workspace(int threads, Kernels kernels) {
    this.scratch = new Scratch[threads];
    Arrays.setAll(scratch, i -> new Scratch());
    this.kernels = kernels;
  }

  /** Threads that have working memory. */
  int threads() {
    return scratch.length;
  }

  Scratch scratch(int thread) {
    return scratch[thread];
  }

  /** The kernels that ops call. */
  public Kernels kernels() {
    return kernels;
  }

  /**
   * Changes the kernels; legal at any time, also from another thread in the middle of a step, since
   * all kernels give the same bits.
   */
  public void kernels(Kernels kernels) {
    this.kernels = kernels;
  }
}
