package orrery.kernels;

class ScalarLatentKernelsTest extends LatentKernelContract {
  private final Kernels kernels = new ScalarKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }
}
