package orrery.observe;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;

/**
 * Writes entries of the Trace Event Format. Each method opens an entry, {@link #arg} adds to it,
 * {@link #close} ends it (and, with none open, the array).
 */
final class TraceEvents {
  private final JsonGenerator json;
  private boolean open;
  private boolean args;

  TraceEvents(JsonGenerator json) throws IOException {
    this.json = json;
    json.writeStartArray();
  }

  void processName(int process, String name) throws IOException {
    entry("M", process, 0, 0, "process_name").arg("name", name).close();
    entry("M", process, 0, 0, "process_sort_index").arg("sort_index", process).close();
  }

  /** Names a track; tracks are shown in the order of their numbers. */
  void threadName(int process, int thread, String name) throws IOException {
    entry("M", process, thread, 0, "thread_name").arg("name", name).close();
    entry("M", process, thread, 0, "thread_sort_index").arg("sort_index", thread).close();
  }

  TraceEvents begin(int process, int thread, long nanos, String name) throws IOException {
    return entry("B", process, thread, nanos, name);
  }

  TraceEvents end(int process, int thread, long nanos) throws IOException {
    return entry("E", process, thread, nanos, null);
  }

  /** A span with its length, which may be told late. */
  TraceEvents span(int process, int thread, long from, long to, String name) throws IOException {
    entry("X", process, thread, from, name);
    json.writeFieldName("dur");
    json.writeNumber(micros(to - from));
    return this;
  }

  TraceEvents instant(int process, int thread, long nanos, String name) throws IOException {
    entry("i", process, thread, nanos, name);
    json.writeStringField("s", "t"); // as high as its track
    return this;
  }

  TraceEvents counter(int process, long nanos, String name) throws IOException {
    return entry("C", process, 0, nanos, name);
  }

  TraceEvents arg(String name, long value) throws IOException {
    startArgs();
    json.writeNumberField(name, value);
    return this;
  }

  TraceEvents arg(String name, String value) throws IOException {
    startArgs();
    json.writeStringField(name, value);
    return this;
  }

  void close() throws IOException {
    if (!open) {
      json.writeRaw('\n');
      json.writeEndArray();
      json.writeRaw('\n');
      return;
    }
    if (args) {
      json.writeEndObject();
    }
    json.writeEndObject();
    open = false;
    args = false;
  }

  private void startArgs() throws IOException {
    if (!args) {
      json.writeObjectFieldStart("args");
      args = true;
    }
  }

  private TraceEvents entry(String phase, int process, int thread, long nanos, String name)
      throws IOException {
    json.writeRaw('\n');
    json.writeStartObject();
    open = true;
    json.writeStringField("ph", phase);
    if (name != null) {
      json.writeStringField("name", name);
    }
    json.writeNumberField("pid", process);
    if (thread > 0) { // else the entry is about the process
      json.writeNumberField("tid", thread);
    }
    if (!phase.equals("M")) { // names hold at all times
      json.writeFieldName("ts");
      json.writeNumber(micros(nanos));
    }
    return this;
  }

  /** Nanoseconds as microseconds, digit by digit: a double would round spans out of each other. */
  static String micros(long nanos) {
    String rest = Long.toString(1000 + nanos % 1000);
    return nanos / 1000 + "." + rest.substring(1);
  }
}
