package orrery.quantization.layouts;

import java.util.Map;
import orrery.checkpoint.DType;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * FP8 with one F32 scale a row (an output channel), activations with one a token: GLM-4.5-FP8 and
 * GLM-4.5-Air-FP8.
 */
final class Channels extends CompressedTensors {
  private static final StoredForm FORM =
      new StoredForm(
          new WeightFormat(Codes.E4M3, Scales.F32, 1, WeightFormat.WHOLE),
          ScaleRule.EXACT,
          "weight",
          DType.F8_E4M3,
          "weight_scale",
          DType.F32);

  @Override
  public String name() {
    return "fp8-channel";
  }

  @Override
  String format() {
    return "float-quantized";
  }

  @Override
  StoredForm form() {
    return FORM;
  }

  @Override
  Map<String, Object> weights() {
    return floats(8, "channel", null, false).done();
  }

  @Override
  Map<String, Object> inputs() {
    return floats(8, "token", null, true).done();
  }
}
