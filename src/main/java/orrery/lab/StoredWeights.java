package orrery.lab;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import orrery.checkpoint.Checkpoint;
import orrery.checkpoint.DType;
import orrery.checkpoint.TensorInfo;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A way to store weights, and how much of them it loses.
 *
 * @param name for tables
 * @param quantizer format and rule
 */
record StoredWeights(String name, BlockQuantizer quantizer) {
  /** How many times as large as the largest weight an outlier is. */
  static final int OUTLIER = 100;

  /**
   * The root mean square error, as a share of the root mean square weight.
   *
   * @param plain of the weights as they are
   * @param outlier of all other weights, if one in the middle of each matrix is {@link #OUTLIER}
   *     times the largest
   */
  record Loss(double plain, double outlier) {}

  /**
   * A matrix of floats.
   *
   * @param weights [out][in]
   */
  record Matrix(String name, int out, int in, float[] weights) {
    /** The largest magnitude. */
    float amax() {
      float amax = 0;
      for (float w : weights) {
        amax = Math.max(amax, Math.abs(w));
      }
      return amax;
    }
  }

  /** The ways that checkpoints are published in, and some that show why those are as they are. */
  static List<StoredWeights> all() {
    int whole = WeightFormat.WHOLE;
    List<StoredWeights> all = new ArrayList<>();
    add(all, "FP8 E4M3, one F32 a matrix", Codes.E4M3, Scales.F32, whole, whole);
    add(all, "FP8 E4M3, one F32 a row", Codes.E4M3, Scales.F32, 1, whole);
    add(all, "FP8 E4M3, one F32 for 128 x 128", Codes.E4M3, Scales.F32, 128, 128);
    add(all, "FP8 E5M2, one F32 for 128 x 128", Codes.E5M2, Scales.F32, 128, 128);
    powers(all, "FP8 E4M3, 2^k for 128 x 128", new WeightFormat(Codes.E4M3, Scales.E8M0, 128, 128));
    powers(all, "MXFP8: E4M3, 2^k for 32", WeightFormat.MXFP8);
    add(all, "FP4 E2M1, one F32 a matrix", Codes.E2M1, Scales.F32, whole, whole);
    add(all, "FP4 E2M1, one F32 a row", Codes.E2M1, Scales.F32, 1, whole);
    powers(all, "MXFP4: E2M1, 2^k for 32", WeightFormat.MXFP4);
    all.add(
        new StoredWeights(
            "NVFP4: E2M1, E4M3 for 16, one F32",
            new BlockQuantizer(WeightFormat.NVFP4, ScaleRule.EXACT)));
    return List.copyOf(all);
  }

  private static void add(
      List<StoredWeights> all, String name, Codes codes, Scales scales, int rows, int cols) {
    WeightFormat format = new WeightFormat(codes, scales, rows, cols);
    all.add(new StoredWeights(name, new BlockQuantizer(format, ScaleRule.EXACT)));
  }

  private static void powers(List<StoredWeights> all, String name, WeightFormat format) {
    for (ScaleRule rule : List.of(ScaleRule.CEIL, ScaleRule.FLOOR, ScaleRule.NEAREST)) {
      all.add(
          new StoredWeights(
              name + ", " + rule.name().toLowerCase(Locale.ROOT),
              new BlockQuantizer(format, rule)));
    }
  }

  /** All matrices of floats of a checkpoint, those with fewer than 32 columns aside. */
  static List<Matrix> of(Checkpoint checkpoint) {
    List<Matrix> matrices = new ArrayList<>();
    for (TensorInfo info : checkpoint.infos()) {
      boolean floats = List.of(DType.F32, DType.BF16, DType.F16).contains(info.dtype());
      if (floats && info.shape().length == 2 && info.shape()[1] >= 32) {
        matrices.add(
            new Matrix(
                info.name(),
                (int) info.shape()[0],
                (int) info.shape()[1],
                checkpoint.tensorOfAnyShape(info.name()).floats()));
      }
    }
    return matrices;
  }

  /** Bits of a weight of the matrices, scales included. */
  double bits(List<Matrix> matrices) {
    double bytes = 0;
    double weights = 0;
    for (Matrix m : matrices) {
      bytes += quantizer.format().bytes(m.out(), m.in());
      weights += m.weights().length;
    }
    return 8 * bytes / weights;
  }

  /** What the matrices lose. */
  Loss loss(List<Matrix> matrices) {
    double squares = 0;
    double errors = 0;
    double besideOutlier = 0;
    for (Matrix m : matrices) {
      for (float w : m.weights()) {
        squares += (double) w * w;
      }
      errors += squaredError(m.weights(), m, -1);
      float[] spoiled = m.weights().clone(); // [out][in]
      int middle = m.out() / 2 * m.in() + m.in() / 2;
      spoiled[middle] = OUTLIER * m.amax();
      besideOutlier += squaredError(spoiled, m, middle);
    }
    return new Loss(Math.sqrt(errors / squares), Math.sqrt(besideOutlier / squares));
  }

  /** The sum over all weights but one. */
  private double squaredError(float[] weights, Matrix m, int without) {
    CodedMatrix coded = quantizer.quantize(weights, m.out(), m.in());
    float[] row = new float[m.in()]; // [in]
    double sum = 0;
    for (int i = 0; i < m.out(); i++) {
      coded.decode(i, row);
      for (int j = 0; j < row.length; j++) {
        int at = i * row.length + j;
        double error = at == without ? 0 : (double) row[j] - weights[at];
        sum += error * error;
      }
    }
    return sum;
  }
}
