package orrery.engine;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.options.Options;

/**
 * A switch of the engine, as reflection finds it in the records of {@link EngineOptions}. Tests
 * that must cover every switch go through {@link #all}, so they cover tomorrow's too.
 *
 * @param group the component of {@link EngineOptions} that holds the switch
 * @param component the switch
 */
public record Switch(RecordComponent group, RecordComponent component) {
  /** Every switch, in the order of the records. */
  public static List<Switch> all() {
    List<Switch> all = new ArrayList<>();
    for (RecordComponent group : EngineOptions.class.getRecordComponents()) {
      for (RecordComponent component : group.getType().getRecordComponents()) {
        all.add(new Switch(group, component));
      }
    }
    return all;
  }

  /** The switch as users write it: a flag without its first dashes. */
  public String name() {
    String name = component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    return group.getName().equals("speculation") ? "speculative-" + name : name;
  }

  public Class<?> type() {
    return component.getType();
  }

  /** All values of a boolean or an enum; none of other types. */
  public List<Object> values() {
    return type() == boolean.class
        ? List.of(false, true)
        : type().isEnum() ? List.of(type().getEnumConstants()) : List.of();
  }

  /** The value in these options. */
  public Object get(EngineOptions options) {
    return call(component, call(group, options));
  }

  /** These options with another value. */
  public EngineOptions with(EngineOptions options, Object value) {
    Record changed = Options.with((Record) call(group, options), component.getName(), value);
    return Options.with(options, group.getName(), changed);
  }

  private static Object call(RecordComponent component, Object record) {
    try {
      return component.getAccessor().invoke(record);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public String toString() {
    return name();
  }
}
