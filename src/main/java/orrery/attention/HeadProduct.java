package orrery.attention;

import orrery.graph.Buffer;
import orrery.graph.Step;
import orrery.graph.Tile;
import orrery.kernels.PackedMatrix;

/**
 * A product whose outputs are heads, and what is done with each head on its own while it is in the
 * cache: bias, norm, rotation.
 *
 * <p>A product is computed in panels of 16 outputs, and a head may begin in the middle of one. The
 * smallest run of heads that begins and ends with a panel is a <em>block</em>; only the last block
 * may have fewer heads:
 *
 * <pre>
 *   heads of 16 or 32:  one head is a block
 *   heads of 24:        |0 . . . . . . . . . .|1 . . . . . . . . . .|     two heads, three panels
 * </pre>
 *
 * @param w [heads*dim][in]
 * @param bias [heads*dim] or null
 * @param norm [dim] weights of the norm of each head, or null
 * @param unit whether each head is divided by its root mean square, without weights
 * @param eps of the norm
 * @param rope null if heads are not rotated
 * @param tail whether the last columns of a head are rotated, not the first ones
 */
record HeadProduct(
    PackedMatrix w,
    int heads,
    float[] bias,
    float[] norm,
    boolean unit,
    float eps,
    RopeTable rope,
    boolean tail) {

  /** Columns of a head. */
  int dim() {
    return w.out / heads;
  }

  /** Heads of a block. */
  int blockHeads() {
    return blockHeads(dim());
  }

  /** Columns of a block of heads of so many columns. */
  static int blockWidth(int dim) {
    return blockHeads(dim) * dim;
  }

  private static int blockHeads(int dim) {
    int lowest = Integer.lowestOneBit(dim);
    return lowest >= PackedMatrix.PANEL ? 1 : PackedMatrix.PANEL / lowest;
  }

  /** Panels of a block that is full. */
  int blockPanels() {
    return blockHeads() * dim() / PackedMatrix.PANEL;
  }

  /** Blocks, the last one perhaps with fewer heads. */
  int blocks() {
    return Math.ceilDiv(heads, blockHeads());
  }

  /** Blocks that are computed together for so many rows, as many as a tile has room for. */
  int together(int rows) {
    return Math.clamp(Tile.panels(rows) / blockPanels(), 1, blocks());
  }

  /** Columns of so many blocks. */
  int width(int blocks) {
    return blocks * blockPanels() * PackedMatrix.PANEL;
  }

  /** The first head of a block, or the number of heads behind the last block. */
  int head(int block) {
    return Math.min(heads, block * blockHeads());
  }

  /**
   * Computes the heads of blocks [first, end) for some rows.
   *
   * @param firstRow of the step
   * @param x [rows][xStride] from xAt
   * @param into receives [rows][stride] from {@code at}
   */
  void compute(
      Step step,
      int share,
      int first,
      int end,
      int firstRow,
      int rows,
      float[] x,
      int xAt,
      int xStride,
      float[] into,
      int at,
      int stride) {
    int from = first * blockPanels();
    int to = Math.min(w.panels, end * blockPanels());
    Tile.product(step, share, w, x, xAt, xStride, rows, into, at, stride, from, to);
    for (int r = 0; r < rows; r++) {
      for (int h = head(first); h < head(end); h++) {
        int head = at + r * stride + (h - head(first)) * dim();
        finish(step, share, h, firstRow + r, into, head);
      }
    }
  }

  private void finish(Step step, int share, int head, int row, float[] x, int at) {
    if (bias != null) {
      step.kernels().add(bias, head * dim(), x, at, dim());
    }
    if (norm != null) {
      step.kernels().rmsNorm(x, at, norm, 0, eps, dim(), x, at, step.scratch(share));
    } else if (unit) {
      step.kernels().unitNorm(x, at, eps, dim(), x, at, step.scratch(share));
    }
    if (rope != null) {
      int first = tail ? at + dim() - 2 * rope.pairs() : at;
      int angles = step.position[row] * rope.pairs();
      step.kernels()
          .rope(x, first, rope.cos(), rope.sin(), angles, rope.pairs(), rope.interleaved());
    }
  }

  /** Multiply-adds for a number of rows. */
  long cost(int rows) {
    return (long) rows * w.in * w.out;
  }

  /** What is done beside the product, for listings. */
  String line(Buffer y) {
    return y
        + " = "
        + (rope == null ? "" : "rope ")
        + (norm != null ? "rmsNorm " : unit ? "unit norm " : "")
        + (bias == null ? "" : "bias + ")
        + w;
  }
}
