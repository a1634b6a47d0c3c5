package orrery.lab;

import java.util.Arrays;
import orrery.numerics.Fp4E2M1;
import orrery.numerics.Fp8E4M3;
import orrery.numerics.Fp8E5M2;
import orrery.quantization.CodedMatrix;
import orrery.quantization.Codes;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * A matrix of codes that look random, spread over the range of their format as real weights are:
 * for timing, at no cost of memory.
 */
record CodedSample(WeightFormat format, int out, int in) implements CodedMatrix {
  private static final float SCALE = 0x1p-8f;
  private static final byte SCALE_E8M0 = 127 - 8;

  @Override
  public void codes(int row, byte[] into) {
    for (int k = 0; k < in; k++) {
      into[k] = (byte) code(format.codes(), Product.value((long) row * in + k));
    }
  }

  private static int code(Codes codes, float v) {
    return switch (codes) {
      case E4M3 -> Fp8E4M3.encode(v * Fp8E4M3.MAX);
      case E5M2 -> Fp8E5M2.encode(v * Fp8E5M2.MAX);
      case E2M1 -> Fp4E2M1.encode(v * Fp4E2M1.MAX);
      case F32, BF16 -> throw new IllegalArgumentException(codes + " are no codes");
    };
  }

  @Override
  public void scales(int row, float[] into) {
    Arrays.fill(into, SCALE);
  }

  @Override
  public void scaleCodes(int row, byte[] into) {
    Arrays.fill(
        into, format.scales() == Scales.E8M0 ? SCALE_E8M0 : (byte) Fp8E4M3.encode(Fp8E4M3.MAX));
  }

  @Override
  public float tensorScale() {
    return format.scales() == Scales.E4M3 ? SCALE / Fp8E4M3.MAX : 1;
  }
}
