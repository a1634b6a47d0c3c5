package orrery.kernels;

import static orrery.kernels.PackedMatrix.PANEL;

import java.util.Arrays;

/**
 * The product of any number of rows, in vectors: a part of a few panels becomes floats, which stay
 * in the cache while all rows pass by. So every way to store weights shares the loops of {@link
 * F32Loops}, and decoding costs the less the more rows there are.
 */
final class PanelProduct {
  /**
   * Inputs decoded at a time: 8 panels of them fill 32 KiB.
   *
   * <p>A multiple of all numbers that share an int.
   */
  static final int PART = 64;

  private PanelProduct() {}

  static void run(
      PackedMatrix w,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch) {
    for (int row = 0; row < rows; row++) {
      int at = yOff + row * yStride;
      Arrays.fill(y, at + panelFrom * PANEL, at + panelTo * PANEL, 0f);
    }
    // A multiple of the panels that the loop takes at a time: 8 (1 row), 4 (2), 3 (4), 2 (6).
    int together = rows <= 2 ? 8 : 6;
    for (int p = panelFrom; p < panelTo; p += together) {
      int panels = Math.min(together, panelTo - p);
      for (int k = 0; k < w.in; ) {
        int to = w.partEnd(k);
        float[] floats = w.floats(p, panels, k, to, scratch);
        rows(
            floats,
            w.floatsAt(p),
            to - k,
            x,
            xOff + k,
            xStride,
            rows,
            y,
            yOff + p * PANEL,
            yStride,
            panels);
        k = to;
      }
    }
  }

  private static void rows(
      float[] w,
      int wOff,
      int in,
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panels) {
    for (int row = 0; row < rows; ) {
      int left = rows - row;
      int xRow = xOff + row * xStride;
      int yRow = yOff + row * yStride;
      // Groups of 6 and 4 rows. 7 and 8 rows go as two groups of 4, since a group of 2 leaves
      // half the machine idle.
      int take = left >= 5 && left != 7 && left != 8 ? 6 : left >= 3 ? 4 : left;
      int n = Math.min(take, left);
      switch (take) {
        case 6 -> F32Loops.rows6(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        case 4 -> F32Loops.rows4(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        case 2 -> F32Loops.rows2(w, wOff, in, x, xRow, xStride, n, y, yRow, yStride, panels);
        default -> F32Loops.row1(w, wOff, in, x, xRow, y, yRow, panels);
      }
      row += n;
    }
  }
}
