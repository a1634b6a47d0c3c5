package orrery.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import orrery.numerics.Bf16;
import orrery.quantization.RowFormat;

/**
 * Cached rows of bfloat16.
 *
 * @param width numbers of a row
 * @param data [rows][width]
 */
public record Bf16Rows(int width, short[] data) implements CachedRows {
  private static final short NAN = Bf16.encode(Float.NaN);

  @Override
  public RowFormat format() {
    return RowFormat.BF16;
  }

  @Override
  public int rows() {
    return data.length / width;
  }

  @Override
  public void copy(int from, int to, int n) {
    System.arraycopy(data, from * width, data, to * width, n * width);
  }

  @Override
  public void copyFrom(CachedRows other, int from, int to) {
    System.arraycopy(((Bf16Rows) other).data, from * width, data, to * width, width);
  }

  @Override
  public void copyOut(int from, int n, MemorySegment to, long at) {
    MemorySegment.copy(data, from * width, to, ValueLayout.JAVA_SHORT_UNALIGNED, at, n * width);
  }

  @Override
  public void copyIn(int to, int n, MemorySegment from, long at) {
    MemorySegment.copy(from, ValueLayout.JAVA_SHORT_UNALIGNED, at, data, to * width, n * width);
  }

  @Override
  public void fillNaN(int from, int n) {
    Arrays.fill(data, from * width, (from + n) * width, NAN);
  }

  @Override
  public void read(int row, float[] into, int at) {
    for (int i = 0; i < width; i++) {
      into[at + i] = Bf16.decode(data[row * width + i]);
    }
  }

  @Override
  public void write(int row, float[] x, int at) {
    for (int i = 0; i < width; i++) {
      data[row * width + i] = Bf16.encode(x[at + i]);
    }
  }

  @Override
  public int perWord() {
    return 2;
  }

  @Override
  public float get(int index, int scale) {
    return Bf16.decode(data[index]);
  }

  @Override
  public void put(int index, int apart, int scale, float[] x, int at, int step, int n) {
    for (int i = 0; i < n; i++) {
      data[index + i * apart] = Bf16.encode(x[at + i * step]);
    }
  }

  @Override
  public void putScale(int scale, float[] x, int at, int n) {
    // numbers of bf16 have none
  }
}
