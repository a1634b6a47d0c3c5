package orrery.quantization;

import orrery.numerics.Bf16;
import orrery.numerics.E8m0;
import orrery.numerics.Fp8E4M3;

/**
 * Writes and reads one cached row in a {@link RowFormat}. These loops are the definition: whatever
 * order a cache stores bytes in, and whatever vector code reads them, a row that was written and
 * read back has these floats.
 *
 * <pre>
 *   F32    float bits, 4 bytes each, low byte first
 *   BF16   2 bytes each, low byte first
 *   FP8    codes [width - tail] | scale codes [⌈(width - tail) / block⌉] | bf16 [tail]
 * </pre>
 *
 * @param width floats of a row
 */
public record RowCodec(RowFormat format, int width) {
  /**
   * @throws IllegalArgumentException if the row is shorter than its tail
   */
  public RowCodec {
    if (width < 1 || width < format.tail()) {
      throw new IllegalArgumentException(
          "cached row: expected at least 1 and at least the "
              + format.tail()
              + " floats of its"
              + " tail, found "
              + width);
    }
  }

  /** Bytes of a row. */
  public int bytes() {
    return format.bytes(width);
  }

  /**
   * Writes a row.
   *
   * @param x [width] from {@code offset}
   * @param row [bytes] from {@code at}
   */
  public void encode(float[] x, int offset, byte[] row, int at) {
    int scaled = scaled();
    int scales = at + scaled;
    for (int from = 0, length; from < scaled; from += length) {
      length = Math.min(format.block(), scaled - from);
      row[scales++] = (byte) encodeBlock(x, offset + from, length, row, at + from);
    }
    int size = plainBytes();
    for (int i = scaled; i < width; i++, scales += size) {
      float value = x[offset + i];
      int bits = size == 4 ? Float.floatToRawIntBits(value) : Bf16.encode(value);
      for (int b = 0; b < size; b++) {
        row[scales + b] = (byte) (bits >>> 8 * b);
      }
    }
  }

  /**
   * Reads a row.
   *
   * @param row [bytes] from {@code at}
   * @param y [width] from {@code offset}
   */
  public void decode(byte[] row, int at, float[] y, int offset) {
    int scaled = scaled();
    int scales = at + scaled;
    for (int from = 0, length; from < scaled; from += length) {
      length = Math.min(format.block(), scaled - from);
      decodeBlock(row, at + from, length, row[scales++], y, offset + from);
    }
    int size = plainBytes();
    for (int i = scaled; i < width; i++, scales += size) {
      int bits = 0;
      for (int b = 0; b < size; b++) {
        bits |= (row[scales + b] & 0xFF) << 8 * b;
      }
      y[offset + i] = size == 4 ? Float.intBitsToFloat(bits) : Bf16.decode((short) bits);
    }
  }

  /**
   * Writes the codes of one FP8 block. A block with a NaN or an infinity becomes NaN as a whole.
   *
   * @param x [n] from {@code offset}
   * @param codes [n] from {@code at}
   * @return the E8M0 code of its scale
   */
  public static int encodeBlock(float[] x, int offset, int n, byte[] codes, int at) {
    int scaleCode = scaleCode(x, offset, n);
    float scale = E8m0.decode(scaleCode);
    for (int i = 0; i < n; i++) {
      codes[at + i] = (byte) Fp8E4M3.encode(x[offset + i] / scale);
    }
    return scaleCode;
  }

  /**
   * Reads one FP8 block: code · scale, which is exact.
   *
   * @param codes [n] from {@code at}
   * @param y [n] from {@code offset}
   */
  public static void decodeBlock(
      byte[] codes, int at, int n, int scaleCode, float[] y, int offset) {
    float scale = E8m0.decode(scaleCode);
    for (int i = 0; i < n; i++) {
      y[offset + i] = Fp8E4M3.decode(codes[at + i]) * scale;
    }
  }

  /**
   * The E8M0 code of the scale of an FP8 block; NaN's if a value is NaN or infinite.
   *
   * @param x [n] from {@code offset}
   */
  public static int scaleCode(float[] x, int offset, int n) {
    float amax = ActivationRounding.LEAST;
    for (int i = offset; i < offset + n; i++) {
      amax = Math.max(amax, Math.abs(x[i])); // keeps a NaN
    }
    return E8m0.ceil(amax / Fp8E4M3.MAX);
  }

  /** Columns in FP8. */
  private int scaled() {
    return format.codes() == Codes.E4M3 ? width - format.tail() : 0;
  }

  /** Bytes of a float that is not in FP8. */
  private int plainBytes() {
    return format.codes() == Codes.F32 ? Float.BYTES : Short.BYTES;
  }
}
