package orrery.kernels;

import java.util.Arrays;
import orrery.quantization.ActivationRounding;
import orrery.quantization.CodedMatrix;

/**
 * What all matrices of codes and scales have in common. A weight is (c · s) · t, where c is the
 * decoded code, s the scale of its block and t the scale of the tensor, usually 1. A product with 1
 * rounds nothing.
 */
abstract class CodePanels extends PackedMatrix {
  /**
   * Inputs decoded at a time: the floats of 6 or 8 panels, 24 or 32 KiB, stay in the first-level
   * cache. A multiple of the codes that share an int.
   */
  private static final int PART = 64;

  final int[] codes; // [panels][ceil(in/perWord)][16]
  final PackedScales scales;
  final float tensorScale;
  final int blockCols; // columns of a block, at most in
  private final int bits; // of a code
  private final ActivationRounding input;

  /**
   * @throws IllegalArgumentException if a weight is NaN or infinite
   */
  CodePanels(CodedMatrix m) {
    super(m.format(), m.out(), m.in());
    bits = format.codes().bits();
    blockCols = Math.min(format.blockCols(), in);
    codes = new int[panels * PANEL * words];
    scales = new PackedScales(m, panels);
    tensorScale = m.tensorScale();
    input = m.input();
    byte[] row = new byte[in]; // [in]
    for (int o = 0; o < out; o++) {
      m.codes(o, row);
      for (int k = 0; k < in; k++) {
        codes[at(o, k)] |= (row[k] & mask()) << shift(k);
      }
    }
    requireFinite();
  }

  private void requireFinite() {
    float[] part = new float[PART * PANEL]; // [inputs][16]
    for (int panel = 0; panel < panels; panel++) {
      for (int k = 0; k < in; k = partEnd(k)) {
        int inputs = partEnd(k) - k;
        decode(panel, k, k + inputs, part, 0);
        for (int i = 0; i < inputs * PANEL; i++) {
          if (!Float.isFinite(part[i])) {
            int o = panel * PANEL + i % PANEL;
            throw new IllegalArgumentException(
                "weight [" + o + "][" + (k + i / PANEL) + "] is " + part[i]);
          }
        }
      }
    }
  }

  /** The number that a code stands for, in [0, 2^bits). */
  abstract float value(int code);

  private int mask() {
    return (1 << bits) - 1;
  }

  /** Where the code of input {@code k} begins in its int. */
  private int shift(int k) {
    return k % perWord * bits;
  }

  /**
   * Whether no int of codes lies in two blocks or is cut off. The vector loops count on it; real
   * formats have it.
   */
  final boolean isAligned() {
    return in % perWord == 0 && (blockCols % perWord == 0 || blockCols == in);
  }

  @Override
  public final ActivationRounding input() {
    return input;
  }

  @Override
  public final long bytes() {
    return (long) Integer.BYTES * codes.length + scales.bytes();
  }

  @Override
  public final float get(int o, int k) {
    float code = value(codes[at(o, k)] >>> shift(k) & mask());
    return code * scales.get(o, k / blockCols) * tensorScale;
  }

  @Override
  final void decode(int panel, int from, int to, float[] into, int offset) {
    for (int lane = 0; lane < PANEL; lane++) {
      int o = panel * PANEL + lane;
      int block = -1;
      float scale = 0;
      for (int k = from; k < to; k++) {
        if (k / blockCols != block) {
          block = k / blockCols;
          scale = scales.get(o, block);
        }
        float code = value(codes[at(o, k)] >>> shift(k) & mask());
        into[offset + (k - from) * PANEL + lane] = code * scale * tensorScale;
      }
    }
  }

  /** Decodes like {@link #decode}, in vectors if the matrix allows it. */
  abstract void decodeInVectors(
      int panel, int from, int to, float[] into, int offset, Scratch scratch);

  /** One row of {@link #product}; a subclass that decodes in registers is faster. */
  void productOfOneRow(
      float[] x, int xOff, float[] y, int yOff, int panelFrom, int panelTo, Scratch scratch) {
    productOfDecoded(x, xOff, 0, 1, y, yOff, 0, panelFrom, panelTo, scratch);
  }

  /** 2 and more rows of {@link #product}; a subclass may decode in registers where that pays. */
  void productOfRows(
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
    productOfDecoded(x, xOff, xStride, rows, y, yOff, yStride, panelFrom, panelTo, scratch);
  }

  @Override
  final void product(
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
    if (rows == 1) {
      productOfOneRow(x, xOff, y, yOff, panelFrom, panelTo, scratch);
    } else {
      productOfRows(x, xOff, xStride, rows, y, yOff, yStride, panelFrom, panelTo, scratch);
    }
  }

  /**
   * A part of a few panels becomes floats, which stay in the cache while all rows pass by. So all
   * formats share {@link F32Loops}, and decoding costs the less the more rows there are.
   */
  private void productOfDecoded(
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
    for (int row = 0; row < rows; row++) {
      int at = yOff + row * yStride;
      Arrays.fill(y, at + panelFrom * PANEL, at + panelTo * PANEL, 0f);
    }
    int together = rows <= 2 ? 8 : F32Loops.PANELS_TOGETHER;
    float[] floats = scratch.weights(together * PART * PANEL); // [panels][inputs][16]
    for (int p = panelFrom; p < panelTo; p += together) {
      int panels = Math.min(together, panelTo - p);
      int yAt = yOff + p * PANEL;
      for (int k = 0; k < in; k = partEnd(k)) {
        int inputs = partEnd(k) - k;
        for (int i = 0; i < panels; i++) {
          decodeInVectors(p + i, k, k + inputs, floats, i * inputs * PANEL, scratch);
        }
        F32Loops.add(floats, 0, inputs, x, xOff + k, xStride, rows, y, yAt, yStride, panels);
      }
    }
  }

  /**
   * Where a part of the inputs that is decoded at once ends. Parts begin and end where blocks do,
   * or inside one block at a whole int.
   */
  final int partEnd(int k) {
    int blocks = PART / blockCols;
    int end = blocks > 0 ? k + blocks * blockCols : Math.min(k + PART, blockEnd(k));
    return Math.min(end, in);
  }

  /** Where the block of input {@code k} ends. */
  final int blockEnd(int k) {
    return Math.min((k / blockCols + 1) * blockCols, in);
  }
}
