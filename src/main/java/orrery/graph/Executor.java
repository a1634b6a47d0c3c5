package orrery.graph;

import orrery.kernels.Team;
import orrery.kv.Arrival;

/**
 * Runs ops on a {@link Team}, or small ones on the calling thread alone. Allocates nothing.
 *
 * <p>A hand-over costs time that grows with the number of threads. So work is split into as many
 * shares as pay for themselves, and more threads in the team never make a step slower.
 */
public final class Executor implements Team.Task {
  /** What a hand-over to one thread takes, there and back. Measured: 230 to 560. */
  private static final int HAND_OVER_NANOS = 400;

  /**
   * What each further thread adds: 65 to an empty hand-over, measured with up to 16 threads, and
   * about as much again for the lines that it reads which other threads have just written.
   */
  private static final int THREAD_NANOS = 120;

  /** Multiply-adds in a nanosecond. Products of one row: 10 to 38; of many rows, 27 to 105. */
  private static final int WORK_A_NANO = 20;

  /**
   * From this time of a thread's share on, there are several shares for each thread, so that one
   * that is slower than the others does fewer. They cost some hundred nanoseconds each; and work
   * that changes threads from step to step leaves its weights in the wrong cache.
   */
  private static final int LONG_SHARE_NANOS = 150_000;

  private static final int SHARES_OF_THREAD = 4;

  /** Fewer rows than these in a share would read the weights of its products too often. */
  private static final int ROWS_OF_SMALL_SHARE = 32;

  /** In place of the index of a stream. */
  static final int NO_STREAM = -1;

  private final Team team;
  private final Op[] one = new Op[1];
  private Op[] ops; // of the task at hand
  private Step step;

  /** Runs ops on the threads of a team. */
  public Executor(Team team) {
    this.team = team;
  }

  /** Threads at work. */
  public int threads() {
    return team.size();
  }

  /** About how long it takes to hand work over to a number of threads, and to wait for them. */
  static int handOverNanos(int threads) {
    return threads == 1 ? 0 : HAND_OVER_NANOS + (threads - 2) * THREAD_NANOS;
  }

  /**
   * In how many shares work should be split. n shares take the work's time / n, and n times what a
   * thread costs; that is least at the root of the quotient.
   *
   * @param cost multiply-adds
   * @param threads that there are
   */
  public static int shares(long cost, int threads) {
    long alone = cost / WORK_A_NANO;
    if (threads == 1 || alone / 2 < HAND_OVER_NANOS) {
      return 1;
    }
    return Math.clamp((long) Math.sqrt((double) alone / THREAD_NANOS), 2, threads);
  }

  /**
   * In how many shares ops should be split that run one behind the other. If all of them are cut by
   * rows, a share without a row would have nothing to do.
   */
  static int shares(Op[] ops, Step step, int threads) {
    if (ops.length == 0 || threads == 1) {
      return 1;
    }
    long cost = 0;
    int rows = 1;
    boolean rowwise = true;
    boolean fine = true;
    for (Op op : ops) {
      cost += op.cost(step);
      RowCount count = op.rowwise();
      rowwise &= count != null;
      fine &= op.fine();
      rows = rowwise ? Math.max(rows, count.of(step)) : rows;
    }
    int shares = shares(cost, threads);
    if (fine && shares == threads) {
      shares *= sharesOfThread(cost, threads);
    }
    return rowwise ? Math.min(shares, sharesOfRows(rows, threads)) : shares;
  }

  private static int sharesOfThread(long cost, int threads) {
    return cost / WORK_A_NANO / threads < LONG_SHARE_NANOS
        ? 1
        : Math.min(SHARES_OF_THREAD, Team.MOST_SHARES / threads);
  }

  /** A multiple of the threads: three equal shares would take two threads as long as four. */
  private static int sharesOfRows(int rows, int threads) {
    int each = Math.max(1, rows / ROWS_OF_SMALL_SHARE / threads);
    return Math.min(rows, threads * each);
  }

  /** The highest index of a stream whose rows an op reads, or {@link #NO_STREAM}. */
  static int streamRead(Op op) {
    int highest = NO_STREAM;
    for (Operand o : op.reads()) {
      highest = o instanceof StreamRows s ? Math.max(highest, s.stream()) : highest;
    }
    return highest;
  }

  /**
   * Waits until the rows are there that ops read. The calling thread does it before it hands over,
   * so that the others wait for a task as always.
   */
  private static void await(int stream, Step step) {
    if (stream != NO_STREAM) {
      step.arrival().await(stream);
    }
  }

  /** Runs one op to its end. */
  public void run(Op op, Step step) {
    if (step.arrival() != Arrival.COMPLETE) { // else an op need not be asked what it reads
      await(streamRead(op), step);
    }
    if (op.serial()) {
      op.run(step, 0, 1);
      return;
    }
    one[0] = op;
    run(one, step, shares(one, step, team.size()));
  }

  /** Runs a region to its end. */
  void run(Region region, Step step) {
    await(region.stream, step);
    for (Op op : region.before) {
      op.run(step, 0, 1);
    }
    if (region.ops.length > 0) {
      run(region.ops, step, shares(region.ops, step, team.size()));
    }
  }

  private void run(Op[] ops, Step step, int shares) {
    this.ops = ops;
    this.step = step;
    if (shares == 1) {
      run(0, 1);
    } else {
      team.run(this, shares);
    }
  }

  @Override
  public void taken(int share, int thread) {
    step.taken(share, thread);
  }

  @Override
  public void run(int share, int shares) {
    for (Op op : ops) {
      op.run(step, share, shares);
    }
  }
}
