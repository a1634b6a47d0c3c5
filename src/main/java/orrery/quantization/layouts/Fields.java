package orrery.quantization.layouts;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Fields of a JSON object, in the order in which they are put. */
final class Fields {
  private final Map<String, Object> fields = new LinkedHashMap<>();

  Fields put(String name, Object value) {
    fields.put(name, value);
    return this;
  }

  Map<String, Object> done() {
    return Collections.unmodifiableMap(fields);
  }
}
