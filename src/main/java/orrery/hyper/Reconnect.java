package orrery.hyper;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.graph.Tile;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Scratch;

/**
 * The end of one sublayer and the begin of the next: expands the streams by what the sublayer
 * computed, mixes them with the weights of the next connection, and norms the mix. All of it needs
 * whole rows, so shares take rows; a row's streams stay in the cache from the first to the last.
 *
 * @param expand null before the first sublayer
 * @param weights of the next connection; writes post and comb, which its end needs
 * @param norm [hidden] of the next sublayer
 * @param h [rows][hidden] the input of the next sublayer
 */
record Reconnect(Expand expand, MixWeights weights, float[] norm, float eps, Buffer h)
    implements Op {

  @Override
  public void run(Step step, int share, int shares) {
    int rows = h.rows(step);
    int end = rows * (share + 1) / shares;
    for (int r = rows * share / shares; r < end; r += Tile.ROWS) {
      some(step, share, r, Math.min(Tile.ROWS, end - r));
    }
  }

  private void some(Step step, int share, int first, int rows) {
    for (int r = first; expand != null && r < first + rows; r++) {
      expand.mix(step, share, r, 0, expand.a().cols);
    }
    Buffer x = weights.x();
    PackedMatrix fn = weights.site().fn();
    int stride = fn.panels * PackedMatrix.PANEL;
    int n = weights.site().streams();
    Scratch scratch = step.scratch(share);
    // dots of all rows, then pre and the mix of one row
    float[] room = scratch.numbers(rows * stride + n + h.cols);
    Tile.product(
        step, share, fn, x.data, x.row(first), x.stride, rows, room, 0, stride, 0, fn.panels);
    int pre = rows * stride;
    int mix = pre + n;
    Kernels kernels = step.kernels();
    for (int r = first; r < first + rows; r++) {
      weights.row(step, share, r, room, (r - first) * stride, room, pre);
      Arrays.fill(room, mix, mix + h.cols, 0f);
      for (int j = 0; j < n; j++) {
        kernels.addScaled(room[pre + j], x.data, x.row(r) + j * h.cols, room, mix, h.cols);
      }
      kernels.rmsNorm(room, mix, norm, 0, eps, h.cols, h.data, h.row(r), scratch);
    }
  }

  @Override
  public RowCount rowwise() {
    return h.rowCount();
  }

  @Override
  public List<Operand> reads() {
    return expand == null ? List.of(weights.x()) : expand.reads();
  }

  @Override
  public List<Operand> writes() {
    List<Operand> writes = new ArrayList<>(List.of(weights.post(), weights.comb(), h));
    if (expand != null) {
      writes.addAll(expand.writes());
    }
    return writes;
  }

  @Override
  public long cost(Step step) {
    PackedMatrix fn = weights.site().fn();
    long product = (long) h.rows(step) * fn.in * fn.out;
    return (expand == null ? 0 : expand.cost(step)) + product + weights.cost(step);
  }

  @Override
  public String line() {
    return h
        + " = rmsNorm mix of "
        + (expand == null ? "streams " + weights.x() : expand.line())
        + " by "
        + weights.site().fn();
  }
}
