package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Everything that some ops can reach, found by reflection: operands, and arrays that are none
 * (weights). Tests save, spoil and restore it.
 */
final class Memory {
  private final Random random = new Random(3);
  private final Step step;
  private final Set<Operand> operands = new LinkedHashSet<>(); // in one order each run
  private final Set<Object> constants =
      Collections.newSetFromMap(new IdentityHashMap<>()); // arrays

  /** Finds what the ops can reach; fails if they declare anything else. */
  Memory(Step step, List<Op> ops) {
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
        Arrays.stream((Object[]) o).forEach(element -> reach(element, seen));
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
            || name.matches("orrery\\.(kernels|graph|attention|moe|hyper|model)(\\..*)?"));
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
      case GREEDY -> step.greedy;
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

  /** The content of all operands; floats as bits, with one NaN. */
  Map<Operand, int[]> state() {
    Map<Operand, int[]> state = new HashMap<>();
    operands.forEach(o -> state.put(o, bits(o)));
    return state;
  }

  /** Brings a content of all operands back. */
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
            floats ? Float.floatToIntBits((float) random.nextGaussian()) : random.nextInt(3);
        bits[i] = kind == 0 ? no : other;
      }
    }
    set(o, bits);
  }

  /** A copy of every array that is no operand, by the array. */
  Map<Object, Object> constants() {
    Map<Object, Object> copies = new IdentityHashMap<>();
    for (Object array : constants) {
      int n = Array.getLength(array);
      Object copy = Array.newInstance(array.getClass().getComponentType(), n);
      System.arraycopy(array, 0, copy, 0, n);
      copies.put(array, copy);
    }
    return copies;
  }
}
