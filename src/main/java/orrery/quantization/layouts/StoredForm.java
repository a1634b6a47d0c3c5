package orrery.quantization.layouts;

import orrery.checkpoint.DType;
import orrery.checkpoint.SafetensorsWriter;
import orrery.quantization.BlockQuantizer;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * How a quantised matrix is stored: its numbers, and the names and types of its tensors. A name
 * stands behind the name of the module, where the tensor of an unquantised matrix is called {@code
 * weight}.
 *
 * @param format the numbers
 * @param rule how a scale is rounded
 * @param codes name of the tensor of codes
 * @param codesType F8_E4M3 for FP8; U8 or I8 for two FP4 codes a byte
 * @param scales name of the tensor of scales
 * @param scalesType F32, or a type of 8 bits for the codes of scales
 * @param globalScale name of the F32 [1] by which weights are divided; "" if there is none
 */
public record StoredForm(
    WeightFormat format,
    ScaleRule rule,
    String codes,
    DType codesType,
    String scales,
    DType scalesType,
    String globalScale) {
  /** A form without a scale for the whole tensor. */
  StoredForm(
      WeightFormat format,
      ScaleRule rule,
      String codes,
      DType codesType,
      String scales,
      DType scalesType) {
    this(format, rule, codes, codesType, scales, scalesType, "");
  }

  /** Whether a matrix with so many columns can be stored: a group in a row is never cut off. */
  public boolean fits(int in) {
    boolean groups = format.blockRows() == 1 && format.blockCols() != WeightFormat.WHOLE;
    return !groups || in % format.blockCols() == 0;
  }

  /**
   * Adds the tensors of a matrix.
   *
   * @param module name of the matrix without {@code .weight}
   * @param tensorAmax what decided the tensor scale of {@code matrix}, if it has one
   */
  public void addTo(SafetensorsWriter writer, String module, CodedMatrix matrix, float tensorAmax) {
    int out = matrix.out();
    int packed = format.codes() == Codes.E2M1 ? 2 : 1; // codes of a byte
    writer.codes(module + "." + codes, codesType, codes(matrix, packed), out, matrix.in() / packed);
    int rows = format.scaleRows(out);
    int cols = format.scaleCols(matrix.in());
    String name = module + "." + scales;
    if (scalesType == DType.F32) {
      writer.floats(name, scales(matrix, rows, cols), rows, cols);
    } else {
      writer.codes(name, scalesType, scaleCodes(matrix, rows, cols), rows, cols);
    }
    if (!globalScale.isEmpty()) {
      float[] global = {BlockQuantizer.globalScale(tensorAmax)}; // [1]
      writer.floats(module + "." + globalScale, global, 1);
    }
  }

  /** [out][in / packed] bytes. */
  private static byte[] codes(CodedMatrix matrix, int packed) {
    int width = matrix.in() / packed;
    byte[] row = new byte[matrix.in()]; // [in]
    byte[] all = new byte[matrix.out() * width];
    for (int o = 0; o < matrix.out(); o++) {
      matrix.codes(o, row);
      for (int j = 0; j < width; j++) {
        all[o * width + j] = packed == 1 ? row[j] : (byte) (row[2 * j] & 0xF | row[2 * j + 1] << 4);
      }
    }
    return all;
  }

  /** [rows][cols] scales. */
  private float[] scales(CodedMatrix matrix, int rows, int cols) {
    float[] line = new float[cols]; // [cols]
    float[] all = new float[rows * cols];
    for (int r = 0; r < rows; r++) {
      matrix.scales(firstRow(r), line);
      System.arraycopy(line, 0, all, r * cols, cols);
    }
    return all;
  }

  /** [rows][cols] codes of scales. */
  private byte[] scaleCodes(CodedMatrix matrix, int rows, int cols) {
    byte[] line = new byte[cols]; // [cols]
    byte[] all = new byte[rows * cols];
    for (int r = 0; r < rows; r++) {
      matrix.scaleCodes(firstRow(r), line);
      System.arraycopy(line, 0, all, r * cols, cols);
    }
    return all;
  }

  /** The first row of the matrix that takes row {@code r} of the scales; blocks may be WHOLE. */
  private int firstRow(int r) {
    return r == 0 ? 0 : r * format.blockRows();
  }
}
