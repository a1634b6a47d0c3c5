package orrery.lab;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import orrery.sampling.KeyedRandom;

/** Draws workloads: the same seed gives the same requests, on every machine. */
final class Draw {
  private static final double SIGMA = 1; // of the logarithm of answer lengths

  private final long seed;
  private final int vocab;
  private int drawn;

  Draw(long seed, int vocab) {
    this.seed = seed;
    this.vocab = vocab;
  }

  /** In [0, 1). */
  double uniform() {
    return KeyedRandom.uniform(seed, 0, drawn++, KeyedRandom.SAMPLE);
  }

  /** From {@code low} to {@code high}, both included. */
  int between(int low, int high) {
    return low + (int) (uniform() * (high - low + 1));
  }

  /** Random token ids. */
  int[] tokens(int n) {
    int[] ids = new int[n];
    for (int i = 0; i < n; i++) {
      ids[i] = between(0, vocab - 1);
    }
    return ids;
  }

  /** A prefix with random ids behind it. */
  int[] behind(int[] prefix, int n) {
    int[] ids = java.util.Arrays.copyOf(prefix, prefix.length + n);
    System.arraycopy(tokens(n), 0, ids, prefix.length, n);
    return ids;
  }

  /**
   * A log-normal length: most are short, a few are very long. Lengths beyond {@code most} are drawn
   * again; the mean of what remains is a little below {@code mean}.
   */
  int logNormal(double mean, int most) {
    while (true) {
      double normal = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
      long length = Math.round(Math.exp(Math.log(mean) - SIGMA * SIGMA / 2 + SIGMA * normal));
      if (length <= most) {
        return (int) Math.max(1, length);
      }
    }
  }

  /** A rank in [0, n), rank r with a probability in proportion to 1 / (r + 1) (Zipf's law). */
  int zipf(int n) {
    double total = 0;
    for (int r = 0; r < n; r++) {
      total += 1.0 / (r + 1);
    }
    double left = uniform() * total;
    for (int r = 0; r < n; r++) {
      left -= 1.0 / (r + 1);
      if (left < 0) {
        return r;
      }
    }
    return n - 1;
  }

  /** Jobs with random prompts and log-normal answers. */
  List<Job> jobs(int n, int shortest, int longest, double mean, int most) {
    List<Job> jobs = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      jobs.add(new Job(tokens(between(shortest, longest)), logNormal(mean, most), most));
    }
    return Collections.unmodifiableList(jobs);
  }

  /** Mean, median and longest answer of a workload, in words. */
  static String lengths(List<Job> jobs) {
    int[] sorted = jobs.stream().mapToInt(Job::length).sorted().toArray();
    double prompts = jobs.stream().mapToInt(j -> j.prompt().length).average().orElseThrow();
    return String.format(
        java.util.Locale.ROOT,
        "%d requests, prompts of %.0f tokens on average, answers: mean %.0f, median %d, longest %d"
            + ", max_tokens %d",
        jobs.size(),
        prompts,
        java.util.Arrays.stream(sorted).average().orElseThrow(),
        sorted[sorted.length / 2],
        sorted[sorted.length - 1],
        jobs.stream().mapToInt(Job::limit).max().orElseThrow());
  }
}
