package orrery.quantization.layouts;

import java.util.Map;
import orrery.checkpoint.DType;
import orrery.quantization.ScaleRule;
import orrery.quantization.WeightFormat;

/**
 * NVFP4 (NVIDIA, 2025): FP4 with an FP8 scale for 16 weights of a row, and one F32 for the tensor,
 * in the spelling of compressed-tensors. There weights are divided by the F32, which is 2688 /
 * amax; ModelOpt stores the inverse. Activations stay as they are: their tensor scale would have to
 * be found by running the model.
 */
final class Nvfp4 extends CompressedTensors {
  private static final StoredForm FORM =
      new StoredForm(
          WeightFormat.NVFP4,
          ScaleRule.EXACT,
          "weight_packed",
          DType.U8,
          "weight_scale",
          DType.F8_E4M3,
          "weight_global_scale");

  @Override
  public String name() {
    return "nvfp4";
  }

  @Override
  String format() {
    return "nvfp4-pack-quantized";
  }

  @Override
  StoredForm form() {
    return FORM;
  }

  @Override
  Map<String, Object> weights() {
    return floats(4, "tensor_group", FORM.format().blockCols(), false)
        .put("scale_dtype", "torch.float8_e4m3fn")
        .put("zp_dtype", "torch.float8_e4m3fn")
        .done();
  }

  @Override
  Map<String, Object> inputs() {
    return null;
  }
}
