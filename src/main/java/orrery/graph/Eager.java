package orrery.graph;

/** Runs each op at once, as PyTorch does without a captured graph. */
public class Eager extends Launcher {
  private final Executor executor;
  private final Step step;

  /** Runs ops on one step; tests and watchers may extend it. */
  public Eager(Executor executor, Step step) {
    this.executor = executor;
    this.step = step;
  }

  protected final Step step() {
    return step;
  }

  @Override
  public final void launch(Op op) {
    executor.run(op, step);
  }
}
