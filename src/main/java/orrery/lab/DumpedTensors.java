package orrery.lab;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import orrery.checkpoint.SafetensorsWriter;
import orrery.graph.Buffer;
import orrery.graph.IntBuffer;
import orrery.model.ModelSpec;

/** The tensors of a dump, put together row by row. */
final class DumpedTensors {
  /**
   * A tensor.
   *
   * @param rows all rows that it will have
   * @param shape of one row
   * @param data float[] or long[], [rows][elements of a row]
   */
  private record Rows(int rows, long[] shape, Object data) {}

  private final ModelSpec model;
  private final Map<String, Rows> tensors = new LinkedHashMap<>();

  /**
   * @param model says whether a row of streams has a dimension for them
   */
  DumpedTensors(ModelSpec model) {
    this.model = model;
  }

  /** The shape of a row in which the streams lie one after the other. */
  private long[] ofStreams(int width) {
    return model.hasStreams()
        ? new long[] {model.residualStreams(), width / model.residualStreams()}
        : new long[] {width};
  }

  /** Makes room for a tensor of as many rows; it may stay without any. */
  void room(String name, int rows, int width, boolean streams) {
    long[] shape = streams ? ofStreams(width) : new long[] {width};
    tensors.put(name, new Rows(rows, shape, new float[Math.multiplyExact(rows, width)]));
  }

  /** Puts the first {@code n} rows of a buffer at the rows from {@code from} on. */
  void put(String name, Buffer b, int n, int from) {
    Rows tensor = tensors.get(name);
    for (int r = 0; r < n; r++) {
      System.arraycopy(b.data, b.row(r), (float[]) tensor.data, (from + r) * b.cols, b.cols);
    }
  }

  /** As {@link #put(String, Buffer, int, int)}, and makes room if it is the first time. */
  void tap(String name, Buffer b, int n, int from, int rows) {
    if (!tensors.containsKey(name)) {
      room(name, rows, b.cols, name.startsWith("streams."));
    }
    put(name, b, n, from);
  }

  /** As {@link #tap(String, Buffer, int, int, int)}, for integers. */
  void tap(String name, IntBuffer b, int n, int from, int rows) {
    Rows tensor =
        tensors.computeIfAbsent(
            name, k -> new Rows(rows, new long[] {b.cols}, new long[rows * b.cols]));
    for (int i = 0; i < n * b.cols; i++) {
      ((long[]) tensor.data)[from * b.cols + i] = b.data[i];
    }
  }

  /** A tensor of one integer a row. */
  void list(String name, long[] values) {
    tensors.put(name, new Rows(values.length, new long[0], values));
  }

  /** Writes all tensors. */
  void write(Path out) {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach(
        (name, t) -> {
          long[] shape = new long[1 + t.shape.length];
          shape[0] = t.rows;
          System.arraycopy(t.shape, 0, shape, 1, t.shape.length);
          switch (t.data) {
            case float[] floats -> writer.floats(name, floats, shape);
            case long[] longs -> writer.longs(name, longs, shape);
            default -> throw new AssertionError(t.data);
          }
        });
    writer.write(out);
  }
}
