package orrery.options;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What records of options have in common: a change gives a copy, and an error names the option. */
public final class Options {
  private Options() {}

  /**
   * A copy of a record in which one component has another value. It goes through the constructor of
   * the record, which checks the value. (Java has no expression for this yet. Written by hand, each
   * such method would name every component, so each new component would edit all of them.)
   *
   * @param component the name of the component
   * @throws IllegalArgumentException if the constructor refuses the value
   */
  public static <R extends Record> R with(R record, String component, Object value) {
    return with(record, new String[] {component}, value);
  }

  /**
   * A copy of a record in which some components have other values, for components that limit each
   * other: the constructor sees all the new values at once.
   *
   * @param components the names of the components
   * @param values as many, in the same order
   * @throws IllegalArgumentException if the constructor refuses a value
   */
  public static <R extends Record> R with(R record, String[] components, Object... values) {
    Shape shape = SHAPES.get(record.getClass());
    Object[] all = shape.values(record);
    for (int i = 0; i < components.length; i++) {
      int at = shape.names().indexOf(components[i]);
      if (at < 0) {
        throw new IllegalArgumentException(
            record.getClass().getName() + " has no component " + components[i]);
      }
      all[at] = values[i];
    }
    @SuppressWarnings("unchecked") // the constructor is that of the record's own class
    R changed = (R) call(() -> shape.canonical().newInstance(all));
    return changed;
  }

  /** A constant of an enum as users write it: in small letters, with dashes. */
  public static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * The components of a record with their values, in their order.
   *
   * @param prefix of every name
   * @return by the name that the user writes: {@code pageSize} becomes {@code page-size}
   */
  public static Map<String, Object> named(Record record, String prefix) {
    Shape shape = SHAPES.get(record.getClass());
    Object[] values = shape.values(record);
    Map<String, Object> named = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i++) {
      String name = shape.names().get(i).replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
      named.put(prefix + name, values[i]);
    }
    return named;
  }

  /** Reflection finds these things anew, and slowly, each time that it is asked. */
  private static final ClassValue<Shape> SHAPES =
      new ClassValue<>() {
        @Override
        protected Shape computeValue(Class<?> type) {
          return Shape.of(type);
        }
      };

  /** The components of a type of records in their order, and the constructor that takes them. */
  private record Shape(List<String> names, List<Method> accessors, Constructor<?> canonical) {
    static Shape of(Class<?> type) {
      RecordComponent[] components = type.getRecordComponents();
      Class<?>[] types =
          Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new);
      return new Shape(
          Arrays.stream(components).map(RecordComponent::getName).toList(),
          Arrays.stream(components).map(RecordComponent::getAccessor).toList(),
          call(() -> type.getDeclaredConstructor(types)));
    }

    Object[] values(Record record) {
      Object[] values = new Object[accessors.size()]; // [components]
      for (int i = 0; i < values.length; i++) {
        Method accessor = accessors.get(i);
        values[i] = call(() -> accessor.invoke(record));
      }
      return values;
    }
  }

  /** A call by reflection. */
  private interface Call<T> {
    T run() throws ReflectiveOperationException;
  }

  private static <T> T call(Call<T> call) {
    try {
      return call.run();
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException refused) {
        throw refused; // of the record's constructor
      }
      throw new IllegalStateException(e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e); // not a public record
    }
  }

  /**
   * Refuses a value.
   *
   * @param name of the option, as its user writes it; a flag without its dashes
   * @throws IllegalArgumentException "name: expected …, found …", unless the condition holds
   */
  public static void check(boolean holds, String name, String expected, Object found) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": expected " + expected + ", found " + found);
    }
  }
}
