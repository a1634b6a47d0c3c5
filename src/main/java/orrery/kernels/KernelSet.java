package orrery.kernels;

/** The kernels that an engine computes with. All give the same bits. */
public enum KernelSet {
  /** The scalar kernels: the definition, in plain loops. */
  SCALAR,
  /** The vector kernels (Panama), from the first step on, although they are cold then. */
  VECTOR,
  /**
   * Scalar kernels for a small first step, so the first token does not wait for the JIT; then
   * vector kernels.
   */
  AUTO
}
