package orrery.moe;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Cuts;
import orrery.graph.MatrixProduct;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.kernels.PackedMatrix;

/**
 * y[a] = W[expert of a] · x[a] for all assignments a, expert by expert ("grouped GEMM"). Shares
 * take panels, expert by expert, or assignments. Either way each share has a few experts, and at
 * most one of them together with the share before.
 *
 * @param w [experts] each [out][in]
 * @param cutByRows whether shares take assignments
 */
record ExpertMatMul(Buffer x, PackedMatrix[] w, ExpertGroups groups, Buffer y, boolean cutByRows)
    implements MatrixProduct {
  ExpertMatMul {
    if (w.length != groups.spec.experts()) {
      throw new IllegalArgumentException(
          y + ": expected " + groups.spec.experts() + " experts, found " + w.length);
    }
    for (PackedMatrix expert : w) {
      if (expert.in != x.cols || expert.out != y.cols) {
        throw new IllegalArgumentException(y + " = " + expert + " · " + x + ": shapes do not fit");
      }
    }
  }

  ExpertMatMul(Buffer x, PackedMatrix[] w, ExpertGroups groups, Buffer y) {
    this(x, w, groups, y, false);
  }

  @Override
  public void run(Step step, int share, int shares) {
    int[] start = groups.start.data;
    int all = groups.assignments(step);
    int begin = cutByRows ? all * share / shares : 0;
    int end = cutByRows ? all * (share + 1) / shares : all;
    for (int e = 0; e < w.length; e++) {
      int first = Math.max(begin, start[e]);
      int rows = Math.min(end, start[e + 1]) - first;
      if (rows <= 0) {
        continue;
      }
      int from = cutByRows ? 0 : ExpertShares.from(w[e], start[e], rows, all, share, shares);
      int to =
          cutByRows ? w[e].panels : ExpertShares.from(w[e], start[e], rows, all, share + 1, shares);
      if (from < to) {
        step.kernels()
            .matmul(
                w[e],
                x.data,
                x.row(first),
                x.stride,
                rows,
                y.data,
                y.row(first),
                y.stride,
                from,
                to,
                step.scratch(share));
      }
    }
  }

  @Override
  public RowCount rowwise() {
    return cutByRows ? y.rowCount() : null;
  }

  @Override
  public ExpertMatMul cut(int rows, int threads) {
    long together = w[0].weights(); // of the one expert that two shares may have
    return Cuts.byRows(rows * groups.spec.topK(), threads, together)
        ? new ExpertMatMul(x, w, groups, y, true)
        : this;
  }

  @Override
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public ExpertMatMul of(Buffer x) {
    return new ExpertMatMul(x, w, groups, y, cutByRows);
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, groups.start);
  }

  @Override
  public List<Operand> writes() {
    return List.of(y);
  }

  @Override
  public long cost(Step step) {
    return (long) groups.assignments(step) * w[0].in * w[0].out;
  }

  @Override
  public String line() {
    return y + " = " + w.length + " experts " + w[0] + " · " + x;
  }
}
