package orrery.hyper;

import java.util.List;
import orrery.graph.Buffer;
import orrery.graph.Op;
import orrery.graph.Operand;
import orrery.graph.RowCount;
import orrery.graph.Step;
import orrery.numerics.Elementary;

/**
 * From the products of a row's streams to the weights of the head's collapse: pre_j =
 * sigmoid(dots_j / √(mean(x²) + eps) · scale_0 + base_j) + hcEps.
 *
 * @param x [rows][n · hidden] the streams
 * @param dots [rows][n] fn · x
 * @param pre [rows][n]
 */
record HeadWeights(HeadCollapse head, Buffer x, Buffer dots, Buffer pre) implements Op {
  HeadWeights {
    if (x.cols != head.fn().in || dots.cols != head.streams() || pre.cols != head.streams()) {
      throw new IllegalArgumentException(
          pre
              + " = weights of "
              + head.streams()
              + " streams of "
              + x
              + " by "
              + dots
              + ": shapes do not fit");
    }
  }

  @Override
  public void run(Step step, int share, int shares) {
    int rows = x.rows(step);
    for (int r = rows * share / shares; r < rows * (share + 1) / shares; r++) {
      float inverse =
          step.kernels().inverseRms(x.data, x.row(r), head.normEps(), x.cols, step.scratch(share));
      for (int j = 0; j < head.streams(); j++) {
        float m = dots.data[dots.row(r) + j] * inverse;
        pre.data[pre.row(r) + j] =
            Elementary.sigmoid(m * head.scale()[0] + head.base()[j]) + head.hcEps();
      }
    }
  }

  @Override
  public List<Operand> reads() {
    return List.of(x, dots);
  }

  @Override
  public List<Operand> writes() {
    return List.of(pre);
  }

  @Override
  public RowCount rowwise() {
    return x.rowCount();
  }

  @Override
  public long cost(Step step) {
    return x.rows(step) * (x.cols + 16L * dots.cols);
  }

  @Override
  public String line() {
    return pre + " = sigmoid " + dots + " / rms " + x;
  }
}
