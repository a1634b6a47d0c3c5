package orrery.moe;

import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.graph.RowCount;
import orrery.graph.Step;

/**
 * The outcome of routing one step: which row goes to which experts. Ops fill it while the step
 * runs, so a captured program routes every step anew.
 *
 * <p>An <em>assignment</em> is a (row, expert) pair. Assignments are sorted by expert, then row, so
 * that each expert's rows lie together and its weights are read once.
 */
public final class ExpertGroups {
  final RouterSpec spec;

  /** The selected experts of each row in ascending id, [rows][topK]. */
  public final IntBuffer topkIds;

  /** Weights of the selected experts, in the same order, [rows][topK]. */
  public final Buffer topkWeights;

  final IntBuffer start; // [1][experts+1] first assignment of each expert
  final IntBuffer rowOf; // [assignments][1] row of an assignment
  final IntBuffer assignmentOf; // [rows][topK] assignment of (row, j)

  /** Room for the routing of up to {@code maxRows} rows. */
  public ExpertGroups(RouterSpec spec, RowCount rows, int maxRows) {
    this.spec = spec;
    this.topkIds = new IntBuffer("topkIds", rows, maxRows, spec.topK());
    this.topkWeights = new Buffer("topkWeights", rows, maxRows, spec.topK());
    this.start = new IntBuffer("start", step -> 1, 1, spec.experts() + 1);
    this.rowOf =
        new IntBuffer("rowOf", this::assignments, Math.multiplyExact(maxRows, spec.topK()), 1);
    this.assignmentOf = new IntBuffer("assignmentOf", rows, maxRows, spec.topK());
  }

  /** Bytes for each row. */
  static long bytes(RouterSpec spec) {
    return Buffer.bytes(spec.topK()) + 3 * 4L * spec.topK();
  }

  /**
   * Replaces the router logits of a row by the scores.
   *
   * @param x [experts] from {@code at}
   */
  void score(Step step, int share, float[] x, int at) {
    switch (spec.score()) {
      case SIGMOID -> step.kernels().sigmoid(x, at, x, at, spec.experts());
      case SQRT_SOFTPLUS ->
          step.kernels().sqrtSoftplus(x, at, x, at, spec.experts(), step.scratch(share));
    }
  }

  /**
   * Computes the weights of a row's selected experts from their scores.
   *
   * @param scores [experts] from {@code at}
   */
  void weigh(int row, float[] scores, int at) {
    int ids = row * spec.topK();
    float sum = 0;
    for (int j = 0; j < spec.topK(); j++) {
      sum += scores[at + topkIds.data[ids + j]];
    }
    for (int j = 0; j < spec.topK(); j++) {
      float w = scores[at + topkIds.data[ids + j]];
      topkWeights.data[topkWeights.row(row) + j] =
          (spec.normTopK() ? w / (sum + 1e-20f) : w) * spec.scale();
    }
  }

  /** How many assignments the step has: rows · topK. */
  public int assignments(Step step) {
    return topkIds.rows(step) * spec.topK();
  }

  /** How many rows selected an expert in the step that ran last. */
  public int load(int expert) {
    return start.data[expert + 1] - start.data[expert];
  }
}
