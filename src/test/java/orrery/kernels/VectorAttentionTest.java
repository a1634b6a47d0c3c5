package orrery.kernels;

class VectorAttentionTest extends AttentionContract {
  private final Kernels kernels = new VectorKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }
}
