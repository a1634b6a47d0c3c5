package orrery.hyper;

import java.util.Locale;
import java.util.Random;

/**
 * What many mixings in a row do to the streams: the product of one random 4x4 matrix per sublayer,
 * free, with the softmax of its rows only, and balanced by {@link Sinkhorn}.
 *
 * <p>{@code mvn -q test-compile exec:exec@experiment -Dexperiment=orrery.hyper.MixingExperiment};
 * an argument is the seed of the matrices.
 */
public final class MixingExperiment {
  private static final int N = 4;
  private static final int TRIALS = 200;
  private static final int[] SUBLAYERS = {1, 10, 40, 122}; // 122: the 61 layers of V4-Pro

  /** Makes the mixing matrix [n][n] of a sublayer from random logits. */
  private interface Way {
    void matrix(float[] a);
  }

  private MixingExperiment() {}

  /** One without logits: each stream stays, and a little of each other is added. */
  private static void free(float[] a) {
    for (int j = 0; j < N; j++) {
      for (int k = 0; k < N; k++) {
        a[j * N + k] = (j == k ? 1f : 0f) + 0.1f * a[j * N + k];
      }
    }
  }

  /** Rows only: the sums of the columns are left as they come. */
  private static void rowsOnly(float[] a) {
    for (int j = 0; j < N; j++) {
      double sum = 0;
      for (int k = 0; k < N; k++) {
        sum += StrictMath.exp(a[j * N + k]);
      }
      for (int k = 0; k < N; k++) {
        a[j * N + k] = (float) (StrictMath.exp(a[j * N + k]) / sum);
      }
    }
  }

  /** The product of random mixing matrices, [n][n]; stream k of the result takes column k. */
  private static double[][] product(Random random, int sublayers, Way way) {
    double[][] product = new double[N][N];
    for (int i = 0; i < N; i++) {
      product[i][i] = 1;
    }
    float[] a = new float[N * N];
    for (int l = 0; l < sublayers; l++) {
      for (int i = 0; i < a.length; i++) {
        a[i] = (float) random.nextGaussian();
      }
      way.matrix(a);
      double[][] next = new double[N][N];
      for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
          for (int k = 0; k < N; k++) {
            next[i][k] += product[i][j] * a[j * N + k];
          }
        }
      }
      product = next;
    }
    return product;
  }

  /** The largest sum of magnitudes in a column or in a row. */
  private static double largest(double[][] product, boolean columns) {
    double most = 0;
    for (int i = 0; i < N; i++) {
      double sum = 0;
      for (int j = 0; j < N; j++) {
        sum += Math.abs(columns ? product[j][i] : product[i][j]);
      }
      most = Math.max(most, sum);
    }
    return most;
  }

  private static void line(String name, long seed, Way way) {
    StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-24s", name));
    for (int sublayers : SUBLAYERS) {
      Random random = new Random(seed);
      double into = 0;
      double from = 0;
      for (int t = 0; t < TRIALS; t++) {
        double[][] product = product(random, sublayers, way);
        into += largest(product, true) / TRIALS;
        from += largest(product, false) / TRIALS;
      }
      line.append(String.format(Locale.ROOT, "  %5.2f %5.2f", into, from));
    }
    System.out.println(line);
  }

  /**
   * Prints two gains for each way and number of sublayers: how large a value can become if all
   * streams are ±1 at first (the largest column), and how much of a stream's first value is in all
   * streams together at last (the largest row; gradients flow back with this gain).
   */
  public static void main(String[] args) {
    long seed = args.length > 0 ? Long.parseLong(args[0]) : 1;
    System.out.println("largest gain into and from a stream, " + TRIALS + " trials, seed " + seed);
    StringBuilder head = new StringBuilder(String.format("%-24s", "sublayers"));
    for (int sublayers : SUBLAYERS) {
      head.append(String.format("  %11d", sublayers));
    }
    System.out.println(head);
    line("free: 1 + 0.1 noise", seed, MixingExperiment::free);
    line("softmax of the rows", seed, MixingExperiment::rowsOnly);
    for (int iterations : new int[] {1, 3, 20}) {
      line(
          "Sinkhorn, " + iterations + " iterations",
          seed,
          a -> Sinkhorn.balance(a, 0, N, iterations, 1e-6f));
    }
  }
}
