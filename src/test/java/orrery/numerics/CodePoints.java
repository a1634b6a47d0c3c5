package orrery.numerics;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Numbers of few bits as other programs decode and encode them (ml_dtypes and PyTorch, with values
 * beyond the largest clamped before): every code, and 4,000 floats with their codes for each
 * format.
 */
public final class CodePoints {
  private static final ByteBuffer FILE = read();
  private static final int HEADER = Math.toIntExact(FILE.getLong(0)); // bytes
  private static final JsonNode TENSORS = header();

  private CodePoints() {}

  private static ByteBuffer read() {
    try (InputStream in = CodePoints.class.getResourceAsStream("codepoints.safetensors")) {
      return ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JsonNode header() {
    try {
      return new ObjectMapper().readTree(FILE.array(), 8, HEADER);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ByteBuffer data(String name, String dtype) {
    JsonNode tensor = TENSORS.path(name);
    if (!tensor.path("dtype").asText().equals(dtype)) {
      throw new IllegalArgumentException(name + ": expected " + dtype + ", found " + tensor);
    }
    int from = tensor.at("/data_offsets/0").asInt();
    int to = tensor.at("/data_offsets/1").asInt();
    return FILE.slice(8 + HEADER + from, to - from).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The floats of a tensor. */
  public static float[] floats(String name) {
    ByteBuffer data = data(name, "F32");
    float[] floats = new float[data.remaining() / Float.BYTES];
    data.asFloatBuffer().get(floats);
    return floats;
  }

  /** The bytes of a tensor. */
  public static byte[] bytes(String name) {
    ByteBuffer data = data(name, "U8");
    byte[] bytes = new byte[data.remaining()];
    data.get(bytes);
    return bytes;
  }
}
