package orrery.lab;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Times variants of a job alternately, so that a change of the machine's speed hits all of them.
 *
 * <pre>
 *   warm up A B C … twice │ sample A B C … C B A … A B C …     each sample: ≥ 5 ms of calls
 * </pre>
 *
 * <p>On a shared machine a single figure is worth little; a ratio of two figures of one trial is
 * worth much. The result is the median over the rounds, with the quartiles as its spread.
 */
final class Trial {
  private static final double SAMPLE_SECONDS = 0.005;
  private static final int LEAST_ROUNDS = 7;

  private Trial() {}

  /** A job to time. */
  @FunctionalInterface
  interface Job {
    /** Does the job {@code calls} times and returns the seconds that count. */
    double seconds(int calls);

    /** A job of which the whole run counts. */
    static Job of(Runnable call) {
      return calls -> {
        long start = System.nanoTime();
        for (int i = 0; i < calls; i++) {
          call.run();
        }
        return (System.nanoTime() - start) / 1e9;
      };
    }
  }

  /**
   * A job with a name.
   *
   * @param work what one call does, in the unit that rates are wanted in
   */
  record Variant(String name, double work, Job job) {}

  /**
   * What a variant took.
   *
   * @param work of one call
   * @param seconds per call, ascending, [rounds]
   */
  record Timing(String name, double work, double[] seconds) {
    /** Seconds of a call. */
    double median() {
      return quantile(0.5);
    }

    /** Work per second. */
    double rate() {
      return work / median();
    }

    /** Work per second that three of four samples reach. */
    double lowRate() {
      return work / quantile(0.75);
    }

    /** Work per second that one of four samples reaches. */
    double highRate() {
      return work / quantile(0.25);
    }

    private double quantile(double q) {
      return seconds[(int) Math.round(q * (seconds.length - 1))];
    }
  }

  /**
   * Times all variants.
   *
   * @param seconds measuring time for each; warming up takes about half as much again
   */
  static List<Timing> run(List<Variant> variants, double seconds) {
    int n = variants.size();
    int[] calls = new int[n]; // [variant] calls of a sample
    for (int pass = 0; pass < 2; pass++) { // after the first pass C2 may compile once more
      for (int v = 0; v < n; v++) {
        calls[v] = warm(variants.get(v).job, Math.max(0.15, seconds / 4));
      }
    }
    List<List<Double>> samples = new ArrayList<>(); // [variant][round]
    variants.forEach(v -> samples.add(new ArrayList<>()));
    long end = System.nanoTime() + (long) (seconds * n * 1e9);
    for (int round = 0; round < LEAST_ROUNDS || System.nanoTime() < end; round++) {
      for (int i = 0; i < n; i++) {
        int v = round % 2 == 0 ? i : n - 1 - i; // there and back: drift favours no variant
        requireGoingOn();
        samples.get(v).add(variants.get(v).job.seconds(calls[v]) / calls[v]);
      }
    }
    List<Timing> timings = new ArrayList<>();
    for (int v = 0; v < n; v++) {
      double[] sorted = samples.get(v).stream().mapToDouble(d -> d).toArray();
      Arrays.sort(sorted);
      timings.add(new Timing(variants.get(v).name, variants.get(v).work, sorted));
    }
    return timings;
  }

  /**
   * Lets an interruption end the measuring, which takes seconds to minutes.
   *
   * @throws CancellationException if this thread was interrupted
   */
  static void requireGoingOn() {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("interrupted");
    }
  }

  /** Runs a job until it is compiled; returns the number of calls that fill a sample. */
  private static int warm(Job job, double seconds) {
    long start = System.nanoTime();
    double best = Double.MAX_VALUE; // seconds of a call
    int calls = 1;
    for (int i = 0; i < 3 || System.nanoTime() - start < seconds * 1e9; i++) {
      requireGoingOn();
      double took = job.seconds(calls);
      best = Math.min(best, took / calls);
      calls = took < SAMPLE_SECONDS / 4 ? calls * 2 : calls;
    }
    return (int) Math.max(1, Math.ceil(SAMPLE_SECONDS / best));
  }
}
