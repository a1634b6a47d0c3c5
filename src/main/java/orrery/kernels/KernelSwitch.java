package orrery.kernels;

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
public final class KernelSwitch {
  /**
   * With more rows than this, even cold vector kernels are faster: they are compiled within the
   * step.
   */
  private static final int SMALL = 256;

  private final Kernels vector; // null with SCALAR
  private final Kernels scalar = new ScalarKernels();
  private final KernelSet set;
  private boolean first = true;

  public KernelSwitch(KernelSet set) {
    this.set = set;
    this.vector = set == KernelSet.SCALAR ? null : new VectorKernels();
  }

  /**
   * Returns the kernels for the next step.
   *
   * @param rows of that step
   */
  public Kernels next(int rows) {
    boolean begins = first;
    first = false;
    return switch (set) {
      case SCALAR -> scalar;
      case VECTOR -> vector;
      case AUTO -> begins && rows <= SMALL ? scalar : vector;
    };
  }
}
