package orrery.kernels;

import orrery.quantization.WeightFormat;

/** Weights as they are. */
final class F32Matrix extends PackedMatrix {
  final float[] weights; // [panels][in][16]

  F32Matrix(int out, int in, RowSource source) {
    super(WeightFormat.F32, out, in);
    weights = new float[panels * PANEL * in];
    float[] row = new float[in]; // [in]
    for (int o = 0; o < out; o++) {
      source.row(o, row);
      for (int k = 0; k < in; k++) {
        weights[at(o, k)] = row[k];
      }
    }
  }

  @Override
  public long bytes() {
    return (long) Float.BYTES * weights.length;
  }

  @Override
  public float get(int o, int k) {
    return weights[at(o, k)];
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    int at = (panel * in + from) * PANEL;
    System.arraycopy(weights, at, into, offset, (to - from) * PANEL);
  }

  @Override
  void decodeInVectors(int panel, int from, int to, float[] into, int offset, Scratch scratch) {
    decode(panel, from, to, into, offset);
  }

  /** All inputs at once: there is nothing to decode. */
  @Override
  int partEnd(int k) {
    return in;
  }

  @Override
  float[] floats(int panel, int panels, int from, int to, Scratch scratch) {
    return weights;
  }

  @Override
  int floatsAt(int panel) {
    return panel * in * PANEL;
  }
}
