package orrery.sglang;

import java.util.List;
import java.util.Map;
import orrery.openai.FieldException;
import orrery.openai.Fields;

/** The fields for one of the prompts: a field is one value for all of them, or a list. */
record Each(Fields body, int count, int at) {
  boolean isList(String name) {
    return body.has(name) && body.value(name, "") instanceof List<?>;
  }

  /** What the field is called, for this prompt. */
  private String key(String name) {
    return isList(name) ? body.item(name, at) : name;
  }

  private Fields own(String name) {
    if (!isList(name)) {
      return body;
    }
    List<?> items = (List<?>) body.value(name, "");
    if (items.size() != count) {
      throw new FieldException(
          name, "one value, or a list of " + count + ", as there are prompts", items.size() + "");
    }
    return Fields.of("", Map.of(key(name), items.get(at)));
  }

  boolean bool(String name, boolean fallback) {
    return own(name).boolOr(key(name), fallback);
  }

  int integer(String name, int fallback) {
    return own(name).intOr(key(name), fallback);
  }

  String string(String name, String fallback) {
    return own(name).stringOr(key(name), fallback);
  }

  Fields object(String name) {
    Fields own = own(name);
    return own.has(key(name)) ? own.object(key(name)) : Fields.of(name, Map.of());
  }
}
