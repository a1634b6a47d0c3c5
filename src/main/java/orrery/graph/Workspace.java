package orrery.graph;

import java.util.Arrays;
import orrery.kernels.Kernels;
import orrery.kernels.Scratch;
import orrery.kernels.Team;

/** What all steps of an engine share, since only one of them is computed at a time. */
public final class Workspace {
  private final Scratch[] scratch; // [threads]
  private final int[] takenBy = new int[Team.MOST_SHARES + 1]; // [shares] the thread
  private volatile Kernels kernels;

  /** Working memory for {@code threads} threads. */
  public Workspace(int threads, Kernels kernels) {
    this.scratch = new Scratch[threads];
    Arrays.setAll(scratch, i -> new Scratch());
    Arrays.fill(takenBy, -1); // a share that no thread has taken has no working memory
    this.kernels = kernels;
  }

  /** Threads that have working memory. */
  int threads() {
    return scratch.length;
  }

  /** A thread is about to do a share that is no thread's own. */
  void taken(int share, int thread) {
    takenBy[share] = thread;
  }

  /**
   * Whose working memory a share has. The first shares have that of their own, even if another
   * thread does one of them; only the thread that does a share may ask.
   */
  int threadOf(int share) {
    return share < scratch.length ? share : takenBy[share];
  }

  Scratch scratch(int share) {
    return scratch[threadOf(share)];
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
