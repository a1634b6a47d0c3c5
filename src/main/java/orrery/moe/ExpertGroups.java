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

  /** How many assignments the step has: rows · topK. */
  public int assignments(Step step) {
    return topkIds.rows(step) * spec.topK();
  }

  /** How many rows selected an expert in the step that ran last. */
  public int load(int expert) {
    return start.data[expert + 1] - start.data[expert];
  }
}
