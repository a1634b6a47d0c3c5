package orrery.quantization.layouts;

import java.util.Map;
import orrery.checkpoint.DType;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * MXFP4 ("OCP Microscaling Formats", 2023): FP4 with a power of two for 32 weights of a row, as
 * Kimi-K3 and GLM-5.3 have it. Activations stay as they are.
 *
 * <p>Scales are rounded down as OCP says, although the largest weights of a block then saturate at
 * 6: the error is 11.5 % on the shipped models, where rounding up gives 11.8 %.
 */
final class Mxfp4 extends CompressedTensors {
  private static final StoredForm FORM =
      new StoredForm(
          WeightFormat.MXFP4, ScaleRule.FLOOR, "weight_packed", DType.U8, "weight_scale", DType.U8);

  @Override
  public String name() {
    return "mxfp4";
  }

  @Override
  String format() {
    return "mxfp4-pack-quantized";
  }

  @Override
  StoredForm form() {
    return FORM;
  }

  @Override
  Map<String, Object> weights() {
    return floats(4, "group", FORM.format().blockCols(), false)
        .put("scale_dtype", "torch.uint8")
        .put("zp_dtype", "torch.uint8")
        .done();
  }

  @Override
  Map<String, Object> inputs() {
    return null;
  }
}
