package orrery.kernels;

import orrery.quantization.ActivationRounding;
import orrery.quantization.CodedMatrix;

/**
 * What all matrices of codes and scales have in common. A weight is (c · s) · t, where c is the
 * decoded code, s the scale of its block and t the scale of the tensor, usually 1.
 */
abstract class CodePanels extends PackedMatrix {
  final int[] codes; // [panels][ceil(in/perWord)][16]
  final PackedScales scales;
  final float tensorScale;
  private final int mask; // of one code
  private final ActivationRounding input;

  /**
   * @throws IllegalArgumentException if a weight is NaN or infinite
   */
  CodePanels(CodedMatrix m) {
    super(m.format(), m.out(), m.in());
    codes = new int[panels * PANEL * words];
    scales = new PackedScales(m, panels);
    tensorScale = m.tensorScale();
    mask = (1 << format.codes().bits()) - 1;
    input = m.input();
    byte[] row = new byte[in]; // [in]
    for (int o = 0; o < out; o++) {
      m.codes(o, row);
      for (int k = 0; k < in; k++) {
        codes[at(o, k)] |= (row[k] & mask) << shift(k);
      }
      for (int k = 0; k < in; k++) {
        if (!Float.isFinite(get(o, k))) {
          throw new IllegalArgumentException("weight [" + o + "][" + k + "] is " + get(o, k));
        }
      }
    }
  }

  /** The number that a code stands for. */
  abstract float value(int code);

  private int shift(int k) {
    return k % perWord * format.codes().bits();
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
    float code = value(codes[at(o, k)] >>> shift(k) & mask);
    return code * scales.get(o, k / format.blockCols()) * tensorScale;
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    for (int k = from; k < to; k++) {
      for (int lane = 0; lane < PANEL; lane++) {
        into[offset++] = get(panel * PANEL + lane, k);
      }
    }
  }
}
