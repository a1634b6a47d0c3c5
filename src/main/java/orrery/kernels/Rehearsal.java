package orrery.kernels;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import orrery.quantization.WeightFormat;

/**
 * Small products in vectors, computed while a large model is still being loaded, so that the JIT
 * has compiled the loops when the first step needs them. What they compute is thrown away.
 *
 * <p>A cold vector loop runs through the interpreter's boxed vectors, until C2 has compiled it. A
 * large matrix pays this for each of its weights: the loop is in its first call all the while. Many
 * calls on a small matrix are compiled in half a second.
 *
 * <p>What is compiled belongs to the process, so the rehearsal of a second model ends at once.
 */
public final class Rehearsal {
  /** Bytes of weights from which a rehearsal pays. */
  public static final long WORTH_IT = 64L << 20;

  private static final int INPUTS = 32;
  private static final int OUTPUTS = 64;
  private static final int[] ROWS = {6, 4, 2, 1}; // what loops of products take at a time

  /** Fast calls that make sure. A call is fast if a multiply-add takes less than a nanosecond. */
  private static final int IN_A_ROW = 3;

  /** Calls after which C2 knows of a loop: more would only take its processor. */
  private static final int ENOUGH = 900;

  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(2);
  private static final long MOST = TimeUnit.SECONDS.toNanos(3);

  private final Kernels kernels = new VectorKernels();
  private final Scratch scratch = new Scratch();
  private final float[] x = new float[ROWS[0] * INPUTS]; // [rows][in]
  private final float[] y = new float[ROWS[0] * OUTPUTS]; // [rows][out]
  private final long end = System.nanoTime() + MOST;

  private Rehearsal() {}

  /** No rehearsal: one that gave up. */
  public static CompletableFuture<Boolean> none() {
    return CompletableFuture.completedFuture(false);
  }

  /**
   * Begins a rehearsal in a thread of its own.
   *
   * @param formats the weights that there will be; formats with scales are not rehearsed
   * @return complete with true as soon as the loops are compiled, or with false when it gave up or
   *     failed; a step that needs the same loops then tells what is wrong
   */
  public static CompletableFuture<Boolean> of(Set<WeightFormat> formats) {
    if (!VectorModule.present()) {
      return none();
    }
    return CompletableFuture.supplyAsync(() -> new Rehearsal().all(formats), Rehearsal::run)
        .exceptionally(bug -> false);
  }

  private static void run(Runnable work) {
    Thread.ofPlatform().name("orrery-rehearsal").daemon(true).start(work);
  }

  private boolean all(Set<WeightFormat> formats) {
    List<Loop> loops = new ArrayList<>();
    for (WeightFormat format : formats) {
      if (format == WeightFormat.BF16 || format == WeightFormat.F32) {
        PackedMatrix w = PackedMatrix.pack(format, OUTPUTS, INPUTS, (row, into) -> {});
        for (int rows : ROWS) {
          loops.add(new Loop(w, rows));
        }
      }
    }
    boolean any = !loops.isEmpty();
    for (int round = 0; !loops.isEmpty() && System.nanoTime() < end; round++) {
      loops.removeIf(Loop::fast);
      if (round > ENOUGH) {
        LockSupport.parkNanos(PAUSE);
      }
    }
    return any && loops.isEmpty();
  }

  /** One loop of products, and how fast it is by now. */
  private final class Loop {
    private final PackedMatrix w;
    private final int rows;
    private int quick; // calls in a row

    Loop(PackedMatrix w, int rows) {
      this.w = w;
      this.rows = rows;
    }

    /** Calls the loop once; returns whether it has been compiled. */
    boolean fast() {
      long start = System.nanoTime();
      kernels.matmul(w, x, 0, INPUTS, rows, y, 0, OUTPUTS, 0, w.panels, scratch);
      long nanos = System.nanoTime() - start;
      quick = nanos < (long) rows * INPUTS * OUTPUTS ? quick + 1 : 0;
      return quick == IN_A_ROW;
    }
  }
}
