package orrery.model;

import orrery.kernels.PackedMatrix;

/**
 * Where the weights of a model come from. The same lines of an architecture load a checkpoint
 * ({@link CheckpointWeights}) and tell what a checkpoint must have ({@link WeightShapes}).
 */
public interface Weights {
  /** Whether there is a tensor of that name; for tensors that a checkpoint may leave out. */
  boolean has(String name);

  /** A matrix [out][in]. */
  PackedMatrix matrix(String name, int out, int in);

  /** A table of vectors [rows][cols], one for each token. */
  default PackedMatrix embedding(String name, int rows, int cols) {
    return matrix(name, rows, cols);
  }

  /**
   * A matrix [out][in] of which a checkpoint keeps float32 values even if its other matrices are
   * narrower.
   */
  PackedMatrix float32(String name, int out, int in);

  /** Matrices [out][in] that lie one after the other in one tensor [count · out][in]. */
  PackedMatrix[] stack(String name, int count, int out, int in);

  /** A vector [n] as float32. */
  float[] vector(String name, int n);

  /** A table [rows][cols] of float32, row-major. */
  float[] table(String name, int rows, int cols);

  /** A table [rows][cols] of indices from 0 to {@code below} - 1, row-major. */
  int[] indices(String name, int rows, int cols, int below);
}
