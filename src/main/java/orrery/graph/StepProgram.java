package orrery.graph;

import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A captured forward pass: ops in order, bound to their buffers, replayed without allocating.
 *
 * <p>What a CUDA graph is to a GPU: the model code ran once, and every later step only walks the
 * recorded launches. Rows, positions, page tables and expert groups are not in it; ops read them
 * from the {@link Step}.
 */
public final class StepProgram {
  private final Op[] ops; // [ops] in launch order

  StepProgram(Op[] ops) {
    this.ops = ops;
  }

  /** Replays the program on one step. */
  public void run(Executor executor, Step step) {
    for (Op op : ops) {
      executor.run(op, step);
    }
  }

  /** Number of ops. */
  public int size() {
    return ops.length;
  }

  /** One numbered line an op. */
  public String listing() {
    return IntStream.range(0, ops.length)
        .mapToObj(i -> String.format("%3d  %s", i, ops[i].line()))
        .collect(Collectors.joining("\n"));
  }
}
