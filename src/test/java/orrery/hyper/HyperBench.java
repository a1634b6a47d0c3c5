package orrery.hyper;

import java.util.Arrays;
import java.util.Random;
import orrery.graph.Buffer;
import orrery.graph.Launcher;
import orrery.graph.Op;
import orrery.graph.Step;
import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.quantization.WeightFormat;

/** A random hyper-connection with its streams, and a head collapse of the same streams. */
final class HyperBench {
  static final int ITERATIONS = 20;
  static final float EPS = 1e-6f;

  final int n;
  final int d;
  final float[][] fn; // [(2 + n) · n][n · d]
  final float[][] headFn; // [n][n · d]
  final HyperConnection site;
  final HeadCollapse head;

  HyperBench(int n, int d, int iterations, long seed) {
    this.n = n;
    this.d = d;
    Random random = new Random(seed);
    fn = gaussians(random, (2 + n) * n, n * d, 1f / (float) Math.sqrt(n * d));
    headFn = gaussians(random, n, n * d, 1f / (float) Math.sqrt(n * d));
    float[] base = gaussians(random, 1, (2 + n) * n, 1f)[0];
    float[] scale = {0.9f, 1.3f, 1.7f};
    site = new HyperConnection(packed(fn), base, scale, n, d, iterations, EPS, EPS);
    head =
        new HeadCollapse(
            packed(headFn), gaussians(random, 1, n, 1f)[0], new float[] {1.1f}, n, d, EPS, EPS);
  }

  private static PackedMatrix packed(float[][] rows) {
    return PackedMatrix.of(WeightFormat.F32, rows);
  }

  static float[][] gaussians(Random random, int rows, int cols, float deviation) {
    float[][] x = new float[rows][cols];
    for (float[] row : x) {
      for (int i = 0; i < cols; i++) {
        row[i] = deviation * (float) random.nextGaussian();
      }
    }
    return x;
  }

  /** What a run leaves; all are [rows][…]. */
  record Result(
      float[][] y, float[][] pre, float[][] post, float[][] comb, float[][] x, float[][] h) {}

  /** Collapses the streams, expands {@code a} into them, and collapses for the head. */
  Result run(Kernels kernels, int shares, float[][] streams, float[][] a) {
    int rows = streams.length;
    Step step = new Step(rows, 1, shares, kernels);
    for (int r = 0; r < rows; r++) {
      step.add(0, r, 0, false);
    }
    final Launcher g =
        new Launcher() {
          @Override
          public void launch(Op op) {
            for (int share = shares - 1; share >= 0; share--) { // no share may need another one
              op.run(step, share, shares);
            }
          }
        };
    Buffer x = new Buffer("x", Step::rows, rows, n * d);
    Buffer y = new Buffer("y", Step::rows, rows, d);
    final Buffer h = new Buffer("h", Step::rows, rows, d);
    final Buffer out = new Buffer("out", Step::rows, rows, d);
    final HyperConnection.Space s = new HyperConnection.Space(Step::rows, rows, n);
    final HeadCollapse.Space headSpace = new HeadCollapse.Space(Step::rows, rows, n);
    put(streams, x);
    put(a, out);
    for (Buffer b : new Buffer[] {y, s.pre, s.post, s.comb, h}) {
      Arrays.fill(b.data, Float.NaN); // nothing may read what they held before
    }
    site.collapse(g, x, s, y);
    site.expand(g, out, x, s);
    head.run(g, x, headSpace, h);
    return new Result(
        rows(y, rows),
        rows(s.pre, rows),
        rows(s.post, rows),
        rows(s.comb, rows),
        rows(x, rows),
        rows(h, rows));
  }

  private static void put(float[][] rows, Buffer into) {
    for (int r = 0; r < rows.length; r++) {
      System.arraycopy(rows[r], 0, into.data, into.row(r), into.cols);
    }
  }

  private static float[][] rows(Buffer b, int rows) {
    float[][] copy = new float[rows][];
    for (int r = 0; r < rows; r++) {
      copy[r] = Arrays.copyOfRange(b.data, b.row(r), b.row(r) + b.cols);
    }
    return copy;
  }
}
