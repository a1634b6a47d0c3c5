package orrery.graph;

/**
 * One operation of a forward pass, bound to its buffers, weights and cache handles, never to a
 * value of a step. Each technique keeps its own ops beside it.
 */
public interface Op {
  /** Does part {@code part} of {@code parts}: some of the outputs or rows, never part of a sum. */
  void run(Step step, int part, int parts);

  /** Multiply-adds, roughly: whether splitting over threads is worth the hand-over. */
  long cost(Step step);

  /** The op in one line, for listings. */
  String line();
}
