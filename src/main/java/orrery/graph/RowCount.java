package orrery.graph;

/** How many rows of a buffer a step uses; known only when an op runs. */
@FunctionalInterface
public interface RowCount {
  /** The number of rows in use in a step. */
  int of(Step step);
}
