package orrery.kernels;

import java.util.Arrays;
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
  public void row(int o, float[] into, int offset) {
    int at = at(o, 0);
    for (int k = 0; k < in; k++) {
      into[offset + k] = weights[at + k * PANEL];
    }
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    int at = (panel * in + from) * PANEL;
    System.arraycopy(weights, at, into, offset, (to - from) * PANEL);
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
    for (int row = 0; row < rows; row++) {
      int at = yOff + row * yStride;
      Arrays.fill(y, at + panelFrom * PANEL, at + panelTo * PANEL, 0f);
    }
    int together = F32Loops.panelsTogether(rows, panelTo - panelFrom);
    for (int p = panelFrom; p < panelTo; p += together) {
      int panels = Math.min(together, panelTo - p);
      int wOff = p * in * PANEL;
      F32Loops.add(weights, wOff, in, x, xOff, xStride, rows, y, yOff + p * PANEL, yStride, panels);
    }
  }
}
