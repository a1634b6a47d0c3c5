package orrery.graph;

/**
 * One operation of a forward pass, bound to its buffers, weights and cache handles, never to a
 * value of a step. Each technique keeps its ops in its own package.
 */
public interface Op {
  /**
   * Does one thread's share of the work, {@code share} of {@code shares}: some of the outputs or
   * rows, never a piece of a sum.
   */
  void run(Step step, int share, int shares);

  /** Multiply-adds, roughly. They decide whether splitting over threads is worth the hand-over. */
  long cost(Step step);

  /** The op in one line, for listings. */
  String line();
}
