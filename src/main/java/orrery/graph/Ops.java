package orrery.graph;

import java.util.List;
import java.util.Set;

/** The ops of a program as a {@link FusionRule} sees them: in order, and who reads what of whom. */
public final class Ops {
  private final List<Op> ops;

  /** A view of ops in launch order. */
  public Ops(List<Op> ops) {
    this.ops = List.copyOf(ops);
  }

  /** The op at a place, or null if no op stands there. */
  public Op get(int place) {
    return place < 0 || place >= ops.size() ? null : ops.get(place);
  }

  /** The place of the last op before {@code place} that writes an operand, or -1. */
  public int writer(Operand operand, int place) {
    for (int i = place - 1; i >= 0; i--) {
      if (ops.get(i).writes().contains(operand)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * The place of the first op behind {@code place} that reads what an operand holds there, or -1 if
   * it is overwritten first.
   */
  public int reader(Operand operand, int place) {
    for (int i = place + 1; i < ops.size(); i++) {
      if (ops.get(i).reads().contains(operand)) {
        return i;
      }
      if (ops.get(i).writes().contains(operand)) {
        return -1;
      }
    }
    return -1;
  }

  /**
   * Whether what an operand holds behind {@code place} is never read: no op reads it before another
   * one overwrites it, and it is no result. Only buffers can be dead; cached rows and the step
   * outlive the program.
   *
   * @param place of an op, or -1 for the begin of the program
   * @param results what is read when the program has run
   */
  public boolean isDead(Operand operand, int place, Set<? extends Operand> results) {
    if (!(operand instanceof Buffer || operand instanceof IntBuffer)) {
      return false;
    }
    if (reader(operand, place) >= 0) {
      return false;
    }
    boolean overwritten = false;
    for (int i = place + 1; i < ops.size(); i++) {
      overwritten |= ops.get(i).writes().contains(operand);
    }
    return overwritten || !results.contains(operand);
  }
}
