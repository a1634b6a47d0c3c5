package orrery.lab;

import orrery.kernels.Kernels;
import orrery.kernels.PackedMatrix;
import orrery.kernels.Scratch;
import orrery.kernels.Team;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A matrix product to be timed: the same call, split the same way, as the op {@code
 * orrery.graph.MatMul} makes.
 */
final class Product {
  private final Kernels kernels;
  private final PackedMatrix w;
  private final int rows;
  private final float[] x; // [rows][in]
  private final float[] y; // [rows][16 · panels]
  private final Scratch[] scratch; // [threads]
  private final Team team;
  private final Team.Task task = this::share; // made once: a call allocates nothing

  Product(Kernels kernels, PackedMatrix w, int rows, Team team) {
    this.kernels = kernels;
    this.w = w;
    this.rows = rows;
    this.team = team;
    this.x = new float[rows * w.in];
    this.y = new float[rows * w.panels * PackedMatrix.PANEL];
    this.scratch = new Scratch[team.size()];
    for (int i = 0; i < scratch.length; i++) {
      scratch[i] = new Scratch();
    }
    for (int i = 0; i < x.length; i++) {
      x[i] = value(i);
    }
  }

  private void share(int share, int shares) {
    int from = w.panels * share / shares;
    int to = w.panels * (share + 1) / shares;
    if (from < to) {
      int stride = w.panels * PackedMatrix.PANEL;
      kernels.matmul(w, x, 0, w.in, rows, y, 0, stride, from, to, scratch[share]);
    }
  }

  /** A variant with its rate in GFLOP/s. */
  Trial.Variant byFlops(String name) {
    return new Trial.Variant(name, flops() / 1e9, Trial.Job.of(() -> team.run(task)));
  }

  /** A variant with its rate in GB/s of weights. */
  Trial.Variant byBytes(String name) {
    return new Trial.Variant(name, w.bytes() / 1e9, Trial.Job.of(() -> team.run(task)));
  }

  /** Operations of a call: two for each weight and row. */
  double flops() {
    return 2.0 * rows * w.in * w.out;
  }

  /** A matrix of numbers that look random; those of floats in [−1, 1). */
  static PackedMatrix matrix(WeightFormat format, int out, int in) {
    if (format.scales() != Scales.NONE) {
      return PackedMatrix.pack(new CodedSample(format, out, in));
    }
    return PackedMatrix.pack(
        format,
        out,
        in,
        (row, into) -> {
          for (int k = 0; k < in; k++) {
            float v = value((long) row * in + k);
            into[k] = Float.intBitsToFloat(Float.floatToRawIntBits(v) & 0xFFFF0000);
          }
        });
  }

  /** A number in [−1, 1) that looks random; no two neighbours alike. */
  static float value(long i) {
    return (i * 0x9E3779B97F4A7C15L >> 40) * 0x1p-23f;
  }
}
