package orrery.kernels;

class VectorLatentKernelsTest extends LatentKernelContract {
  private final Kernels kernels = new VectorKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }
}
