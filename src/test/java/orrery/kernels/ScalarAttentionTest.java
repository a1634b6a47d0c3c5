package orrery.kernels;

class ScalarAttentionTest extends AttentionContract {
  private final Kernels kernels = new ScalarKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }
}
