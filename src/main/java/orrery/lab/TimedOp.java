package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import orrery.graph.Op;

/**
 * One launch of a step, and how long it took each time.
 *
 * @param work multiply-adds, roughly
 * @param nanos of each time
 */
record TimedOp(Op op, long work, List<Long> nanos) {
  TimedOp(Op op, long work) {
    this(op, work, new ArrayList<>());
  }

  /** What kind of op it is, for tables. */
  String kind() {
    return op.getClass().getSimpleName();
  }

  /** The median. */
  double micros() {
    return Spread.quantile(nanos.stream().mapToDouble(n -> n / 1e3).sorted().toArray(), 0.5);
  }

  /** The sum of the medians. */
  static double micros(List<TimedOp> ops) {
    return ops.stream().mapToDouble(TimedOp::micros).sum();
  }
}
