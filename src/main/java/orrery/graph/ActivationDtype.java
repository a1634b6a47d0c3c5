package orrery.graph;

/**
 * What the rows are that a product with quantised weights multiplies. It is no switch: with FP8 a
 * model gives other answers.
 */
public enum ActivationDtype {
  /** As they were computed. */
  F32,
  /** Rounded to FP8, as {@link orrery.quantization.ActivationRounding} says. */
  FP8
}
