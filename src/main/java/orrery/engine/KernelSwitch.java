package orrery.engine;

import orrery.engine.EngineOptions.KernelChoice;
import orrery.kernels.Kernels;
import orrery.kernels.ScalarKernels;
import orrery.kernels.VectorKernels;

/**
 * Which kernels compute the next step. A cold vector kernel runs through the interpreter's boxed
 * vectors until C2 has compiled it, which takes some 0.3 s; scalar loops are warm at once. So
 * {@code AUTO} computes the first step with scalar kernels if it is a small one: the first token is
 * out before the JIT has begun. Then it goes over to vector kernels, which compile on the job. That
 * is legal at any step because both give the same bits.
 *
 * <p>Compiling in the background while scalar kernels go on sounds better and measured worse on two
 * cores: the scalar steps take the compiler's processor, and 1,000 tokens took three times as long.
 */
final class KernelSwitch {
  /** Beyond so many rows even cold vector kernels are quicker: they compile within the step. */
  private static final int SMALL = 256;

  private final Kernels vector; // null if it is never asked for
  private final Kernels scalar = new ScalarKernels();
  private final KernelChoice choice;
  private boolean first = true;

  KernelSwitch(KernelChoice choice) {
    this.choice = choice;
    this.vector = choice == KernelChoice.SCALAR ? null : new VectorKernels();
  }

  /** The kernels for a step of so many rows. */
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
