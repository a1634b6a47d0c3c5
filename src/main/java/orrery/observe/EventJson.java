package orrery.observe;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import orrery.events.Event;

/**
 * An event as a JSON object: its name, then the record's fields under their own names.
 *
 * <pre>
 *   {"event":"Admitted","nanos":81250,"request":0,"sequence":0,"hit":0,"retractions":0}
 * </pre>
 *
 * <p>The fields are read from the record itself, so that an event or field added to {@link Event}
 * is written without a change here. JSON has no NaN and no infinity: null stands for a number that
 * is none. Any thread may write.
 */
public final class EventJson {
  /** A field of a record, and a method that reads it as fast as code would. */
  private record Field(String name, MethodHandle get) {
    static Field of(RecordComponent c) {
      try {
        MethodHandle get = MethodHandles.publicLookup().unreflect(c.getAccessor());
        return new Field(c.getName(), get.asType(READ));
      } catch (IllegalAccessException e) {
        throw new IllegalStateException("events are public records with public fields", e);
      }
    }

    Object of(Record r) {
      try {
        return (Object) get.invokeExact(r);
      } catch (Throwable e) {
        throw new IllegalStateException("a record's field cannot fail", e);
      }
    }
  }

  private static final MethodType READ = MethodType.methodType(Object.class, Record.class);

  /** Reflection finds the fields of a record anew each time that it is asked. */
  private static final ClassValue<Field[]> FIELDS =
      new ClassValue<>() {
        @Override
        protected Field[] computeValue(Class<?> type) {
          return Arrays.stream(type.getRecordComponents()).map(Field::of).toArray(Field[]::new);
        }
      };

  private EventJson() {}

  /**
   * Writes one event.
   *
   * @throws IOException if the generator's target cannot be written
   */
  public static void write(Event event, JsonGenerator json) throws IOException {
    json.writeStartObject();
    json.writeStringField("event", event.getClass().getSimpleName());
    writeFields((Record) event, json);
    json.writeEndObject();
  }

  private static void writeFields(Record r, JsonGenerator json) throws IOException {
    for (Field f : FIELDS.get(r.getClass())) {
      json.writeFieldName(f.name());
      writeValue(f.of(r), json);
    }
  }

  private static void writeValue(Object value, JsonGenerator json) throws IOException {
    switch (value) {
      case null -> json.writeNull();
      case Integer i -> json.writeNumber(i);
      case Long l -> json.writeNumber(l);
      case Float f -> writeNumber(Float.isFinite(f), f.toString(), json);
      case Double d -> writeNumber(Double.isFinite(d), d.toString(), json);
      case Boolean b -> json.writeBoolean(b);
      case int[] a -> json.writeArray(a, 0, a.length);
      case int[][] rows -> {
        json.writeStartArray();
        for (int[] row : rows) {
          json.writeArray(row, 0, row.length);
        }
        json.writeEndArray();
      }
      case List<?> list -> {
        json.writeStartArray();
        for (Object element : list) {
          writeValue(element, json);
        }
        json.writeEndArray();
      }
      case Map<?, ?> map -> {
        json.writeStartObject();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          json.writeFieldName(entry.getKey().toString());
          writeValue(entry.getValue(), json);
        }
        json.writeEndObject();
      }
      case Record r -> {
        json.writeStartObject();
        writeFields(r, json);
        json.writeEndObject();
      }
      default -> json.writeString(value.toString());
    }
  }

  private static void writeNumber(boolean finite, String digits, JsonGenerator json)
      throws IOException {
    if (finite) {
      json.writeNumber(digits);
    } else {
      json.writeNull();
    }
  }
}
