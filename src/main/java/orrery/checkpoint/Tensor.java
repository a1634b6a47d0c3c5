package orrery.checkpoint;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import orrery.numerics.Bf16;
import orrery.numerics.Fp16;

/**
 * One tensor, a view of the mapped file: no element is copied before it is read.
 *
 * <p>A <em>row</em> is a run along the last dimension. So a weight {@code [out, in]} has {@code
 * out} rows of {@code in} elements, and a stack of experts {@code [experts, out, in]} has {@code
 * experts · out} rows. A vector is one row. The data is valid until its file is closed.
 *
 * @param file the file that holds it, for messages
 * @param info name, type and shape
 * @param data the little-endian elements, {@code info.bytes()} bytes, at any alignment
 */
public record Tensor(Path file, TensorInfo info, MemorySegment data) {
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfShort BITS16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfInt I32 =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfLong I64 =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);

  /** Checks that the data is as long as the entry says. */
  public Tensor {
    if (data.byteSize() != info.bytes()) {
      throw new IllegalArgumentException(info + ": " + data.byteSize() + " bytes of data");
    }
  }

  /** Tensor name. */
  public String name() {
    return info.name();
  }

  /** Element type. */
  public DType dtype() {
    return info.dtype();
  }

  /** Sizes, outermost dimension first. */
  public long[] shape() {
    return info.shape();
  }

  /** Elements of one row: the last dimension; 1 for a scalar. */
  public long rowLength() {
    long[] shape = info.shape();
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  /** Number of rows: the product of all dimensions but the last. */
  public long rows() {
    long[] shape = info.shape();
    long rows = 1;
    for (int i = 0; i < shape.length - 1; i++) {
      rows *= shape[i]; // cannot overflow: the header check has multiplied all dimensions
    }
    return rows;
  }

  /**
   * Element {@code index} (row-major) as a float; exact for F32, F16 and BF16. Codes of 8 bits are
   * no floats without their scales, so they are refused.
   */
  public float getFloat(long index) {
    return switch (dtype()) {
      case F32 -> data.getAtIndex(F32, index);
      case BF16 -> Bf16.decode(data.getAtIndex(BITS16, index));
      case F16 -> Fp16.decode(data.getAtIndex(BITS16, index));
      default -> throw wrongType("F32, F16 or BF16");
    };
  }

  /** Copies one row, converted exactly to float32, into {@code dst[dstOff ..]}. */
  public void copyRow(long row, float[] dst, int dstOff) {
    long length = rowLength();
    copyFloats(Math.multiplyExact(row, length), Math.toIntExact(length), dst, dstOff);
  }

  /** Copies one row of raw bfloat16 codes into {@code dst[dstOff ..]}; only if stored as BF16. */
  public void copyRowBits(long row, short[] dst, int dstOff) {
    require(DType.BF16);
    long length = rowLength();
    long from = Math.multiplyExact(row, length) * 2;
    MemorySegment.copy(data, BITS16, from, dst, dstOff, Math.toIntExact(length));
  }

  /** Byte {@code index} (row-major); only of a type of 8 bits. */
  public byte getByte(long index) {
    requireBytes();
    return data.get(ValueLayout.JAVA_BYTE, index);
  }

  /** Copies one row of bytes into {@code dst[dstOff ..]}; only of a type of 8 bits. */
  public void copyRowBytes(long row, byte[] dst, int dstOff) {
    requireBytes();
    long length = rowLength();
    long from = Math.multiplyExact(row, length);
    MemorySegment.copy(data, ValueLayout.JAVA_BYTE, from, dst, dstOff, Math.toIntExact(length));
  }

  /** All elements, converted exactly to float32, in row-major order. */
  public float[] floats() {
    float[] all = new float[arrayLength()]; // [elements]
    copyFloats(0, all.length, all, 0);
    return all;
  }

  /** All raw bfloat16 codes in row-major order; only if stored as BF16. */
  public short[] bf16() {
    require(DType.BF16);
    short[] all = new short[arrayLength()]; // [elements]
    MemorySegment.copy(data, BITS16, 0, all, 0, all.length);
    return all;
  }

  /** All elements in row-major order; only if stored as I64. */
  public long[] longs() {
    require(DType.I64);
    long[] all = new long[arrayLength()]; // [elements]
    MemorySegment.copy(data, I64, 0, all, 0, all.length);
    return all;
  }

  /**
   * All elements in row-major order, as indices; only if stored as I32 or I64.
   *
   * @param below how many things there are to point at
   * @throws CheckpointException naming the tensor and the place, if an element is no index of one
   */
  public int[] indices(int below) {
    if (dtype() != DType.I32 && dtype() != DType.I64) {
      throw wrongType("I32 or I64");
    }
    int[] all = new int[arrayLength()]; // [elements]
    for (int i = 0; i < all.length; i++) {
      long index = dtype() == DType.I32 ? data.getAtIndex(I32, i) : data.getAtIndex(I64, i);
      if (index < 0 || index >= below) {
        throw new CheckpointException(
            file, item() + " at " + place(i), "0 to " + (below - 1), Long.toString(index));
      }
      all[i] = (int) index;
    }
    return all;
  }

  /** All elements in row-major order; only if stored as I32. */
  public int[] ints() {
    require(DType.I32);
    int[] all = new int[arrayLength()]; // [elements]
    MemorySegment.copy(data, I32, 0, all, 0, all.length);
    return all;
  }

  private void copyFloats(long first, int count, float[] dst, int dstOff) {
    switch (dtype()) {
      case F32 -> MemorySegment.copy(data, F32, first * 4, dst, dstOff, count);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          dst[dstOff + i] = Bf16.decode(data.getAtIndex(BITS16, first + i));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          dst[dstOff + i] = Fp16.decode(data.getAtIndex(BITS16, first + i));
        }
      }
      default -> throw wrongType("F32, F16 or BF16");
    }
  }

  private int arrayLength() {
    long elements = info.elements();
    if (elements > Integer.MAX_VALUE - 8) {
      throw new CheckpointException(
          file, item(), "at most " + (Integer.MAX_VALUE - 8) + " elements", elements + " elements");
    }
    return (int) elements;
  }

  private void requireBytes() {
    if (dtype().bytes() != 1) {
      throw wrongType("one-byte");
    }
  }

  private void require(DType type) {
    if (dtype() != type) {
      throw wrongType(type.name());
    }
  }

  private CheckpointException wrongType(String expected) {
    return new CheckpointException(file, item(), expected + " elements", dtype().name());
  }

  /** {@code tensor NAME}, made safe to print. */
  public String item() {
    return item(name());
  }

  /** Element {@code index} (row-major) as a place in the tensor: {@code [row, column]}. */
  public String place(long index) {
    long[] place = info.shape(); // [dimensions]
    for (int d = place.length - 1; d >= 0; d--) {
      long size = place[d];
      place[d] = index % size;
      index /= size;
    }
    return Arrays.toString(place);
  }

  static String item(String name) {
    return "tensor " + CheckpointException.shown(name);
  }

  /**
   * Returns this tensor if it has the expected shape; else throws an error that names both shapes.
   */
  public Tensor requireShape(long... expected) {
    if (!info.hasShape(expected)) {
      String found = Arrays.toString(info.shape());
      throw new CheckpointException(
          file, item(), "shape " + Arrays.toString(expected), CheckpointException.shown(found));
    }
    return this;
  }
}
