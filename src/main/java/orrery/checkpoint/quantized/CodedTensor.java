package orrery.checkpoint.quantized;

import orrery.checkpoint.CheckpointException;
import orrery.checkpoint.DType;
import orrery.checkpoint.Tensor;
import orrery.numerics.E8m0;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.numerics.Fp8E5M2;
import orrery.quantization.ActivationRounding;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Codes;
import orrery.quantization.WeightFormat;

/**
 * A matrix of codes in the mapped tensors of a checkpoint. Nothing is copied before it is read.
 *
 * @param weights codes of one byte, or two FP4 codes a byte, the even column in the low half
 * @param scales of blocks; powers of two may be in bytes without a type
 * @param slice where the matrix lies
 * @param stored the format of the tensor; the matrix may begin inside a block
 * @param tensorScale of the whole tensor
 */
public record CodedTensor(
    Tensor weights,
    Tensor scales,
    Slice slice,
    WeightFormat stored,
    float tensorScale,
    ActivationRounding input)
    implements CodedMatrix {

  @Override
  public WeightFormat format() {
    return slice.own(stored);
  }

  @Override
  public int out() {
    return slice.out();
  }

  @Override
  public int in() {
    return slice.in();
  }

  @Override
  public void codes(int row, byte[] into) {
    if (stored.codes() != Codes.E2M1) {
      weights.copyRowBytes(slice.first() + row, into, 0);
      return;
    }
    int half = in() / 2;
    weights.copyRowBytes(slice.first() + row, into, half);
    for (int j = 0; j < half; j++) { // never writes to a pair that it has not read
      int pair = into[half + j];
      into[2 * j] = (byte) (pair & 0xF);
      into[2 * j + 1] = (byte) (pair >> 4 & 0xF);
    }
  }

  @Override
  public void scales(int row, float[] into) {
    int cols = stored.scaleCols(in());
    long first = firstScale(row);
    for (int j = 0; j < cols; j++) {
      into[j] = scale(first + j);
    }
  }

  @Override
  public void scaleCodes(int row, byte[] into) {
    int cols = stored.scaleCols(in());
    long first = firstScale(row);
    for (int j = 0; j < cols; j++) {
      into[j] = scales.getByte(first + j);
    }
  }

  /** Index of the first scale of a row in the tensor of scales. */
  private long firstScale(int row) {
    long inBlocks = ((long) slice.rowsAbove(stored) + row) / stored.blockRows();
    return (slice.firstScaleRow(stored) + inBlocks) * stored.scaleCols(in());
  }

  private float scale(long index) {
    return switch (stored.scales()) {
      case E8M0 -> E8m0.decode(scales.getByte(index));
      case E4M3 -> Fp8E4M3.decode(scales.getByte(index));
      default -> scales.getFloat(index);
    };
  }

  /** The number that a code stands for. */
  static float decode(Codes codes, int code) {
    return switch (codes) {
      case E4M3 -> Fp8E4M3.decode(code);
      case E5M2 -> Fp8E5M2.decode(code);
      case E2M1 -> Fp4E2M1.decode(code);
      default -> throw new IllegalArgumentException(codes + " are no codes");
    };
  }

  /**
   * Refuses weights and scales that are NaN or infinite, with their place in the tensor. Finite
   * codes and scales may have an infinite product.
   *
   * @return this
   */
  CodedTensor requireFinite() {
    float[] values = new float[256]; // [code]
    int count = stored.codes() == Codes.E2M1 ? 16 : 256;
    for (int code = 0; code < count; code++) {
      values[code] = decode(stored.codes(), code);
    }
    byte[] codes = new byte[in()]; // [in]
    float[] row = new float[stored.scaleCols(in())]; // [scaleCols]
    for (int r = 0; r < out(); r++) {
      scales(r, row);
      for (int j = 0; j < row.length; j++) {
        requireFinite(scales, "scale", firstScale(r) + j, row[j]);
      }
      codes(r, codes);
      int block = 0;
      for (int k = 0, left = stored.blockCols(); k < codes.length; k++, left--) {
        if (left == 0) {
          left = stored.blockCols();
          block++;
        }
        float weight = values[codes[k] & 0xFF] * row[block] * tensorScale;
        if (!Float.isFinite(weight)) {
          requireFinite(weights, "weight", (slice.first() + r) * in() + k, weight);
        }
      }
    }
    return this;
  }

  /**
   * Refuses scales below 0 and −0 anywhere in the tensor of scales: with them, a code of −0 is no
   * weight of −0.
   */
  public void requireScalesAboveZero() {
    for (long i = 0; i < scales.info().elements(); i++) {
      if (Float.floatToRawIntBits(scale(i) * tensorScale) < 0) {
        throw new CheckpointException(
            scales.file(),
            scales.item() + " at " + scales.place(i),
            "a scale above 0",
            "" + scale(i));
      }
    }
  }

  private void requireFinite(Tensor tensor, String what, long index, float value) {
    if (!Float.isFinite(value)) {
      boolean pairs = tensor == weights && stored.codes() == Codes.E2M1;
      String place = tensor.place(pairs ? index / 2 : index);
      throw new CheckpointException(
          tensor.file(), tensor.item() + " at " + place, "a finite " + what, "" + value);
    }
  }

  /** Whether a type is that of codes: FP8, or bytes of two FP4 codes. */
  static boolean isCodes(DType type) {
    return switch (type) {
      case F8_E4M3, F8_E5M2, U8, I8 -> true;
      default -> false;
    };
  }
}
