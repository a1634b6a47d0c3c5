package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Runs ops several times from the same state, to see whether they read and write what they declare.
 *
 * <p>The state is everything that the ops can reach: operands, and arrays that are none (weights).
 * Arrays that are no operand may not change at all, so no op can hand anything to another one
 * behind the declarations.
 */
public final class OperandCheck {
  private static final Random RANDOM = new Random(3);

  private final Step step;
  private final Set<Operand> operands = new HashSet<>();
  private final Set<Object> constants =
      Collections.newSetFromMap(new IdentityHashMap<>()); // arrays

  /** Prepares to check ops on one step. */
  public OperandCheck(Step step, List<Op> ops) {
    this.step = step;
    operands.addAll(List.of(StepField.values()));
    Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    ops.forEach(op -> reach(op, seen));
    ops.forEach(op -> assertThat(operands).containsAll(op.reads()).containsAll(op.writes()));
  }

  /** The operands that the ops can reach. */
  Set<Operand> operands() {
    return operands;
  }

  private void reach(Object o, Set<Object> seen) {
    if (o == null || !seen.add(o)) {
      return;
    }
    if (o instanceof Operand operand) {
      operands.add(operand);
    } else if (o.getClass().isArray()) {
      if (o.getClass().getComponentType().isPrimitive()) {
        constants.add(o);
      } else {
        Arrays.stream((Object[]) o).forEach(part -> reach(part, seen));
      }
    } else if (computes(o.getClass())) {
      for (Field field : o.getClass().getDeclaredFields()) {
        if (!field.getType().isPrimitive() && !Modifier.isStatic(field.getModifiers())) {
          field.setAccessible(true);
          try {
            reach(field.get(o), seen);
          } catch (IllegalAccessException e) {
            throw new AssertionError(e);
          }
        }
      }
    }
  }

  /** Whether a class belongs to the program; a drafter, say, stands outside. */
  private static boolean computes(Class<?> type) {
    String name = type.getPackageName();
    return !type.isHidden()
        && (Op.class.isAssignableFrom(type)
            || name.matches("orrery\\.(kernels|graph|attention|moe|model)(\\..*)?"));
  }

