package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs ops several times from the same state, to see whether they read and write what they declare.
 *
 * <p>The state is everything that the ops can reach: operands, and arrays that are none (weights).
 * Arrays that are no operand may not change at all, so no op can hand anything to another one
 * behind the declarations.
 */
public final class OperandCheck {
  private final Step step;
  private final Memory memory;
  private final Set<Operand> operands;

  /** Prepares to check ops on one step. */
  public OperandCheck(Step step, List<Op> ops) {
    this.step = step;
    this.memory = new Memory(step, ops);
    this.operands = memory.operands();
  }

  /** Runs an op once, and leaves the state as one run leaves it, if its declarations hold. */
  public void run(Op op) {
    Map<Operand, int[]> before = memory.state();
    Map<Object, Object> weights = memory.constants();
    Map<Operand, boolean[]> live = new HashMap<>(); // the elements that count
    operands.forEach(o -> live.put(o, memory.inUse(o)));
    op.run(step, 0, 1);
    final Map<Operand, int[]> after = memory.state();
    weights.forEach(
        (array, copy) ->
            assertThat(Arrays.deepEquals(new Object[] {array}, new Object[] {copy}))
                .as("%s changes an array that is no operand", op.line())
                .isTrue());
    requireOnlyWrites(op, before, after, live);
    Set<Operand> changed = new HashSet<>();
    for (int kind = 0; kind < 2; kind++) {
      memory.restore(before);
      for (Operand o : operands) {
        memory.spoil(o, op.reads().contains(o) ? live.get(o) : null, kind);
      }
      Map<Operand, int[]> spoiled = memory.state();
      op.run(step, 0, 1);
      Map<Operand, int[]> result = memory.state();
      requireOnlyWrites(op, spoiled, result, live);
      for (Operand w : op.writes()) {
        assertThat(differing(w, live.get(w), before, after, spoiled, result))
            .as("elements of %s that depend on what %s does not declare", w, op.line())
            .isEmpty();
        if (!Arrays.equals(spoiled.get(w), result.get(w))) {
          changed.add(w);
        }
      }
    }
    for (Operand w : op.writes()) {
      if (!changed.contains(w) && changesAnother(op, w, before)) {
        changed.add(w); // it worked in place, and its result was what had been there
      }
    }
    assertThat(changed).as("what %s changes", op.line()).containsAll(op.writes());
    for (Operand r : op.reads()) {
      assertThat(matters(op, r, before, after, live))
          .as("%s never reads %s", op.line(), r)
          .isTrue();
    }
    memory.restore(after);
  }

  /** Whether an op changes other numbers in an operand. */
  private boolean changesAnother(Op op, Operand written, Map<Operand, int[]> before) {
    memory.restore(before);
    memory.spoil(written, null, 1);
    int[] spoiled = memory.state().get(written);
    op.run(step, 0, 1);
    return !Arrays.equals(spoiled, memory.state().get(written));
  }

  /** What is not declared does not change, nor do rows that are not in use. */
  private void requireOnlyWrites(
      Op op, Map<Operand, int[]> before, Map<Operand, int[]> after, Map<Operand, boolean[]> live) {
    for (Operand o : operands) {
      int stride = o instanceof Buffer b ? b.stride : 1;
      boolean written = op.writes().contains(o);
      boolean[] used = live.get(o);
      int[] was = before.get(o);
      int[] is = after.get(o);
      List<Integer> changed = new ArrayList<>();
      for (int i = 0; i < was.length; i++) {
        boolean mayChange = written && used[i / stride * stride];
        if (!mayChange && was[i] != is[i]) {
          changed.add(i);
        }
      }
      assertThat(changed).as("elements of %s that %s changes", o, op.line()).isEmpty();
    }
  }

  /**
   * Elements of an operand that two runs left different. Of a stream's rows, those that neither run
   * wrote do not count.
   */
  private static List<Integer> differing(
      Operand o,
      boolean[] live,
      Map<Operand, int[]> before,
      Map<Operand, int[]> after,
      Map<Operand, int[]> otherBefore,
      Map<Operand, int[]> other) {
    List<Integer> differing = new ArrayList<>();
    for (int i = 0; i < live.length; i++) {
      boolean untouched =
          o instanceof StreamRows
              && after.get(o)[i] == before.get(o)[i]
              && other.get(o)[i] == otherBefore.get(o)[i];
      if (live[i] && !untouched && after.get(o)[i] != other.get(o)[i]) {
        differing.add(i);
      }
    }
    return differing;
  }

  /** Whether another content of an operand changes the results; to fail is a result too. */
  private boolean matters(
      Op op,
      Operand read,
      Map<Operand, int[]> before,
      Map<Operand, int[]> after,
      Map<Operand, boolean[]> live) {
    for (int kind = 0; kind < 2; kind++) {
      memory.restore(before);
      memory.spoil(read, null, kind);
      Map<Operand, int[]> spoiled = memory.state();
      try {
        op.run(step, 0, 1);
      } catch (IndexOutOfBoundsException | NullPointerException | IllegalArgumentException e) {
        return true; // it looked up an index that does not exist
      }
      Map<Operand, int[]> result = memory.state();
      for (Operand w : op.writes()) {
        if (!differing(w, live.get(w), before, after, spoiled, result).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }
}
