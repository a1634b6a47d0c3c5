package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import orrery.kernels.Team;

/**
 * Runs the regions of a program share by share, in any order, one share wholly before the next one
 * begins. If a share needed what another one makes in the same region, or destroyed what another
 * one needs, some order shows it.
 */
public final class ShareByShare {
  private static final int MOST_SHARES = 5;

  private final Step step;
  private final List<Op> ops;
  private final Runnable prepare;
  private final Memory memory;
  private final int rows; // at the begin
  private final Map<Operand, int[]> begin;
  private final Map<Operand, int[]> expected;

  /**
   * Runs the ops one by one.
   *
   * @param step with working memory for five shares
   * @param prepare prepares the step, and what lies outside of it
   */
  public ShareByShare(Step step, List<Op> ops, Runnable prepare) {
    this.step = step;
    this.ops = ops;
    this.prepare = prepare;
    prepare.run();
    this.memory = new Memory(step, ops);
    this.begin = memory.state();
    this.rows = step.rows();
    ops.forEach(op -> op.run(step, 0, 1));
    this.expected = memory.state();
  }

  /**
   * Requires the bits of the ops, one by one, of the regions of the program; with the ops cut as
   * they were launched, by rows wherever possible, and as for three threads.
   *
   * @return how many regions the program has if it is cut by rows
   */
  public int requireTheSameBits() {
    Random random = new Random(7);
    List<List<Op>> cuts = List.of(ops, cut(rows, 1), cut(rows, 3));
    for (List<Op> cut : cuts) {
      List<Region> regions = Regions.of(cut);
      assertThat(regions.stream().mapToInt(r -> r.before.length + r.ops.length).sum())
          .as("ops in regions")
          .isEqualTo(ops.size());
      for (int shares = 1; shares <= MOST_SHARES; shares++) {
        List<Integer> order = new ArrayList<>();
        for (int s = 0; s < shares; s++) {
          order.addFirst(s);
        }
        if (shares > 2) {
          Collections.shuffle(order, random);
        }
        requireTheSameBits(
            regions, region -> inOrder(region, order), "shares in the order " + order);
      }
    }
    return Regions.of(cuts.get(1)).size();
  }

  private void inOrder(Region region, List<Integer> order) {
    for (int share : order) {
      for (Op op : region.ops) {
        op.run(step, share, order.size());
      }
    }
  }

  /**
   * Requires the bits of the ops, one by one, of the {@link Executor}, if every op takes so long
   * that there are more shares than threads.
   *
   * @param team of as many threads as the step has working memory for
   */
  public void requireTheSameBits(Team team) {
    Executor executor = new Executor(team);
    for (List<Op> cut : List.of(ops, cut(rows, 1))) {
      List<Op> costly = cut.stream().<Op>map(Costly::new).toList();
      requireTheSameBits(Regions.of(costly), region -> runSplit(executor, region), "long shares");
    }
  }

  /** What the caller does before is done already. */
  private void runSplit(Executor executor, Region region) {
    executor.run(new Region(List.of(), List.of(region.ops)), step);
  }

  /** An op that takes long. */
  private record Costly(Op op) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      op.run(step, share, shares);
    }

    @Override
    public List<Operand> reads() {
      return op.reads();
    }

    @Override
    public List<Operand> writes() {
      return op.writes();
    }

    @Override
    public long cost(Step step) {
      return 1L << 40;
    }

    @Override
    public RowCount rowwise() {
      return op.rowwise();
    }

    @Override
    public boolean serial() {
      return op.serial();
    }

    @Override
    public String line() {
      return op.line();
    }
  }

  private List<Op> cut(int rows, int threads) {
    return ops.stream().map(op -> op.cut(rows, threads)).toList();
  }

  private void requireTheSameBits(List<Region> regions, Consumer<Region> run, String how) {
    prepare.run();
    memory.restore(begin);
    for (Region region : regions) {
      for (Op op : region.before) {
        op.run(step, 0, 1);
      }
      run.accept(region);
    }
    Map<Operand, int[]> found = memory.state();
    for (Operand o : memory.operands()) {
      int[] bits = found.get(o);
      boolean same = Arrays.equals(bits, expected.get(o));
      boolean[] live = same ? new boolean[0] : memory.inUse(o);
      for (int i = 0; i < live.length; i++) {
        if (live[i] && bits[i] != expected.get(o)[i]) {
          throw new AssertionError(o + " has other bits at " + i + " with " + how);
        }
      }
    }
  }

  /**
   * Requires of each op that says so that its shares keep to their rows: a share changes no other
   * row of the buffers with this row count, and what it writes does not depend on other rows.
   *
   * @return how many ops said so
   */
  public int requireOwnRows() {
    int checked = 0;
    for (List<Op> cut : List.of(ops, cut(rows, 1))) {
      prepare.run();
      memory.restore(begin);
      for (Op op : cut) {
        if (op.rowwise() != null) {
          for (int share = 0; share < 3; share++) {
            requireOwnRows(op, share, 3);
          }
          checked++;
        }
        op.run(step, 0, 1);
      }
    }
    return checked;
  }

  private void requireOwnRows(Op op, int share, int shares) {
    final Map<Operand, int[]> before = memory.state();
    int rows = op.rowwise().of(step);
    int from = rows * share / shares;
    int to = rows * (share + 1) / shares;
    op.run(step, 0, 1);
    Map<Operand, int[]> whole = memory.state();
    memory.restore(before);
    for (Operand o : memory.operands()) {
      if (width(o, op.rowwise()) > 0) {
        memory.spoil(o, own(o, op.rowwise(), from, to), 1);
      }
    }
    Map<Operand, int[]> spoiled = memory.state();
    op.run(step, share, shares);
    Map<Operand, int[]> found = memory.state();
    memory.restore(before);
    for (Operand o : memory.operands()) {
      int width = width(o, op.rowwise());
      if (width > 0) {
        boolean[] live = memory.inUse(o);
        boolean[] own = own(o, op.rowwise(), from, to);
        for (int i = 0; i < live.length; i++) {
          int[] right = own[i] ? whole.get(o) : spoiled.get(o);
          if (live[i] && found.get(o)[i] != right[i]) {
            throw new AssertionError(
                op.line()
                    + ", share "
                    + share
                    + ": row "
                    + i / width
                    + " of "
                    + o
                    + (own[i] ? " depends on other rows" : " is not its own"));
          }
        }
      }
    }
  }

  /** Elements of a row, if the operand is a buffer with this row count; else 0. */
  private static int width(Operand o, RowCount rows) {
    return switch (o) {
      case Buffer b when b.rowCount() == rows -> b.stride;
      case IntBuffer b when b.rowCount() == rows -> b.cols;
      default -> 0;
    };
  }

  private boolean[] own(Operand o, RowCount rows, int from, int to) {
    boolean[] own = memory.inUse(o);
    int width = width(o, rows);
    for (int i = 0; i < own.length; i++) {
      own[i] &= i / width >= from && i / width < to;
    }
    return own;
  }
}
