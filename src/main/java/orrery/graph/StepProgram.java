package orrery.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A captured forward pass: ops in order, bound to their buffers, replayed without allocating.
 *
 * <p>It does what a CUDA graph does on a GPU: model code runs once, and every later step only walks
 * the recorded launches. The program contains no rows, positions, page tables or expert groups; ops
 * read them from the {@link Step}.
 *
 * <p>Each op is handed over to the team on its own, until {@link #inRegions} puts them together.
 */
public final class StepProgram {
  private final List<Op> ops; // in launch order
  private final Region[] regions; // in the order in which they run

  StepProgram(List<Op> ops) {
    this(ops, ops.stream().map(Region::of).toList());
  }

  private StepProgram(List<Op> ops, List<Region> regions) {
    this.ops = List.copyOf(ops);
    this.regions = regions.toArray(Region[]::new);
  }

  /**
   * The same program with as few hand-overs as its ops allow.
   *
   * @param rows of the bucket: the most rows of its steps
   * @param threads of the team that will run it
   */
  public StepProgram inRegions(int rows, int threads) {
    if (threads == 1) {
      return this; // no hand-overs
    }
    List<Op> cut = ops.stream().map(op -> op.cut(rows, threads)).toList();
    return new StepProgram(cut, Regions.of(cut));
  }

  /** Replays the program on one step. */
  public void run(Executor executor, Step step) {
    for (Region region : regions) {
      executor.run(region, step);
    }
  }

  /** The ops in the order in which they run. */
  public List<Op> ops() {
    return ops;
  }

  /** Number of ops. */
  public int size() {
    return ops.size();
  }

  /** The regions, in the order in which they run. */
  List<Region> regions() {
    return List.of(regions);
  }

  /** How often a step hands work over to a team of so many threads, and waits for it. */
  public int handOvers(Step step, int threads) {
    int handOvers = 0;
    for (Region region : regions) {
      handOvers += Executor.shares(region.ops, step, threads) > 1 ? 1 : 0;
    }
    return handOvers;
  }

  /** One numbered line for each op, in launch order. */
  public String listing() {
    return IntStream.range(0, ops.size())
        .mapToObj(i -> line(i, ops.get(i)))
        .collect(Collectors.joining("\n"));
  }

  /**
   * One numbered line for each op, in the order in which they run on a team; and a line where work
   * is handed over, or where the calling thread goes on alone.
   */
  public String listing(Step step, int threads) {
    List<String> lines = new ArrayList<>();
    int number = 0;
    boolean alone = false;
    for (Region region : regions) {
      int shares = Executor.shares(region.ops, step, threads);
      if (shares == 1 || region.before.length > 0) {
        if (!alone) {
          lines.add("caller alone");
        }
        alone = true;
      }
      for (Op op : region.before) {
        lines.add(line(number++, op));
      }
      if (shares > 1) {
        String many = shares > threads ? ", " + shares + " shares" : "";
        lines.add(Math.min(shares, threads) + " threads" + many);
        alone = false;
      }
      for (Op op : region.ops) {
        lines.add(line(number++, op));
      }
    }
    return String.join("\n", lines);
  }

  private static String line(int number, Op op) {
    return String.format("%3d  %s", number, op.line());
  }
}
