package orrery.lab;

import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Codes;
import orrery.quantization.WeightFormat;

/**
 * What quantising did to a matrix. Errors are relative: the root of the mean squared difference
 * over the root of the mean squared weight.
 *
 * @param tensor its name in the model that was quantised
 * @param format of its codes and scales
 * @param out rows
 * @param in columns
 * @param bytesBefore in the model that was quantised
 * @param squaredError sum over all weights
 * @param squares sum of the squared weights
 * @param worstRow the row with the largest relative error
 * @param worstRowError its relative error
 */
public record QuantizedMatrix(
    String tensor,
    WeightFormat format,
    int out,
    int in,
    long bytesBefore,
    double squaredError,
    double squares,
    int worstRow,
    double worstRowError) {

  /**
   * Compares a matrix with its codes.
   *
   * @param w [out][in]
   */
  static QuantizedMatrix of(String tensor, float[] w, CodedMatrix coded, long bytesBefore) {
    float[] row = new float[coded.in()]; // [in]
    double squaredError = 0;
    double squares = 0;
    int worst = 0;
    double worstError = 0;
    for (int o = 0; o < coded.out(); o++) {
      decode(coded, o, row);
      double rowError = 0;
      double rowSquares = 0;
      for (int k = 0; k < row.length; k++) {
        double exact = w[o * row.length + k];
        rowError += (row[k] - exact) * (row[k] - exact);
        rowSquares += exact * exact;
      }
      double relative = relative(rowError, rowSquares);
      if (relative > worstError) {
        worst = o;
        worstError = relative;
      }
      squaredError += rowError;
      squares += rowSquares;
    }
    return new QuantizedMatrix(
        tensor,
        coded.format(),
        coded.out(),
        coded.in(),
        bytesBefore,
        squaredError,
        squares,
        worst,
        worstError);
  }

  /** A row of weights: (c · s) · t, rounded once. */
  private static void decode(CodedMatrix m, int row, float[] into) {
    byte[] codes = new byte[m.in()]; // [in]
    float[] scales = new float[m.format().scaleCols(m.in())]; // [scaleCols]
    m.codes(row, codes);
    m.scales(row, scales);
    boolean fp4 = m.format().codes() == Codes.E2M1;
    for (int k = 0; k < into.length; k++) {
      float code = fp4 ? Fp4E2M1.decode(codes[k]) : Fp8E4M3.decode(codes[k] & 0xFF);
      into[k] = code * scales[k / m.format().blockCols()] * m.tensorScale();
    }
  }

  private static double relative(double squaredError, double squares) {
    return squares == 0 ? 0 : Math.sqrt(squaredError / squares);
  }

  /** Bytes of codes and scales. */
  public long bytes() {
    return format.bytes(out, in);
  }

  /** Weights. */
  public long weights() {
    return (long) out * in;
  }

  /** Bits of a weight, its share of the scales included. */
  public double bitsPerWeight() {
    return 8.0 * bytes() / weights();
  }

  /** Relative error of all weights. */
  public double error() {
    return relative(squaredError, squares);
  }
}
