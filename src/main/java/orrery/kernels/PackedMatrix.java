package orrery.kernels;

import orrery.quantization.ActivationRounding;

/**
 * A weight matrix [out][in], packed for broadcast products: panels of 16 outputs, [out/16][in][16].
 *
 * <pre>
 *   panel 0: w[0..15][k=0] w[0..15][k=1] … w[0..15][k=in-1]     one vector load = 16 outputs' weights
 *   panel 1: w[16..31][k=0] …                                    for one input
 * </pre>
 *
 * <p>A product broadcasts x[k] and lets every lane sum its own output in increasing k: one chain
 * per output, whatever the vector width and the number of rows or threads. Zero rows fill up the
 * last panel. A bf16 matrix keeps two consecutive k of one output in one int, the even k in the low
 * half. So an even k is decoded by a shift and an odd k by a mask.
 */
public final class PackedMatrix {
  /** Outputs of one panel: the lanes of a 512-bit vector. */
  public static final int PANEL = 16;

  /** How the weights are stored. */
  public enum Format {
    F32(4),
    BF16(2);

    /** Bytes that one stored weight takes. */
    public final int bytesPerWeight;

    Format(int bytesPerWeight) {
      this.bytesPerWeight = bytesPerWeight;
    }
  }

  /** Where the rows of a matrix come from, for example a tensor of a checkpoint. */
  @FunctionalInterface
  public interface RowSource {
    /**
     * Writes row {@code row} to {@code into}.
     *
     * @param into [in]
     */
    void row(int row, float[] into);
  }

  public final Format format;
  public final int out; // outputs
  public final int in; // inputs
  public final int panels; // panels of 16 outputs, the last one padded

  final float[] f32; // [panels][in][16], or null
  final int[] bf16; // [panels][ceil(in/2)][16], or null; both are null if this is a shape

  private PackedMatrix(Format format, int out, int in, boolean weights) {
    if (out < 1 || in < 1) {
      throw new IllegalArgumentException(
          "a matrix needs at least one output and one input, found [" + out + ", " + in + "]");
    }
    this.format = format;
    this.out = out;
    this.in = in;
    this.panels = (out - 1) / PANEL + 1;
    int width = format == Format.F32 ? in : pairs(); // array elements of one output
    if ((long) panels * PANEL > (Integer.MAX_VALUE - 8) / width) {
      throw new IllegalArgumentException(
          "expected a matrix that fits one Java array, found [" + out + ", " + in + "]");
    }
    this.f32 = weights && format == Format.F32 ? new float[panels * PANEL * width] : null;
    this.bf16 = weights && format == Format.BF16 ? new int[panels * PANEL * width] : null;
  }

  /**
   * The shape of a matrix without its weights: it can be counted, but not read or multiplied.
   *
   * @throws IllegalArgumentException if no matrix can have this shape
   */
  public static PackedMatrix shape(Format format, int out, int in) {
    return new PackedMatrix(format, out, in, false);
  }

  /**
   * Packs a matrix.
   *
   * @throws IllegalArgumentException if no matrix can have this shape, or if a weight of a bf16
   *     matrix is not exactly a bf16 value
   */
  public static PackedMatrix pack(Format format, int out, int in, RowSource source) {
    PackedMatrix m = new PackedMatrix(format, out, in, true);
    float[] row = new float[in];
    for (int o = 0; o < out; o++) {
      source.row(o, row);
      if (format == Format.F32) {
        m.putF32(o, row);
      } else {
        m.putBf16(o, row);
      }
    }
    return m;
  }

  /** Packs {@code rows} [out][in]. */
  public static PackedMatrix of(Format format, float[][] rows) {
    return pack(
        format,
        rows.length,
        rows[0].length,
        (r, into) -> System.arraycopy(rows[r], 0, into, 0, into.length));
  }

  /** Ints per output of a bf16 panel: two weights each. */
  int pairs() {
    return (in + 1) / 2;
  }

  private void putF32(int o, float[] row) {
    int at = (o / PANEL) * in * PANEL + o % PANEL;
    for (int k = 0; k < in; k++) {
      f32[at + k * PANEL] = row[k];
    }
  }

  private void putBf16(int o, float[] row) {
    int at = (o / PANEL) * pairs() * PANEL + o % PANEL;
    for (int k = 0; k < in; k++) {
      int bits = Float.floatToRawIntBits(row[k]);
      if ((bits & 0xFFFF) != 0) {
        throw new IllegalArgumentException(
            "weight [" + o + "][" + k + "] = " + row[k] + " is no bf16 value");
      }
      bf16[at + (k / 2) * PANEL] |= k % 2 == 0 ? bits >>> 16 : bits;
    }
  }

  /** The weight of output {@code o} for input {@code k}, exactly decoded. */
  public float get(int o, int k) {
    int panel = o / PANEL;
    int lane = o % PANEL;
    if (format == Format.F32) {
      return f32[(panel * in + k) * PANEL + lane];
    }
    int pair = bf16[(panel * pairs() + k / 2) * PANEL + lane];
    return Float.intBitsToFloat(k % 2 == 0 ? pair << 16 : pair & 0xFFFF0000);
  }

  /**
   * Copies the weights of output {@code o}: an embedding row.
   *
   * @param into receives [in] floats from {@code offset}
   */
  public void row(int o, float[] into, int offset) {
    for (int k = 0; k < in; k++) {
      into[offset + k] = get(o, k);
    }
  }

  /** How the input of a product is rounded where activations are FP8. */
  public ActivationRounding input() {
    return ActivationRounding.NONE;
  }

  /** Bytes that one pass over the weights reads, padding included. */
  public long bytes() {
    return format == Format.F32 ? 4L * f32.length : 4L * bf16.length;
  }

  @Override
  public String toString() {
    return format.name().toLowerCase() + "[" + out + "," + in + "]";
  }
}
