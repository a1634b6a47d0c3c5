package orrery.graph;

import orrery.kernels.PackedMatrix;

/**
 * The methods that model code calls. Model code reads like its paper and calls them in order; it
 * does not know whether an op runs at once ({@link Eager}) or is recorded ({@link Capture}).
 */
public abstract class Launcher {
  /** Runs or records an op. */
  public abstract void launch(Op op);

  /**
   * Names a buffer at this point of the forward pass. A launcher that watches buffers overrides
   * this method; for the others it does nothing.
   */
  public void tap(String name, Buffer buffer) {}

  /** As {@link #tap(String, Buffer)}, for integers. */
  public void tap(String name, IntBuffer buffer) {}

  /** x[r] = embedding row of the token of row r. */
  public final void embed(PackedMatrix embedding, Buffer x) {
    launch(new Embed(embedding, x));
  }

  /** y[r] = W · x[r]. */
  public final void matmul(Buffer x, PackedMatrix w, Buffer y) {
    launch(new MatMul(x, w, y));
  }

  /** y[r] = W_g · x_g for each group g of columns of x[r], one after the other. */
  public final void matmul(Buffer x, PackedMatrix[] w, Buffer y) {
    launch(new GroupedMatMul(x, w, y));
  }

  /** y[r] += bias, for every row. */
  public final void addBias(Buffer y, float[] bias) {
    launch(new AddBias(y, bias));
  }

  /** y[r] = rmsNorm(x[r]) · weight. */
  public final void rmsNorm(Buffer x, float[] weight, float eps, Buffer y) {
    launch(new RmsNorm(x, weight, eps, y, 1));
  }

  /** Norms each of the heads of every row on its own, in place. */
  public final void headNorm(Buffer x, float[] weight, float eps, int heads) {
    launch(new RmsNorm(x, weight, eps, x, heads));
  }

  /** As {@link #headNorm(Buffer, float[], float, int)}, with the result in y. */
  public final void headNorm(Buffer x, float[] weight, float eps, int heads, Buffer y) {
    launch(new RmsNorm(x, weight, eps, y, heads));
  }

  /**
   * y = silu(gate) · up; with a limit above 0, gate is at most the limit, and up within ± the
   * limit.
   */
  public final void swiglu(Buffer gate, Buffer up, float limit, Buffer y) {
    launch(new SwiGlu(gate, up, limit, y));
  }

  /** y += x. */
  public final void add(Buffer x, Buffer y) {
    launch(new Add(x, y));
  }

  /** y[r] = a[r] followed by b[r]. */
  public final void concat(Buffer a, Buffer b, Buffer y) {
    launch(new Concat(a, b, y));
  }

  /** y[i] = x[r], where r is the i-th row that wants logits. */
  public final void logitRows(Buffer x, Buffer y) {
    launch(new LogitRows(x, y));
  }
}
