package orrery.graph;

import java.util.List;
import orrery.kernels.PackedMatrix;

/** An op that multiplies the rows of one buffer by matrices. */
public interface MatrixProduct extends Op {
  /** What is multiplied, [rows][a multiple of the matrices' in]. */
  Buffer x();

  /** The matrices, all of one shape. */
  List<PackedMatrix> matrices();

  /** The same product of another buffer of this shape. */
  MatrixProduct of(Buffer x);
}
