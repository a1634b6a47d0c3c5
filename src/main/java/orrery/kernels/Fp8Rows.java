package orrery.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.RowCodec;
import orrery.quantization.RowFormat;

/**
 * Cached rows of FP8 (E4M3), with a power of two for each block of columns and a tail of bfloat16.
 * A block with a NaN has NaN as its scale. So no code needs to be NaN where the scale is a number.
 *
 * @param format its block and tail
 * @param width numbers of a row
 * @param codes [rows][width - tail]
 * @param scales [rows][blocks], E8M0, and 16 of no meaning
 * @param tails [rows][tail], bfloat16
 */
public record Fp8Rows(RowFormat format, int width, byte[] codes, byte[] scales, short[] tails)
    implements CachedRows {
  private static final int MOST_LANES = 16; // a whole vector may be loaded at any scale

  private static final short NAN_TAIL = Bf16.encode(Float.NaN);

  static Fp8Rows allocate(RowFormat format, int width, int rows) {
    int coded = width - format.tail();
    int blocks = Math.ceilDiv(coded, format.block());
    return new Fp8Rows(
        format,
        width,
        new byte[rows * coded],
        new byte[rows * blocks + MOST_LANES],
        new short[rows * format.tail()]);
  }

  /** Columns of a row that are codes. */
  public int coded() {
    return width - format.tail();
  }

  /** Scales of a row. */
  public int blocks() {
    return Math.ceilDiv(coded(), format.block());
  }

  @Override
  public int rows() {
    return coded() > 0 ? codes.length / coded() : tails.length / width;
  }

  @Override
  public void copy(int from, int to, int n) {
    System.arraycopy(codes, from * coded(), codes, to * coded(), n * coded());
    System.arraycopy(scales, from * blocks(), scales, to * blocks(), n * blocks());
    int tail = format.tail();
    System.arraycopy(tails, from * tail, tails, to * tail, n * tail);
  }

  @Override
  public void copyFrom(CachedRows other, int from, int to) {
    Fp8Rows source = (Fp8Rows) other;
    int tail = format.tail();
    System.arraycopy(source.codes, from * coded(), codes, to * coded(), coded());
    System.arraycopy(source.scales, from * blocks(), scales, to * blocks(), blocks());
    System.arraycopy(source.tails, from * tail, tails, to * tail, tail);
  }

  /** All codes of the rows come first, then all scales, then all tails. */
  @Override
  public void copyOut(int from, int n, MemorySegment to, long at) {
    int coded = coded();
    int blocks = blocks();
    int tail = format.tail();
    long scalesAt = at + (long) n * coded;
    long tailsAt = scalesAt + (long) n * blocks;
    MemorySegment.copy(codes, from * coded, to, ValueLayout.JAVA_BYTE, at, n * coded);
    MemorySegment.copy(scales, from * blocks, to, ValueLayout.JAVA_BYTE, scalesAt, n * blocks);
    MemorySegment.copy(tails, from * tail, to, ValueLayout.JAVA_SHORT_UNALIGNED, tailsAt, n * tail);
  }

  @Override
  public void copyIn(int to, int n, MemorySegment from, long at) {
    int coded = coded();
    int blocks = blocks();
    int tail = format.tail();
    long scalesAt = at + (long) n * coded;
    long tailsAt = scalesAt + (long) n * blocks;
    MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at, codes, to * coded, n * coded);
    MemorySegment.copy(from, ValueLayout.JAVA_BYTE, scalesAt, scales, to * blocks, n * blocks);
    MemorySegment.copy(from, ValueLayout.JAVA_SHORT_UNALIGNED, tailsAt, tails, to * tail, n * tail);
  }

  @Override
  public void fillNaN(int from, int n) {
    Arrays.fill(codes, from * coded(), (from + n) * coded(), (byte) Fp8E4M3.NAN);
    Arrays.fill(scales, from * blocks(), (from + n) * blocks(), (byte) E8m0.NAN);
    Arrays.fill(tails, from * format.tail(), (from + n) * format.tail(), NAN_TAIL);
  }

  @Override
  public void read(int row, float[] into, int at) {
    int coded = coded();
    for (int b = 0, i = 0; i < coded; b++, i += format.block()) {
      int n = Math.min(format.block(), coded - i);
      RowCodec.decodeBlock(codes, row * coded + i, n, scales[row * blocks() + b], into, at + i);
    }
    for (int i = 0; i < format.tail(); i++) {
      into[at + coded + i] = Bf16.decode(tails[row * format.tail() + i]);
    }
  }

  @Override
  public void write(int row, float[] x, int at) {
    int coded = coded();
    for (int b = 0, i = 0; i < coded; b++, i += format.block()) {
      int n = Math.min(format.block(), coded - i);
      scales[row * blocks() + b] =
          (byte) RowCodec.encodeBlock(x, at + i, n, codes, row * coded + i);
    }
    for (int i = 0; i < format.tail(); i++) {
      tails[row * format.tail() + i] = Bf16.encode(x[at + coded + i]);
    }
  }

  @Override
  public int perWord() {
    return 4;
  }

  @Override
  public float get(int index, int scale) {
    return Fp8E4M3.decode(codes[index]) * E8m0.decode(scales[scale]);
  }

  @Override
  public void put(int index, int apart, int scale, float[] x, int at, int step, int n) {
    float s = E8m0.decode(scales[scale]);
    for (int i = 0; i < n; i++) {
      codes[index + i * apart] = (byte) Fp8E4M3.encode(x[at + i * step] / s);
    }
  }

  @Override
  public void putScale(int scale, float[] x, int at, int n) {
    scales[scale] = (byte) RowCodec.scaleCode(x, at, n);
  }
}
