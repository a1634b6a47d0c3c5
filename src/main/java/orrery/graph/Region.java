package orrery.graph;

import java.util.List;

/**
 * Ops that run with one hand-over to the team: share s of n does its share of the first op, of the
 * second and so on, and waits for no other share in between. So each op may need only what its own
 * share of the ops before it has made; {@link Regions} proves that.
 *
 * <pre>
 *   three hand-overs                    one region
 *   share 0  norm ─┐ q,k,v ─┐ rope ─┐   share 0  norm q,k,v rope ─┐
 *   share 1  norm ─┘ q,k,v ─┘ rope ─┘   share 1  norm q,k,v rope ─┘
 * </pre>
 */
final class Region {
  final Op[] before; // that cannot be split: the caller runs them before it hands over
  final Op[] ops; // in the order in which each share runs them
  final int stream; // the highest index of a stream that an op reads, or Executor.NO_STREAM

  Region(List<Op> before, List<Op> ops) {
    this.before = before.toArray(Op[]::new);
    this.ops = ops.toArray(Op[]::new);
    int highest = Executor.NO_STREAM;
    for (List<Op> some : List.of(before, ops)) {
      for (Op op : some) {
        highest = Math.max(highest, Executor.streamRead(op));
      }
    }
    this.stream = highest;
  }

  /** A region of one op, as it was launched. */
  static Region of(Op op) {
    return op.serial() ? new Region(List.of(op), List.of()) : new Region(List.of(), List.of(op));
  }
}
