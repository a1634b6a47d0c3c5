package orrery.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Records the ops of a forward pass instead of running them. */
public final class Capture extends Launcher {
  private final List<Op> ops = new ArrayList<>();

  private Capture() {}

  /** The program of the ops that {@code forward} launches. */
  public static StepProgram of(Consumer<Launcher> forward) {
    Capture capture = new Capture();
    forward.accept(capture);
    return new StepProgram(capture.ops);
  }

  @Override
  public void launch(Op op) {
    ops.add(op);
  }
}
