package orrery.quantization.layouts;

import java.util.Map;
import java.util.Optional;
import orrery.checkpoint.DType;
import orrery.model.QuantizedParts;
import orrery.model.QuantizedParts.Role;
import orrery.quantization.Codes;
import orrery.quantization.ScaleRule;
import orrery.quantization.Scales;
import orrery.quantization.WeightFormat;

/**
 * DeepSeek-V4's release: FP8 in blocks of 128 x 128, routed experts in FP4 with a scale for 32
 * weights of a row, all scales powers of two. They are rounded up, so that nothing saturates.
 */
final class DeepSeekV4Release implements Layout {
  private static final StoredForm FP8 =
      new StoredForm(
          new WeightFormat(Codes.E4M3, Scales.E8M0, 128, 128),
          ScaleRule.CEIL,
          "weight",
          DType.F8_E4M3,
          "scale",
          DType.F8_E8M0);
  private static final StoredForm FP4 =
      new StoredForm(
          WeightFormat.MXFP4, ScaleRule.CEIL, "weight", DType.I8, "scale", DType.F8_E8M0);

  @Override
  public String name() {
    return "v4";
  }

  @Override
  public Optional<StoredForm> form(Role role, QuantizedParts parts) {
    return switch (role) {
      case KEPT -> Optional.empty();
      case LINEAR -> Optional.of(FP8);
      case EXPERT -> Optional.of(FP4);
    };
  }

  @Override
  public Map<String, Object> fields(QuantizedParts parts, Kept kept) {
    return new Fields()
        .put("expert_dtype", "fp4")
        .put("quantization_config", DeepSeekBlocks.config().put("scale_fmt", "ue8m0").done())
        .done();
  }

  @Override
  public void require(QuantizedParts parts) {
    if (!parts.expertDtype()) {
      throw new IllegalArgumentException(
          "format: expected a model whose releases have FP4 experts (expert_dtype) for v4, found"
              + " one whose releases have not; fp8-channel with experts in mxfp4 is alike");
    }
  }
}
