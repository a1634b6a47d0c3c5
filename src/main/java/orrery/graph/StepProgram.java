package orrery.graph;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A captured forward pass: ops in order, bound to their buffers, replayed without allocating.
 *
 * <p>It does what a CUDA graph does on a GPU: model code runs once, and every later step only walks
 * the recorded launches. The program contains no rows, positions, page tables or expert groups; ops
 * read them from the {@link Step}.
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

  /** The ops in the order in which they run. */
  public List<Op> ops() {
    return List.of(ops);
  }

  /** Number of ops. */
  public int size() {
    return ops.length;
  }

  /** One numbered line for each op. */
  public String listing() {
    return IntStream.range(0, ops.length)
        .mapToObj(i -> String.format("%3d  %s", i, ops[i].line()))
        .collect(Collectors.joining("\n"));
  }
}
