package orrery.kernels;

import orrery.numerics.Fp8E5M2;
import orrery.quantization.CodedMatrix;

/** Weights in FP8 (E5M2). */
final class Fp8E5M2Matrix extends CodePanels {
  Fp8E5M2Matrix(CodedMatrix m) {
    super(m);
  }

  @Override
  float value(int code) {
    return Fp8E5M2.decode(code);
  }
}
