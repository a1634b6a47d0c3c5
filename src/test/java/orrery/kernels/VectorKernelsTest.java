package orrery.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorKernelsTest extends KernelContract {
  private final Kernels kernels = new VectorKernels();

  @Override
  Kernels kernels() {
    return kernels;
  }

  @Test
  void theVectorWidthIsTheOneAskedFor() {
    int asked = Integer.getInteger("orrery.vector.bits", 0);
    int own = Math.clamp(FloatVector.SPECIES_PREFERRED.vectorBitSize(), 128, 512);
    assertThat(VectorKernels.bits()).isEqualTo(asked == 0 ? own : asked);
    System.out.println("kernels under test: " + kernels.name());
  }
}
