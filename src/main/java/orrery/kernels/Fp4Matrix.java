package orrery.kernels;

import orrery.numerics.Fp4E2M1;
import orrery.quantization.CodedMatrix;

/** Weights in FP4 (E2M1). */
final class Fp4Matrix extends CodePanels {
  Fp4Matrix(CodedMatrix m) {
    super(m);
  }

  @Override
  float value(int code) {
    return Fp4E2M1.decode(code);
  }
}
