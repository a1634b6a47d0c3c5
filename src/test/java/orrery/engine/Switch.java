package orrery.engine;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import orrery.hisparse.HisparseConfig;
import orrery.options.Options;

/**
 * A switch of the engine, as reflection finds it in the records of {@link EngineOptions}. Tests
 * that must cover every switch go through {@link #all}, so they cover tomorrow's too.
 *
 * @param group the component of {@link EngineOptions} that holds the switch
 * @param component the switch
 */
public record Switch(RecordComponent group, RecordComponent component) {
  /** Stands for the smallest buffers that an engine may have. */
  static final HisparseConfig SMALLEST = new HisparseConfig(0, 1);

  /** Values of numbers that the switch matrix tries, each beside any others. */
  private static final Map<String, List<Object>> NUMBERS =
      Map.of(
          "page-size", List.of(1, 4, 16, 0),
          "chunked-prefill-size", List.of(1, 7, 64, 0),
          "max-running-requests", List.of(1, 3, 32),
          "threads", List.of(1, 2, 3, 4),
          "hisparse-config", List.of(HisparseConfig.UNSAID, SMALLEST),
          "speculative-num-steps", List.of(0, 1, 2, 3, 4, 5));

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

  /** All values of a boolean or an enum; of a number, those that {@link #NUMBERS} names. */
  public List<Object> values() {
    return type() == boolean.class
        ? List.of(false, true)
        : type().isEnum()
            ? List.of(type().getEnumConstants())
            : NUMBERS.getOrDefault(name(), List.of());
  }

  /** The values of the switch with this name, for a column of the matrix. */
  static Object[] valuesOf(String name) {
    Switch named = all().stream().filter(s -> s.name().equals(name)).findFirst().orElseThrow();
    return named.values().toArray();
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
