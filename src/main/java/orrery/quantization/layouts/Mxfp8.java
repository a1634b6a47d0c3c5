package orrery.quantization.layouts;

import java.util.Map;
import orrery.checkpoint.DType;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * MXFP8 ("OCP Microscaling Formats", 2023): FP8 with a power of two for 32 weights of a row, in the
 * spelling of compressed-tensors. MiniMax-M3's spelling has the same bytes in {@code
 * weight_scale_inv}; this one was taken because its library can be installed and asked.
 */
final class Mxfp8 extends CompressedTensors {
  private static final StoredForm FORM =
      new StoredForm(
          WeightFormat.MXFP8,
          ScaleRule.CEIL,
          "weight",
          DType.F8_E4M3,
          "weight_scale",
          DType.U8);

  @Override
  public String name() {
    return "mxfp8";
  }

  @Override
  String format() {
    return "mxfp8-quantized";
  }

  @Override
  StoredForm form() {
    return FORM;
  }

  @Override
  Map<String, Object> weights() {
    return floats(8, "group", FORM.format().blockCols(), false)
        .put("scale_dtype", "torch.uint8")
        .put("zp_dtype", "torch.uint8")
        .done();
  }

  @Override
  Map<String, Object> inputs() {
    return floats(8, "group", FORM.format().blockCols(), true)
        .put("scale_dtype", "torch.uint8")
        .put("zp_dtype", "torch.uint8")
        .done();
  }
}
