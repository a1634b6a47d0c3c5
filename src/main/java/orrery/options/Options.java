package orrery.options;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.LinkedHashMap;
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
    Map<String, Object> all = values(record);
    for (int i = 0; i < components.length; i++) {
      if (!all.containsKey(components[i])) {
        throw new IllegalArgumentException(
            record.getClass().getName() + " has no component " + components[i]);
      }
      all.put(components[i], values[i]);
    }
    @SuppressWarnings("unchecked") // the class of a record R is Class<R>: records are final
    Class<R> type = (Class<R>) record.getClass();
    return create(type, all.values().toArray());
  }

  /** The values of a record's components by name, in their order. */
  private static Map<String, Object> values(Record record) {
    Map<String, Object> values = new LinkedHashMap<>(); // may hold null
    for (RecordComponent c : record.getClass().getRecordComponents()) {
      values.put(c.getName(), call(() -> c.getAccessor().invoke(record)));
    }
    return values;
  }

  private static <R extends Record> R create(Class<R> type, Object[] values) {
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    for (int i = 0; i < types.length; i++) {
      types[i] = components[i].getType();
    }
    return call(
        () -> {
          Constructor<R> canonical = type.getDeclaredConstructor(types);
          return canonical.newInstance(values);
        });
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
