package orrery.kernels;

import orrery.quantization.WeightFormat;

/** A matrix without weights, for counting what a model would take. */
final class MatrixShape extends PackedMatrix {
  MatrixShape(WeightFormat format, int out, int in) {
    super(format, out, in);
  }

  private UnsupportedOperationException noWeights() {
    return new UnsupportedOperationException(this + " is a shape: it has no weights");
  }

  @Override
  public long bytes() {
    throw noWeights();
  }

  @Override
  public float get(int o, int k) {
    throw noWeights();
  }

  @Override
  void decode(int panel, int from, int to, float[] into, int offset) {
    throw noWeights();
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
    throw noWeights();
  }
}
