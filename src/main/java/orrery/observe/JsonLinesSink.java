package orrery.observe;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import orrery.events.Event;

/**
 * One JSON object a line and event: its name, then the record's fields under their own names.
 *
 * <pre>
 *   {"event":"Admitted","nanos":81250,"request":0,"sequence":0,"hit":0,"retractions":0}
 * </pre>
 *
 * <p>The fields are read from the record itself, so that an event or field added to {@link Event}
 * is in the file without a change here.
 */
public final class JsonLinesSink extends FileSink {
  private final Map<Class<?>, RecordComponent[]> components = new HashMap<>(); // by kind of record

  /**
   * Opens the file, which is emptied when the run begins.
   *
   * @throws IOException if that fails
   */
  public JsonLinesSink(Path file) throws IOException {
    super(file);
  }

  @Override
  void write(Event event, JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("event", event.getClass().getSimpleName());
    writeFields((Record) event, json);
    json.writeEndObject();
    json.writeRaw('\n');
  }

  private void writeFields(Record r, JsonGenerator json) throws IOException {
    for (RecordComponent c : components.computeIfAbsent(r.getClass(), Class::getRecordComponents)) {
      json.writeFieldName(c.getName());
      writeValue(value(c, r), json);
    }
  }

  private static Object value(RecordComponent component, Record r) {
    try {
      return component.getAccessor().invoke(r);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("events are public records with public fields", e);
    }
  }

  private void writeValue(Object value, JsonGenerator json) throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case Integer i -> json.writeNumber(i);
      case Long l -> json.writeNumber(l);
      case Double d -> json.writeNumber(d);
      case Boolean b -> json.writeBoolean(b);
      case int[] a -> json.writeArray(a, 0, a.length);
      case List<?> list -> {
        json.writeStartArray();
        for (Object element : list) {
          writeValue(element, json);
        }
        json.writeEndArray();
      }
      case Record r -> {
        json.writeStartObject();
        writeFields(r, json);
        json.writeEndObject();
      }
      default -> json.writeString(value.toString());
    }
  }
}
