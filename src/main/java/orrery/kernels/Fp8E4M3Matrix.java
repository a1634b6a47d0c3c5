package orrery.kernels;

import orrery.numerics.Fp8E4M3;
import orrery.quantization.CodedMatrix;

/** Weights in FP8 (E4M3). */
final class Fp8E4M3Matrix extends CodePanels {
  Fp8E4M3Matrix(CodedMatrix m) {
    super(m);
  }

  @Override
  float value(int code) {
    return Fp8E4M3.decode(code);
  }
}
