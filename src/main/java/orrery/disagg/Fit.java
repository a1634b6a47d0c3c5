package orrery.disagg;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import orrery.engine.Engine;

/**
 * What an engine's rows look like, by name. Two engines fit if all of it is the same: then a row of
 * the one has the bits that the other would have computed.
 *
 * @param properties what they are called, and their values
 */
record Fit(Map<String, String> properties) {
  private static final int SHOWN = 3; // differences

  /**
   * Of an engine.
   *
   * @param model tells this model from all others
   */
  static Fit of(Engine engine, String model) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("model", model);
    all.putAll(engine.kvFormat());
    return new Fit(all);
  }

  /** Lines "name=value". */
  String lines() {
    StringBuilder lines = new StringBuilder();
    properties.forEach((name, value) -> lines.append(name).append('=').append(value).append('\n'));
    return lines.toString();
  }

  /** What {@link #lines} has written. */
  static Fit of(String lines) {
    Map<String, String> all = new LinkedHashMap<>();
    for (String line : lines.lines().toList()) {
      int at = line.indexOf('=');
      all.put(at < 0 ? line : line.substring(0, at), at < 0 ? "" : line.substring(at + 1));
    }
    return new Fit(all);
  }

  /** The first differences between a prefill engine and a decode engine; empty if they fit. */
  static String difference(Fit prefill, Fit decode) {
    List<String> found = new ArrayList<>();
    Map<String, String> all = new LinkedHashMap<>(prefill.properties);
    all.putAll(decode.properties);
    for (String name : all.keySet()) {
      String here = prefill.properties.getOrDefault(name, "none");
      String there = decode.properties.getOrDefault(name, "none");
      if (!here.equals(there)) {
        found.add(name + ": the prefill engine has " + here + ", the decode engine " + there);
      }
    }
    String more = found.size() > SHOWN ? "; and " + (found.size() - SHOWN) + " more" : "";
    return String.join("; ", found.subList(0, Math.min(SHOWN, found.size()))) + more;
  }
}
