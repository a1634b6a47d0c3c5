package orrery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/**
 * Waits of tests whose length is no claim. A test must pass on a machine that is ten times slower,
 * and on one that stops a thread for seconds wherever it likes.
 */
public final class Patience {
  private static final Duration MOST = Duration.ofMinutes(2);

  private Patience() {}

  /** Waits for what another thread does. */
  public static void await(String what, BooleanSupplier holds) throws InterruptedException {
    long end = System.nanoTime() + MOST.toNanos();
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime() - end).as("not within %s: %s", MOST, what).isNegative();
      Thread.sleep(5);
    }
  }

  /** Something that must be over before a time is. */
  public interface Attempt {
    /**
     * Tries.
     *
     * @return whether it was in time
     */
    boolean inTime(Duration time) throws Exception;
  }

  /**
   * Tries with twice the time, again and again, until the machine was fast enough. So a test of a
   * deadline need not know how fast that is.
   */
  public static void grow(Duration first, Attempt attempt) throws Exception {
    Duration time = first;
    while (!attempt.inTime(time)) {
      time = time.multipliedBy(2);
      assertThat(time).as("time that is never enough").isLessThan(MOST);
    }
  }
}
