package orrery.kernels;

import java.util.stream.IntStream;
import orrery.quantization.WeightFormat;

/**
 * bf16 weights: an int holds two consecutive k of one output, the even k in the low half. So an
 * even k is decoded by a shift and an odd k by a mask.
 */
final class Bf16Matrix extends PackedMatrix {
  private static final int HIGH_HALF = 0xFFFF0000;
  private static final int LOW_HALF = 0x0000FFFF;

  /** Array elements from which packing is worth several processors. */
  private static final int LARGE = 1 << 18;

  final int[] pairs; // [panels][ceil(in/2)][16]

  /**
   * @throws IllegalArgumentException if a weight is not exactly a bf16 value
   */
  Bf16Matrix(int out, int in, RowSource source) {
    this(out, in);
    BitSource bits = bits(in, source);
    for (int panel = 0; panel < panels; panel++) {
      pack(panel, bits);
    }
  }

  /** A matrix of weights that are bf16 codes already; a large one is packed by all processors. */
  Bf16Matrix(int out, int in, BitSource source) {
    this(out, in);
    IntStream all = IntStream.range(0, panels);
    (pairs.length < LARGE ? all : all.parallel()).forEach(panel -> pack(panel, source));
  }

  private Bf16Matrix(int out, int in) {
    super(WeightFormat.BF16, out, in);
    pairs = new int[panels * PANEL * words];
  }

  /** Two codes that stand together in a row stand together in an int. */
  private void pack(int panel, BitSource source) {
    short[] row = new short[2 * words]; // [in], and a 0 behind an odd number of inputs
    for (int lane = 0; lane < Math.min(PANEL, out - panel * PANEL); lane++) {
      source.row(panel * PANEL + lane, row);
      int at = panel * PANEL * words + lane;
      for (int word = 0; word < words; word++) {
        pairs[at + word * PANEL] = row[2 * word] & LOW_HALF | row[2 * word + 1] << 16;
      }
    }
  }

  private static BitSource bits(int in, RowSource source) {
    return (o, into) -> {
      float[] row = new float[in]; // [in]
      source.row(o, row);
      for (int k = 0; k < in; k++) {
        int bits = Float.floatToRawIntBits(row[k]);
        if ((bits & ~HIGH_HALF) != 0) {
          throw new IllegalArgumentException(
              "weight [" + o + "][" + k + "] = " + row[k] + " is no bf16 value");
        }
        into[k] = (short) (bits >>> 16);
      }
    };
  }

  @Override
  public long bytes() {
    return (long) Integer.BYTES * pairs.length;
  }

  @Override
  public float get(int o, int k) {
    int pair = pairs[at(o, k)];
    return Float.intBitsToFloat(k % 2 == 0 ? pair << 16 : pair & HIGH_HALF);
  }

  @Override
  public void row(int o, float[] into, int offset) {
    int at = at(o, 0);
    for (int k = 0; k + 1 < in; k += 2) {
      int pair = pairs[at + k * (PANEL / 2)];
      into[offset + k] = Float.intBitsToFloat(pair << 16);
      into[offset + k + 1] = Float.intBitsToFloat(pair & HIGH_HALF);
    }
    if (in % 2 == 1) {
      into[offset + in - 1] = get(o, in - 1);
    }
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    for (int k = from; k < to; k++) {
      int at = (panel * words + k / 2) * PANEL;
      int shift = k % 2 == 0 ? 16 : 0; // the even k sits in the low half of its pair
      for (int lane = 0; lane < PANEL; lane++) {
        into[offset++] = Float.intBitsToFloat(pairs[at + lane] << shift & HIGH_HALF);
      }
    }
  }

  @Override
  void product(
      float[] x,
      int xOff,
      int xStride,
      int rows,
      float[] y,
      int yOff,
      int yStride,
      int panelFrom,
      int panelTo,
      Scratch scratch) {
    int together = F32Loops.panelsTogether(rows, panelTo - panelFrom);
    for (int p = panelFrom; p < panelTo; p += together) {
      int to = Math.min(p + together, panelTo);
      for (int row = 0; row < rows; ) {
        int take = Bf16Loops.rowsTogether(rows - row, to - p);
        int n = Math.min(take, rows - row);
        int xRow = xOff + row * xStride;
        int yRow = yOff + row * yStride;
        switch (take) {
          case 6 -> Bf16Loops.rows6(pairs, in, x, xRow, xStride, n, y, yRow, yStride, p, to);
          case 4 -> Bf16Loops.rows4(pairs, in, x, xRow, xStride, n, y, yRow, yStride, p, to);
          case 3 -> Bf16Loops.rows3(pairs, in, x, xRow, xStride, n, y, yRow, yStride, p, to);
          case 2 -> Bf16Loops.rows2(pairs, in, x, xRow, xStride, n, y, yRow, yStride, p, to);
          default -> Bf16Loops.row1(pairs, in, x, xRow, y, yRow, p, to);
        }
        row += n;
      }
    }
  }
}
