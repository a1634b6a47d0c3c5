package orrery.kernels;

import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Which kernels compute the next step. A cold vector kernel runs through the interpreter's boxed
 * vectors until C2 has compiled it, which takes some 0.3 s; scalar loops are warm at once. So
 * {@code AUTO} begins the first step with scalar kernels if it is small, and the first token does
 * not wait for the JIT. Later steps use vector kernels, which are compiled while they run. The
 * kernels may change at any op because both give the same bits.
 *
 * <p>How long a step takes in scalar loops depends on rows times weights. A large model is loaded
 * so slowly that a {@link Rehearsal} can compile the vector kernels meanwhile: a small first step
 * goes over to them as soon as they are ready, if need be in its middle.
 *
 * <p>One could also go on with scalar kernels and compile the vector kernels in the background. On
 * two cores this measured worse: the scalar steps take processor time from the compiler, and 1,000
 * tokens took three times as long.
 */
public final class KernelSwitch {
  /** Multiply-adds of scalar loops in the time in which C2 compiles the vector kernels. */
  private static final double SMALL = 4.5e8;

  /**
   * The same for each weight: until a product's loop is compiled, boxed vectors multiply a weight
   * in about the time in which the scalar loop multiplies it by so many rows.
   */
  private static final double ROWS = 27;

  private final Kernels vector; // null with SCALAR
  private final Kernels scalar = new ScalarKernels();
  private final KernelSet set;
  private final long weights;
  private final CompletableFuture<Boolean> rehearsal;
  private boolean first = true;

  /**
   * @param weights that one row is multiplied with
   * @param rehearsal of the model's products ({@link Rehearsal#of})
   */
  public KernelSwitch(KernelSet set, long weights, CompletableFuture<Boolean> rehearsal) {
    this.set = set;
    this.vector = set == KernelSet.SCALAR ? null : new VectorKernels();
    this.weights = weights;
    this.rehearsal = rehearsal;
  }

  /**
   * Chooses the kernels for the next step.
   *
   * @param rows of that step
   * @param use takes the kernels; in the first step maybe twice, then also from another thread
   */
  public void next(int rows, Consumer<Kernels> use) {
    boolean begins = first;
    first = false;
    switch (set) {
      case SCALAR -> use.accept(scalar);
      case VECTOR -> use.accept(vector);
      case AUTO -> {
        boolean cold = begins && !(rehearsal.isDone() && rehearsal.join());
        if (!cold || !small(rows)) {
          use.accept(vector);
          return;
        }
        use.accept(scalar);
        rehearsal.thenAccept(
            ready -> {
              if (ready) {
                use.accept(vector);
              }
            });
      }
    }
  }

  private boolean small(int rows) {
    return (double) rows * weights <= SMALL + ROWS * weights;
  }
}
