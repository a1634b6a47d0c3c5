package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;
import static orrery.kernels.VectorKernels.LANES;

/**
 * Which outputs the product of one row computes at a time: a few vectors that lie side by side,
 * first within a panel. Vectors that share a panel share its cache lines. So each line of weights
 * comes from memory once, also where a vector is shorter than a panel.
 *
 * <pre>
 *   panels of 16 outputs   |   p           |  p + 1        |  p + 2        |  p + 3        |
 *   4 vectors, 512 bits    |       0       |       1       |       2       |       3       |
 *   4 vectors, 256 bits    |   0   |   1   |   2   |   3   |
 *   4 vectors, 128 bits    | 0 | 1 | 2 | 3 |
 * </pre>
 */
final class RowVectors {
  private RowVectors() {}

  /** Panels that so many vectors, at least four, cover. */
  static int panels(int vectors) {
    return vectors * LANES / PANEL;
  }

  /** The first output of vector {@code i} of some panels; of the last one, if there is none. */
  static int output(int i, int panels) {
    return Math.min(i, panels * PANEL / LANES - 1) * LANES;
  }

  /**
   * Where an array [panels][size][16] has the first entry of an output.
   *
   * @param size entries of one output
   */
  static int at(int output, int size) {
    return output / PANEL * size * PANEL + output % PANEL;
  }
}
