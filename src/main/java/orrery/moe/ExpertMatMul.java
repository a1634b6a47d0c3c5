package orrery.moe;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.MatrixProduct;
import orrery.graph.Operand;
import orrery.graph.Step;
import orrery.kernels.PackedMatrix;

/**
 * y[a] = W[expert of a] · x[a] for all assignments a, expert by expert ("grouped GEMM"). Shares
 * take panels of every expert.
 *
 * @param w [experts] each [out][in]
 */
record ExpertMatMul(Buffer x, PackedMatrix[] w, ExpertGroups groups, Buffer y)
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

  @Override
  public void run(Step step, int share, int shares) {
    int[] start = groups.start.data;
    for (int e = 0; e < w.length; e++) {
      int first = start[e];
      int rows = start[e + 1] - first;
      int from = w[e].panels * share / shares;
      int to = w[e].panels * (share + 1) / shares;
      if (rows > 0 && from < to) {
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
  public List<PackedMatrix> matrices() {
    return List.of(w);
  }

  @Override
  public ExpertMatMul of(Buffer x) {
    return new ExpertMatMul(x, w, groups, y);
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
