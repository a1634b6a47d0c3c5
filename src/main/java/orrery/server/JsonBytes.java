package orrery.server;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;

/** JSON on one line, in UTF-8. */
public final class JsonBytes {
  public static final String TYPE = "application/json";

  private static final JsonFactory JSON = new JsonFactory();

  private JsonBytes() {}

  /** Writes a value. */
  @FunctionalInterface
  public interface Value {
    void write(JsonGenerator json) throws IOException;
  }

  /** The bytes of a value. */
  public static byte[] of(Value value) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    try (JsonGenerator json = JSON.createGenerator(bytes)) {
      value.write(json);
    } catch (IOException e) {
      throw new UncheckedIOException("bytes can always be written", e);
    }
    return bytes.toByteArray();
  }
}
