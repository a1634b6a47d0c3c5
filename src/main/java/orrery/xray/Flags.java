package orrery.xray;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.engine.EngineOptions;

/** Flags of an engine as text, and whether an engine has what they say. */
final class Flags {
  private Flags() {}

  /** The flags of {@code base} that {@code own} does not name, and then {@code own}. */
  static String over(String base, String own) {
    Map<String, String> all = apart(base);
    apart(own).keySet().forEach(all::remove);
    List<String> kept = new ArrayList<>(all.values());
    kept.add(own.strip());
    return String.join(" ", kept).strip();
  }

  /** Each flag with its value, by its name. */
  private static Map<String, String> apart(String flags) {
    Map<String, String> all = new LinkedHashMap<>();
    String name = null;
    for (String word : flags.strip().split("\\s+")) { // no value has a blank
      if (word.startsWith("--")) {
        name = word.replaceFirst("=.*", "");
        all.put(name, word);
      } else if (name != null) {
        all.merge(name, word, (flag, value) -> flag + " " + value);
      }
    }
    return all;
  }

  /** Whether every option that {@code asked} changes from its default is so in {@code now}. */
  static boolean has(EngineOptions now, EngineOptions asked) {
    return has(now, asked, EngineOptions.defaults());
  }

  private static boolean has(Record now, Record asked, Record defaults) {
    for (RecordComponent c : asked.getClass().getRecordComponents()) {
      Object wanted = value(c, asked);
      Object usual = value(c, defaults);
      boolean same =
          wanted instanceof Record r
              ? has((Record) value(c, now), r, (Record) usual)
              : wanted.equals(usual) || wanted.equals(value(c, now));
      if (!same) {
        return false;
      }
    }
    return true;
  }

  private static Object value(RecordComponent component, Record of) {
    try {
      return component.getAccessor().invoke(of);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("options are public records", e);
    }
  }
}
