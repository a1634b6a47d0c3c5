package orrery.graph;

/** A fused op that can norm its input rows itself. */
public interface TakesNorm extends Op {
  /** What it multiplies. */
  InputRows input();

  /** The same op with other rows. */
  TakesNorm with(InputRows input);
}
