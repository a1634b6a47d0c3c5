package orrery.kernels;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What it costs to hand an empty task to a team and to wait for it, beside a bare barrier at which
 * all threads spin. The barrier cannot park, does not notice a thread that is not running, and
 * stops no thread on an error: it is what hand-overs could cost at best.
 *
 * <p>Say with {@code -p threads=2} how many threads; more than the machine has cores tell nothing.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(
    value = 1,
    jvmArgsAppend = {"-Xms512m", "-Xmx512m"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class HandOverBenchmark {
  @Param({"2", "4", "8", "16"})
  public int threads;

  private final Team.Task nothing = (share, shares) -> {};
  private Team team;
  private Barrier barrier;
  private Thread[] others;

  @Setup(Level.Iteration)
  public void start() {
    team = new Team(threads);
    barrier = new Barrier(threads);
    others = new Thread[threads - 1];
  }

  /** The others leave the barrier, and the team's workers park: neither disturbs the other. */
  @TearDown(Level.Iteration)
  public void stop() throws InterruptedException {
    if (others[0] != null) {
      barrier.closed = true;
      barrier.await();
      for (Thread other : others) {
        other.join();
      }
    }
    team.close();
  }

  /** A hand-over to all threads. */
  @Benchmark
  public void team() {
    team.run(nothing);
  }

  /** A hand-over to one of the threads, while the others look on. */
  @Benchmark
  public void teamOfTwoShares() {
    team.run(nothing, 2);
  }

  /** One meeting of all threads. */
  @Benchmark
  public void barrier() {
    if (others[0] == null) {
      for (int i = 0; i < others.length; i++) {
        others[i] = Thread.ofPlatform().daemon().start(this::meet);
      }
    }
    barrier.await();
  }

  private void meet() {
    while (!barrier.closed) {
      barrier.await();
    }
  }

  /**
   * A sense-reversing barrier ("Algorithms for Scalable Synchronization on Shared-Memory
   * Multiprocessors", Mellor-Crummey and Scott, 1991, §3.1): the last thread to come turns the
   * sense, for which the others wait.
   */
  private static final class Barrier {
    private static final int LINE = 32; // ints: two cache lines

    private final int threads;
    private final AtomicIntegerArray state =
        new AtomicIntegerArray(4 * LINE); // who is missing, and the sense
    volatile boolean closed;

    Barrier(int threads) {
      this.threads = threads;
      state.set(LINE, threads);
    }

    void await() {
      int sense = state.getAcquire(2 * LINE);
      if (state.decrementAndGet(LINE) == 0) {
        state.setPlain(LINE, threads);
        state.setRelease(2 * LINE, 1 - sense);
      } else {
        while (state.getAcquire(2 * LINE) == sense) {
          Thread.onSpinWait();
        }
      }
    }
  }
}
