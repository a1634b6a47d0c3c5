package orrery.kernels;

class ScalarKernelsTest extends KernelContract {
  private final Kernels kernels = new ScalarKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }
}
