package orrery.graph;

/** How many rows of a buffer a step uses; known only when an op runs. */
@FunctionalInterface
public interface RowCount {
  int of(Step step);
}
