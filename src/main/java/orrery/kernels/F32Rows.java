package orrery.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import orrery.quantization.RowFormat;

/**
 * Cached rows of float32.
 *
 * @param width floats of a row
 * @param data [rows][width]
 */
public record F32Rows(int width, float[] data) implements CachedRows {
  @Override
  public RowFormat format() {
    return RowFormat.F32;
  }

  @Override
  public int rows() {
    return data.length / width;
  }

  @Override
  public float[] floats() {
    return data;
  }

  @Override
  public void copy(int from, int to, int n) {
    System.arraycopy(data, from * width, data, to * width, n * width);
  }

  @Override
  public void copyFrom(CachedRows other, int from, int to) {
    System.arraycopy(((F32Rows) other).data, from * width, data, to * width, width);
  }

  @Override
  public void copyOut(int from, int n, MemorySegment to, long at) {
    MemorySegment.copy(data, from * width, to, ValueLayout.JAVA_FLOAT_UNALIGNED, at, n * width);
  }

  @Override
  public void copyIn(int to, int n, MemorySegment from, long at) {
    MemorySegment.copy(from, ValueLayout.JAVA_FLOAT_UNALIGNED, at, data, to * width, n * width);
  }

  @Override
  public void fillNaN(int from, int n) {
    Arrays.fill(data, from * width, (from + n) * width, Float.NaN);
  }

  @Override
  public void read(int row, float[] into, int at) {
    System.arraycopy(data, row * width, into, at, width);
  }

  @Override
  public void write(int row, float[] x, int at) {
    System.arraycopy(x, at, data, row * width, width);
  }

  @Override
  public int perWord() {
    return 1;
  }

  @Override
  public float get(int index, int scale) {
    return data[index];
  }

  @Override
  public void put(int index, int apart, int scale, float[] x, int at, int step, int n) {
    for (int i = 0; i < n; i++) {
      data[index + i * apart] = x[at + i * step];
    }
  }

  @Override
  public void putScale(int scale, float[] x, int at, int n) {
    // floats have none
  }
}
