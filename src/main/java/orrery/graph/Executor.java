package orrery.graph;

import orrery.kernels.Team;

/** Runs ops on a {@link Team}; small ones on the calling thread alone. Allocates nothing. */
public final class Executor implements Team.Task {
  /**
   * A hand-over to another core and back takes about a microsecond, the time of some 10,000
   * multiply-adds.
   */
  private static final long WORTH_SPLITTING = 16_000;

  private final Team team;
  private Op op;
  private Step step;

  /** Runs ops on the threads of a team. */
  public Executor(Team team) {
    this.team = team;
  }

  /** Threads at work. */
  public int threads() {
    return team.size();
  }

  /** Whether an op is handed over to the team. */
  public boolean splits(Op op, Step step) {
    return team.size() > 1 && op.cost(step) >= WORTH_SPLITTING;
  }

  /** Runs one op to its end. */
  public void run(Op op, Step step) {
    if (!splits(op, step)) {
      op.run(step, 0, 1);
      return;
    }
    this.op = op;
    this.step = step;
    team.run(this);
  }

  @Override
  public void run(int share, int shares) {
    op.run(step, share, shares);
  }
}
