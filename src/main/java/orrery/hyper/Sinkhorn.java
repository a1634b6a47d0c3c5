package orrery.hyper;

import orrery.numerics.Elementary;

/**
 * Makes a matrix nearly doubly stochastic: positive, and the sum of every row and of every column
 * is 1. Dividing each row by its sum spoils the columns a little, and the other way round; done in
 * turns, both converge (Sinkhorn and Knopp, 1967).
 *
 * <pre>
 *   a = softmax of each row + eps;  columns
 *   (iterations − 1) times:  rows;  columns
 *
 *   rows:     a[j][k] /= Σ_k a[j][k] + eps
 *   columns:  a[j][k] /= Σ_j a[j][k] + eps
 * </pre>
 *
 * <p>Every sum is a plain chain of additions in increasing index, so a row of a step has the same
 * bits in any batch.
 */
final class Sinkhorn {
  private Sinkhorn() {}

  /**
   * Balances a matrix of logits in place.
   *
   * @param a [n][n] from {@code at}
   */
  static void balance(float[] a, int at, int n, int iterations, float eps) {
    for (int j = 0; j < n; j++) {
      softmax(a, at + j * n, n, eps);
    }
    columns(a, at, n, eps);
    for (int i = 1; i < iterations; i++) {
      rows(a, at, n, eps);
      columns(a, at, n, eps);
    }
  }

  private static void softmax(float[] a, int row, int n, float eps) {
    float max = Float.NEGATIVE_INFINITY;
    for (int k = row; k < row + n; k++) {
      max = Math.max(max, a[k]);
    }
    float sum = 0;
    for (int k = row; k < row + n; k++) {
      a[k] = Elementary.exp(a[k] - max);
      sum += a[k];
    }
    for (int k = row; k < row + n; k++) {
      a[k] = a[k] / sum + eps;
    }
  }

  private static void rows(float[] a, int at, int n, float eps) {
    for (int row = at; row < at + n * n; row += n) {
      float sum = 0;
      for (int k = row; k < row + n; k++) {
        sum += a[k];
      }
      for (int k = row; k < row + n; k++) {
        a[k] /= sum + eps;
      }
    }
  }

  private static void columns(float[] a, int at, int n, float eps) {
    for (int column = at; column < at + n; column++) {
      float sum = 0;
      for (int j = column; j < column + n * n; j += n) {
        sum += a[j];
      }
      for (int j = column; j < column + n * n; j += n) {
        a[j] /= sum + eps;
      }
    }
  }
}
