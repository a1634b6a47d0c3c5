package orrery.lab;

import java.util.List;

/**
 * Rows against speed on one core, with the two ceilings that bound it: arithmetic, and reads from
 * memory, which grow with the rows because all rows share one pass over the weights.
 *
 * <p>"Roofline: an insightful visual performance model", Williams, Waterman and Patterson, 2009.
 * Its x axis is operations per byte; here that is rows, for a given weight format.
 *
 * @param machine name of the machine, for the heading
 * @param gflops ceiling of arithmetic
 * @param gigabytes ceiling of reads from memory, GB/s
 * @param curves the speed of products
 */
public record Roofline(String machine, double gflops, double gigabytes, List<Curve> curves) {
  public Roofline {
    curves = List.copyOf(curves);
  }

  /**
   * Products of one weight format and place.
   *
   * @param format of the weights, for the legend
   * @param bitsPerWeight of the format, scales included
   * @param fromMemory whether the weights are too large for any cache
   * @param points by increasing rows
   */
  public record Curve(String format, double bitsPerWeight, boolean fromMemory, List<Point> points) {
    public Curve {
      points = List.copyOf(points);
    }
  }

  /** GFLOP/s of a product of {@code rows} rows. */
  public record Point(int rows, double gflops) {}

  /** The most that reading weights from memory allows, GFLOP/s. */
  public double memoryBound(int rows, double bitsPerWeight) {
    return 16.0 * rows * gigabytes / bitsPerWeight;
  }
}
