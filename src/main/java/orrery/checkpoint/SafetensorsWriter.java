package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import orrery.files.OutputFile;

/**
 * Writes one safetensors file. Tensors are added in any order and written in the canonical order of
 * the format: wider types first, then by name. The header is padded with blanks to a multiple of 8
 * bytes. So every element is at its natural alignment, and equal content gives equal bytes.
 *
 * <p>The arrays are not copied: do not change them before {@link #write}. {@link OutputFile}
 * replaces a file in one step, so a reader never sees half a file.
 */
public final class SafetensorsWriter {
  private static final int BUFFER_BYTES = 1 << 16;

  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /**
   * A tensor to be written; {@code data} is a float[], short[], byte[], int[] or long[] as the type
   * says, or the bytes of another file.
   */
  private record Entry(String name, DType dtype, long[] shape, Object data) {
    void put(ByteBuffer buffer, int index) {
      switch (data) {
        case float[] values -> buffer.putFloat(values[index]);
        case short[] codes -> buffer.putShort(codes[index]);
        case byte[] codes -> buffer.put(codes[index]);
        case int[] values -> buffer.putInt(values[index]);
        case long[] values -> buffer.putLong(values[index]);
        default -> throw new AssertionError(data);
      }
    }

    int elements() {
      return java.lang.reflect.Array.getLength(data);
    }

    long bytes() {
      return data instanceof MemorySegment mapped
          ? mapped.byteSize()
          : (long) elements() * dtype.bytes();
    }
  }

  /** Adds one {@code __metadata__} string. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds an F32 tensor; {@code data} is row-major. */
  public SafetensorsWriter floats(String name, float[] data, long... shape) {
    return add(new Entry(name, DType.F32, shape.clone(), data), data.length);
  }

  /** Adds a BF16 tensor from raw codes; {@code codes} is row-major. */
  public SafetensorsWriter bf16(String name, short[] codes, long... shape) {
    return add(new Entry(name, DType.BF16, shape.clone(), codes), codes.length);
  }

  /** Adds an F16 tensor from raw codes; {@code codes} is row-major. */
  public SafetensorsWriter f16(String name, short[] codes, long... shape) {
    return add(new Entry(name, DType.F16, shape.clone(), codes), codes.length);
  }

  /** Adds a tensor of a type of 8 bits from raw bytes; {@code codes} is row-major. */
  public SafetensorsWriter codes(String name, DType dtype, byte[] codes, long... shape) {
    if (dtype.bytes() != 1) {
      throw new IllegalArgumentException(name + ": expected a type of 8 bits, found " + dtype);
    }
    return add(new Entry(name, dtype, shape.clone(), codes), codes.length);
  }

  /** Adds an I32 tensor; {@code data} is row-major. */
  public SafetensorsWriter ints(String name, int[] data, long... shape) {
    return add(new Entry(name, DType.I32, shape.clone(), data), data.length);
  }

  /** Adds an I64 tensor; {@code data} is row-major. */
  public SafetensorsWriter longs(String name, long[] data, long... shape) {
    return add(new Entry(name, DType.I64, shape.clone(), data), data.length);
  }

  /**
   * Adds a tensor of another file, byte for byte. It is read when this file is written, so the
   * other one must stay open until then.
   */
  public SafetensorsWriter copy(Tensor tensor) {
    TensorInfo info = tensor.info();
    return add(new Entry(info.name(), info.dtype(), info.shape(), tensor.data()), info.elements());
  }

  private SafetensorsWriter add(Entry entry, long elements) {
    long product = 1;
    for (long size : entry.shape) {
      product = Math.multiplyExact(product, size);
    }
    if (product != elements) {
      throw new IllegalArgumentException(
          entry.name + ": a shape of " + product + " elements for " + elements + " values");
    }
    if (entry.name.equals("__metadata__") || entries.putIfAbsent(entry.name, entry) != null) {
      throw new IllegalArgumentException(entry.name + ": name already taken");
    }
    return this;
  }

  /**
   * Writes everything added so far to {@code file}, replacing it in one step; a device is written
   * through.
   *
   * @throws UncheckedIOException naming the file, if it cannot be written
   */
  public void write(Path file) {
    List<Entry> ordered = new ArrayList<>(entries.values());
    ordered.sort(Comparator.comparing(Entry::dtype).thenComparing(Entry::name));
    try {
      byte[] header = header(ordered);
      OutputFile.of(file).write(out -> writeTo(out, header, ordered));
    } catch (IOException e) {
      throw new UncheckedIOException(e.getMessage(), e);
    }
  }

  private byte[] header(Collection<Entry> ordered) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeObjectFieldStart("__metadata__");
        for (Map.Entry<String, String> entry : metadata.entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      long offset = 0;
      for (Entry entry : ordered) {
        json.writeObjectFieldStart(entry.name);
        json.writeStringField("dtype", entry.dtype.name());
        json.writeFieldName("shape");
        json.writeArray(entry.shape, 0, entry.shape.length);
        json.writeFieldName("data_offsets");
        json.writeArray(new long[] {offset, offset + entry.bytes()}, 0, 2);
        json.writeEndObject();
        offset += entry.bytes();
      }
      json.writeEndObject();
    }
    int length = text.toString().getBytes(UTF_8).length;
    return (text + " ".repeat(-length & 7)).getBytes(UTF_8);
  }

  private static void writeTo(OutputStream out, byte[] header, List<Entry> ordered)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(LITTLE_ENDIAN);
    buffer.putLong(header.length);
    drain(buffer, out);
    out.write(header);
    for (Entry entry : ordered) {
      if (entry.data instanceof MemorySegment mapped) {
        put(mapped, buffer, out);
        continue;
      }
      for (int i = 0; i < entry.elements(); i++) {
        if (buffer.remaining() < entry.dtype.bytes()) {
          drain(buffer, out);
        }
        entry.put(buffer, i);
      }
    }
    drain(buffer, out);
  }

  private static void put(MemorySegment mapped, ByteBuffer buffer, OutputStream out)
      throws IOException {
    for (long at = 0; at < mapped.byteSize(); ) {
      if (!buffer.hasRemaining()) {
        drain(buffer, out);
      }
      int count = (int) Math.min(buffer.remaining(), mapped.byteSize() - at);
      buffer.put(mapped.asSlice(at, count).asByteBuffer());
      at += count;
    }
  }

  private static void drain(ByteBuffer buffer, OutputStream out) throws IOException {
    if (Thread.currentThread().isInterrupted()) {
      throw new InterruptedIOException("interrupted"); // gigabytes take their time
    }
    out.write(buffer.array(), 0, buffer.position());
    buffer.clear();
  }
}
