package orrery.moe;

import orrery.kernels.PackedMatrix;

/**
 * Cuts the products of all experts into shares of equal work. A panel of an expert with n rows
 * weighs n. Shares take panels in order, expert by expert, so that a share has whole experts where
 * it can, and idle experts cost nothing.
 */
final class ExpertShares {
  private ExpertShares() {}

  /**
   * The first panel of an expert that belongs to a share or to one behind it.
   *
   * @param before assignments of the experts before this one
   * @param rows assignments of this one
   * @param all assignments of all experts
   */
  static int from(PackedMatrix w, int before, int rows, int all, int share, int shares) {
    long begin = (long) all * w.panels * share / shares - (long) before * w.panels;
    return (int) Math.clamp(Math.ceilDiv(begin, rows), 0, w.panels);
  }
}