  /** Runs an op once, and leaves the state as one run leaves it, if its declarations hold. */
  public void run(Op op) {
    Map<Operand, int[]> before = state(operands);
    Map<Object, Object> weights = copies();
    Map<Operand, boolean[]> live = new HashMap<>(); // the elements that count
    operands.forEach(o -> live.put(o, inUse(o)));
    op.run(step, 0, 1);
    final Map<Operand, int[]> after = state(operands);
    for (Object array : constants) {
      assertThat(same(array, weights.get(array)))
          .as("%s changes an array that is no operand", op.line())
          .isTrue();
    }
    requireOnlyWrites(op, before, after, live);
    for (int kind = 0; kind < 2; kind++) {
      restore(before);
      for (Operand o : operands) {
        spoil(o, op.reads().contains(o) ? live.get(o) : null, kind);
      }
      Map<Operand, int[]> spoiled = state(operands);
      op.run(step, 0, 1);
      Map<Operand, int[]> result = state(operands);
      requireOnlyWrites(op, spoiled, result, live);
      for (Operand w : op.writes()) {
        assertThat(differing(w, live.get(w), before, after, spoiled, result))
            .as("elements of %s that depend on what %s does not declare", w, op.line())
            .isEmpty();
        assertThat(Arrays.equals(spoiled.get(w), result.get(w)))
            .as("%s never changes %s", op.line(), w)
            .isFalse();
      }
    }
    for (Operand r : op.reads()) {
      assertThat(matters(op, r, before, after, live))
          .as("%s never reads %s", op.line(), r)
          .isTrue();
    }
    restore(after);
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
      restore(before);
      spoil(read, null, kind);
      Map<Operand, int[]> spoiled = state(operands);
      try {
        op.run(step, 0, 1);
      } catch (IndexOutOfBoundsException | NullPointerException | IllegalArgumentException e) {
        return true; // it looked up an index that does not exist
      }
      Map<Operand, int[]> result = state(operands);
      for (Operand w : op.writes()) {
        if (!differing(w, live.get(w), before, after, spoiled, result).isEmpty()) {
          return true;
        }
      }
    }
    return false;
  }

  /** The elements of an operand that count: rows in use, without padding. */
  boolean[] inUse(Operand o) {
    boolean[] live = new boolean[bits(o).length];
    for (int i = 0; i < live.length; i++) {
      live[i] =
          switch (o) {
            case Buffer b -> i / b.stride < b.rows(step) && i % b.stride < b.cols;
            case IntBuffer b -> i / b.cols < b.rows(step);
            case StreamRows rows -> true;
            case StepField f -> f == StepField.ROWS || i < rows(f);
          };
    }
    return live;
  }

  private int rows(StepField field) {
    return field == StepField.LOGIT_ROW ? step.logitRows() : step.rows();
  }

  /** The content of an operand; floats as bits, with one NaN. */
  private int[] bits(Operand o) {
    return switch (o) {
      case Buffer b -> bits(b.data);
      case IntBuffer b -> b.data.clone();
      case StreamRows rows -> bits(rows.data());
      case StepField.ROWS -> new int[] {step.rows(), step.logitRows()};
      case StepField f -> array(f).clone();
    };
  }

  private static int[] bits(float[] data) {
    int[] bits = new int[data.length];
    Arrays.setAll(bits, i -> Float.floatToIntBits(data[i]));
    return bits;
  }

  private int[] array(StepField field) {
    return switch (field) {
      case TOKEN -> step.token;
      case POSITION -> step.position;
      case SLOT -> step.slot;
      case SEQUENCE -> step.sequence;
      case LOGIT_ROW -> step.logitRow;
      case ROWS -> throw new IllegalArgumentException("two counts");
    };
  }

  private void set(Operand o, int[] bits) {
    switch (o) {
      case Buffer b -> setFloats(b.data, bits);
      case IntBuffer b -> System.arraycopy(bits, 0, b.data, 0, bits.length);
      case StreamRows rows -> setFloats(rows.data(), bits);
      case StepField.ROWS -> {
        step.clear();
        for (int row = 0; row < bits[0]; row++) {
          step.add(0, 0, 0, row < bits[1]);
        }
      }
      case StepField f -> System.arraycopy(bits, 0, array(f), 0, bits.length);
    }
  }

  private static void setFloats(float[] data, int[] bits) {
    for (int i = 0; i < data.length; i++) {
      data[i] = Float.intBitsToFloat(bits[i]);
    }
  }

  Map<Operand, int[]> state(Set<? extends Operand> of) {
    Map<Operand, int[]> state = new HashMap<>();
    of.forEach(o -> state.put(o, bits(o)));
    return state;
  }

  void restore(Map<Operand, int[]> state) {
    set(StepField.ROWS, state.get(StepField.ROWS)); // writes the other fields of the step too
    state.forEach(
        (o, bits) -> {
          if (o != StepField.ROWS) {
            set(o, bits);
          }
        });
  }

  /**
   * Fills an operand, but for the elements to keep: NaN and numbers that are no index, or other
   * numbers. The number of rows stays.
   */
  void spoil(Operand o, boolean[] keep, int kind) {
    if (o == StepField.ROWS) {
      return;
    }
    boolean floats = o instanceof Buffer || o instanceof StreamRows;
    int[] bits = bits(o);
    for (int i = 0; i < bits.length; i++) {
      if (keep == null || !keep[i]) {
        int no = floats ? Float.floatToIntBits(Float.NaN) : -1_000_003 - i;
        int other =
            floats ? Float.floatToIntBits((float) RANDOM.nextGaussian()) : RANDOM.nextInt(3);
        bits[i] = kind == 0 ? no : other;
      }
    }
    set(o, bits);
  }

  private Map<Object, Object> copies() {
    Map<Object, Object> copies = new IdentityHashMap<>();
    for (Object array : constants) {
      int n = Array.getLength(array);
      Object copy = Array.newInstance(array.getClass().getComponentType(), n);
      System.arraycopy(array, 0, copy, 0, n);
      copies.put(array, copy);
    }
    return copies;
  }

  private static boolean same(Object array, Object copy) {
    return Arrays.deepEquals(new Object[] {array}, new Object[] {copy});
  }
}
