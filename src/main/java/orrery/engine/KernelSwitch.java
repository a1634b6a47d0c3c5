package orrery.engine;

import orrery.engine.EngineOptions.KernelChoice;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/**
 * Which kernels compute the next step. A cold vector kernel runs through the interpreter's boxed
 * vectors until C2 has compiled it, which takes some 0.3 s; scalar loops are warm at once. So
 * {@code AUTO} computes the first step with scalar kernels if it is small, and the first token does
 * not wait for the JIT. Later steps use vector kernels, which are compiled while they run. The
 * kernels may change at any step because both give the same bits.
 *
 * <p>One could also go on with scalar kernels and compile the vector kernels in the background. On
 * two cores this measured worse: the scalar steps take processor time from the compiler, and 1,000
 * tokens took three times as long.
 */
final class KernelSwitch {
  /**
   * With more rows than this, even cold vector kernels are faster: they are compiled within the
   * step.
   */
  private static final int SMALL = 256;

  private final Kernels vector; // null with SCALAR
  private final Kernels scalar = new ScalarKernels();
  private final KernelChoice choice;
  private boolean first = true;

  KernelSwitch(KernelChoice choice) {
    this.choice = choice;
    this.vector = choice == KernelChoice.SCALAR ? null : new VectorKernels();
  }

  /** Returns the kernels for the next step. */
  Kernels next(int rows) {
    boolean begins = first;
    first = false;
    return switch (choice) {
      case SCALAR -> scalar;
      case VECTOR -> vector;
      case AUTO -> begins && rows <= SMALL ? scalar : vector;
    };
  }
}
