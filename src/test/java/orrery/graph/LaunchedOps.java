package orrery.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The ops that a program launches, for tests that look at each of them. */
public final class LaunchedOps {
  private LaunchedOps() {}

  /** The ops in launch order; none of them runs. */
  public static List<Op> of(Consumer<Launcher> program) {
    List<Op> ops = new ArrayList<>();
    program.accept(
        new Launcher() {
          @Override
          public void launch(Op op) {
            ops.add(op);
          }
        });
    return ops;
  }
}
