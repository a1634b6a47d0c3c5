package orrery.graph;

/**
 * One operation of a forward pass, bound to its buffers, weights and cache handles, never to a
 * value of a step. Each technique keeps its ops in its own package.
 */
public interface Op {
  /** Does part {@code part} of {@code parts}: some of the outputs or rows, never part of a sum. */
  void run(Step step, int part, int parts);

  /** Multiply-adds, roughly. They decide whether splitting over threads is worth the hand-over. */
  long cost(Step step);

  /** The op in one line, for listings. */
  String line();
}
