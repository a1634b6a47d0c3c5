package orrery.graph;

import orrery.kernels.PackedMatrix;

/**
 * A piece of a product that stays in a core's cache until the fused op has done with it: some rows
 * by some panels of 16 outputs, in the scratch of a share.
 */
public final class Tile {
  /** Rows of a tile: whole groups of 6, which the kernels take. */
  public static final int ROWS = 60;

  private static final int LEAST_PANELS = 12;
  private static final int GROUP = 24; // panels: a multiple of 8, 6, 4 and 3

  /** Floats of the largest tile. */
  public static final int FLOATS = ROWS * LEAST_PANELS * PackedMatrix.PANEL;

  private Tile() {}

  /** Floats of the rows of a tile, if so many columns of each are held at once. */
  public static long floats(int cols) {
    return ROWS * (Buffer.bytes(cols) / Float.BYTES);
  }

  /**
   * Panels of a tile of so many rows: whole groups of 6, which the kernels take while many rows
   * pass by, and of 8, 4 and 3, which they take with few rows. As many as there is room for: a
   * memory delivers long runs of weights faster than short ones of two matrices in turns.
   */
  public static int panels(int rows) {
    int room = FLOATS / PackedMatrix.PANEL / rows;
    return Math.max(LEAST_PANELS, room - room % GROUP);
  }

  /**
   * Computes panels [from, to) of W · x, into {@code to - from} panels from {@code at}.
   *
   * @param x [rows][xStride] from {@code xAt}
   * @param into receives [rows][stride]
   */
  public static void product(
      Step step,
      int share,
      PackedMatrix w,
      float[] x,
      int xAt,
      int xStride,
      int rows,
      float[] into,
      int at,
      int stride,
      int from,
      int to) {
    if (rows > 0 && from < to) {
      // The kernel writes a panel at 16 times its number.
      int first = at - from * PackedMatrix.PANEL;
      step.kernels()
          .matmul(w, x, xAt, xStride, rows, into, first, stride, from, to, step.scratch(share));
    }
  }
}
