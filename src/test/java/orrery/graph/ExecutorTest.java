package orrery.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import orrery.kernels.ScalarKernels;
import orrery.kernels.Team;

class ExecutorTest {
  /** An op that takes long and counts how often each share is done. */
  private record LongOp(AtomicIntegerArray runs) implements Op {
    @Override
    public void run(Step step, int share, int shares) {
      assertThat(shares).isEqualTo(runs.length());
      assertThat(step.threadOf(share)).isBetween(0, step.threads() - 1);
      step.scratch(share).numbers(8)[0] = share;
      runs.incrementAndGet(share);
    }

    @Override
    public List<Operand> reads() {
      return List.of();
    }

    @Override
    public List<Operand> writes() {
      return List.of();
    }

    @Override
    public long cost(Step step) {
      return 1L << 40;
    }

    @Override
    public String line() {
      return "long";
    }
  }

  @Test
  void eachShareOfALongOpIsDoneOnceWithTheWorkingMemoryOfItsThread() {
    Step step = new Step(1, 1, 2, new ScalarKernels());
    step.add(0, 0, 0, false);
    try (Team team = new Team(2)) {
      Executor executor = new Executor(team);
      for (int i = 0; i < 1000; i++) {
        AtomicIntegerArray runs = new AtomicIntegerArray(8);
        executor.run(new LongOp(runs), step);
        for (int share = 0; share < 8; share++) {
          assertThat(runs.get(share)).as("share %d", share).isOne();
        }
      }
    }
  }
}
