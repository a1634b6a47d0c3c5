package orrery.kernels;

import orrery.quantization.ActivationRounding;
import orrery.quantization.CodedMatrix;
import orrery.quantization.WeightFormat;

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
 * last panel. Numbers of fewer than 32 bits share an int: the next 2, 4 or 8 k of one output, the
 * lowest k in the lowest bits.
 *
 * <p>Each way to store numbers is one subclass. {@link #decode} is its definition: the exact floats
 * of a part of a panel. All products are the product with those floats.
 */
public abstract class PackedMatrix {
  /** Outputs of one panel: the lanes of a 512-bit vector. */
  public static final int PANEL = 16;

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

  /** Where the bf16 codes of the rows of a matrix come from. Several threads may call it. */
  @FunctionalInterface
  public interface BitSource {
    /**
     * Writes row {@code row} to {@code into}.
     *
     * @param into [in], with room for one more
     */
    void row(int row, short[] into);
  }

  public final WeightFormat format;
  public final int out; // outputs
  public final int in; // inputs
  public final int panels; // panels of 16 outputs, the last one padded
  final int perWord; // numbers of one output in one array element of 32 bits
  final int words; // array elements of one output

  PackedMatrix(WeightFormat format, int out, int in) {
    if (out < 1 || in < 1) {
      throw new IllegalArgumentException(
          "a matrix needs at least one output and one input, found [" + out + ", " + in + "]");
    }
    this.format = format;
    this.out = out;
    this.in = in;
    this.panels = (out - 1) / PANEL + 1;
    this.perWord = Integer.SIZE / format.codes().bits();
    this.words = (in - 1) / perWord + 1;
    if ((long) panels * PANEL > (Integer.MAX_VALUE - 8) / words) {
      throw new IllegalArgumentException(
          "expected a matrix that fits one Java array, found [" + out + ", " + in + "]");
    }
  }

  /**
   * The shape of a matrix without its weights: it can be counted, but not read or multiplied.
   *
   * @throws IllegalArgumentException if no matrix can have this shape
   */
  public static PackedMatrix shape(WeightFormat format, int out, int in) {
    return new MatrixShape(format, out, in);
  }

  /**
   * Packs a matrix of floats.
   *
   * @param format {@link WeightFormat#F32} or {@link WeightFormat#BF16}
   * @throws IllegalArgumentException if no matrix can have this shape, if the format has scales, or
   *     if a weight of a bf16 matrix is not exactly a bf16 value
   */
  public static PackedMatrix pack(WeightFormat format, int out, int in, RowSource source) {
    return switch (format.codes()) {
      case F32 -> new F32Matrix(out, in, source);
      case BF16 -> new Bf16Matrix(out, in, source);
      case E4M3, E5M2, E2M1 ->
          throw new IllegalArgumentException("expected floats, found " + format);
    };
  }

  /** Packs a matrix of bf16 codes: nothing is decoded and encoded again. */
  public static PackedMatrix packBits(int out, int in, BitSource source) {
    return new Bf16Matrix(out, in, source);
  }

  /**
   * Packs a matrix of codes and scales.
   *
   * @throws IllegalArgumentException if no matrix can have this shape, if the format has no scales,
   *     or if a weight decodes to NaN or infinity
   */
  public static PackedMatrix pack(CodedMatrix matrix) {
    return switch (matrix.format().codes()) {
      case E4M3 -> new Fp8E4M3Matrix(matrix);
      case E5M2 -> new Fp8E5M2Matrix(matrix);
      case E2M1 -> new Fp4Matrix(matrix);
      case F32, BF16 ->
          throw new IllegalArgumentException("expected codes, found " + matrix.format());
    };
  }

  /** Packs {@code rows} [out][in]. */
  public static PackedMatrix of(WeightFormat format, float[][] rows) {
    return pack(
        format,
        rows.length,
        rows[0].length,
        (r, into) -> System.arraycopy(rows[r], 0, into, 0, into.length));
  }

  /** Bytes that one pass over the weights reads, padding included. */
  public abstract long bytes();

  /** How many weights the matrix has, without padding. */
  public long weights() {
    return (long) out * in;
  }

  /** The weight of output {@code o} for input {@code k}, exactly decoded. */
  public abstract float get(int o, int k);

  /** How the input of a product with this matrix is rounded where activations are FP8. */
  public ActivationRounding input() {
    return ActivationRounding.NONE;
  }

  /**
   * Decodes inputs [from, to) of a panel.
   *
   * @param into receives [to-from][16] floats from {@code offset}
   */
  abstract void decode(int panel, int from, int to, float[] into, int offset);

  /** {@link Kernels#matmul} in vectors. */
  abstract void product(
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch);

  /**
   * The element of a packed array that holds the number of output {@code o} for input {@code k}.
   */
  final int at(int o, int k) {
    return (o / PANEL * words + k / perWord) * PANEL + o % PANEL;
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

  @Override
  public String toString() {
    return format.label() + "[" + out + "," + in + "]";
  }
}
